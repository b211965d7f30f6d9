import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as g from '../../bridge-server/src/graph/build';
import { fromModel, toModel } from '../../bridge-server/src/graph/model';
import type { Value } from '../../bridge-server/src/graph/value';
import { evaluate } from '../../bridge-server/src/graph/evaluate';
import { readNetFile } from '../../bridge-server/src/models/import-file';
import { inspectNet } from '../../bridge-server/src/models/inspect';

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'reverie-style-nets-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const picture = (name: string, side = 32) => g.input(name, [1, 3, side, side]);
const planes = { axes: [2, 3] };

function fileOf(name: string, inputs: readonly Value[], output: Value): string {
  const path = join(folder, `${name}.onnx`);
  writeFileSync(path, toModel({ inputs, outputs: { output } }));
  return path;
}

/** Adds three numbers to a picture's colours. */
function makePainter(): string {
  const [content, numbers] = [picture('content'), g.input('style_vector', [1, 3, 1, 1])];
  return fileOf('painter', [content, numbers], g.add(g.relu(content), numbers));
}

/** Mean colours of a picture, times two. */
function makeReader(count = 3): string {
  const style = picture('content', 16);
  const mean = g.mul(g.reduceMean(style, planes), 2);
  return fileOf(`reader-${count}`, [style], count === 3 ? mean : g.concat([mean, mean], 1));
}

describe('a net that takes a style picture', () => {
  it('is known by its inputs, whether they are named or not', async () => {
    const [content, style] = [picture('input.1'), picture('input.2')];
    const path = fileOf('unnamed', [content, style], g.add(content, g.reduceMean(style, planes)));
    expect(await readNetFile(path, 'unnamed')).toMatchObject({
      uses: ['style-fast'],
      convention: { order: 'rgb', scale: 1, mean: [0, 0, 0] },
    });
  });

  it('is not confused with two frames of a film', async () => {
    const [a, b] = [picture('img0'), picture('img1')];
    expect((await readNetFile(fileOf('between', [a, b], g.mul(g.add(a, b), 0.5)), 'between')).uses).toEqual(['flow']);
  });
});

describe('a pair of nets', () => {
  it('becomes one that takes two pictures', async () => {
    const net = await readNetFile(makePainter(), 'pair', { styleNet: makeReader() });
    expect(net.uses).toEqual(['style-fast']);
    const { inputs, outputs } = fromModel(net.model, { name: 'pair' });
    expect(inputs.map(({ name, dims }) => [name, dims])).toEqual([
      ['style/content', [1, 3, 16, 16]],
      ['content', [1, 3, 32, 32]],
    ]);
    const [painted] = evaluate([outputs.output], {
      'style/content': new Float64Array(3 * 256).map((_, i) => [0.1, 0.2, 0.3][Math.floor(i / 256)]),
      content: new Float64Array(3 * 1024).fill(0.25),
    });
    [0.45, 0.65, 0.85].forEach((value, c) => expect(painted.data[1024 * c + 7]).toBeCloseTo(value, 6));
  });

  it('is asked for where one alone is imported', async () => {
    const net = await readNetFile(makePainter(), 'alone');
    expect(net.uses).toEqual([]);
    expect((await inspectNet(net)).notes.join()).toContain('--style-net');
  });

  it.each([
    ['of another count of numbers', () => makeReader(6), '1 x 6 x 1 x 1'],
    ['that is no reader of pictures', makePainter, 'does not make one list of numbers'],
  ])('%s is refused', async (_, styleNet, what) => {
    const work = readNetFile(makePainter(), 'pair', { styleNet: styleNet() });
    await expect(work).rejects.toMatchObject({
      code: 'NET_UNSUPPORTED',
      details: { what: expect.stringContaining(what) as string },
    });
  });

  it('is refused where the first takes no numbers', async () => {
    const work = readNetFile(makeReader(), 'pair', { styleNet: makeReader() });
    await expect(work).rejects.toMatchObject({ code: 'NET_UNSUPPORTED' });
  });
});
