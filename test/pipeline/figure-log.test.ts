import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFigureLog } from '../../bridge-server/src/pipeline/figure-log';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'figure-log-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const figures = (index: number) => ({ index, sharpness: 0.5 + index, defects: [] });

test('a later try knows the figures of the frames that stay, and adds to them', async () => {
  const path = join(folder, 'figures.jsonl');
  const first = await openFigureLog(path, Infinity);
  expect(first.known.size).toBe(0);
  for (const frame of [10, 11, 12]) await first.add(frame, figures(frame));
  const second = await openFigureLog(path, 12);
  expect([...second.known]).toEqual([
    [10, figures(10)],
    [11, figures(11)],
  ]);
  await second.add(12, { ...figures(12), sharpness: 9 });
  expect((await openFigureLog(path, Infinity)).known.get(12)!.sharpness).toBe(9);
});

test('what a power loss left of a line is no figure, and nothing is read from an unmeasured number', async () => {
  const path = join(folder, 'figures.jsonl');
  await (await openFigureLog(path, Infinity)).add(0, { ...figures(0), psnr: Infinity });
  appendFileSync(path, '\0\0\0\n{"frame":1,"figu');
  const { known } = await openFigureLog(path, Infinity);
  expect([...known]).toEqual([[0, figures(0)]]);
});
