import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { computeFlowFiles } from '../../bridge-server/src/stages/flow';
import { endPointError, readFlo, writeFlo } from '../../bridge-server/src/stages/flow/flo-file';
import { flowPicture } from '../../bridge-server/src/stages/flow/flow-picture';
import { constantFlow, makePicture } from './moving-picture';

const truth = join(__dirname, '../../../shared/data/flow/Venus/flow10.flo');

test('what is written is read back, and unknown stays unknown', () => {
  const size = { width: 5, height: 3 };
  const flow = Float32Array.from({ length: 30 }, (_, i) => i / 7 - 2);
  flow[4] = NaN;
  flow[20] = 2e9;
  const file = readFlo(writeFlo(flow, size));
  expect([file.width, file.height]).toEqual([5, 3]);
  for (let p = 0; p < 15; p++) {
    const known = p !== 4 && p !== 5;
    for (const i of [p, 15 + p]) {
      if (known) expect(file.flow[i]).toBe(flow[i]);
      else expect(file.flow[i]).toBeNaN();
    }
  }
});

(existsSync(truth) ? test : test.skip)(
  'a file of the Middlebury set is read and written back byte for byte where it is known (skipped without ../shared)',
  () => {
    const bytes = readFileSync(truth);
    const file = readFlo(bytes, truth);
    expect([file.width, file.height]).toEqual([420, 380]);
    const again = Buffer.from(writeFlo(file.flow, file));
    expect(again.length).toBe(bytes.length);
    let differing = 0;
    for (let p = 0; p < 420 * 380; p++) {
      if (!Number.isNaN(file.flow[p]) && again.compare(bytes, 12 + 8 * p, 20 + 8 * p, 12 + 8 * p, 20 + 8 * p) !== 0)
        differing++;
    }
    expect(differing).toBe(0);
    expect(endPointError(file.flow, file.flow)).toBe(0);
  },
);

test.each([
  ['too short', new Uint8Array(8)],
  ['of another kind', new Uint8Array(40)],
  ['cut off', writeFlo(constantFlow(4, 4, 1, 1), { width: 4, height: 4 }).subarray(0, 100)],
])('a file that is %s is refused', (_, bytes) => {
  expect(() => readFlo(bytes, 'a.flo')).toThrow('FILE_UNREADABLE');
});

test('the picture of a motion: still is white, unknown black, opposite directions differ', () => {
  const flow = constantFlow(4, 1, 0, 0);
  flow[1] = 3;
  flow[2] = -3;
  flow[3] = NaN;
  const { rgb } = flowPicture(flow, { width: 4, height: 1 });
  const pixel = (p: number) => [rgb[p], rgb[4 + p], rgb[8 + p]];
  expect(pixel(0)).toEqual([1, 1, 1]);
  expect(pixel(3)).toEqual([0, 0, 0]);
  // Middlebury's wheel: motion to the right is red, to the left cyan-blue.
  expect(pixel(1)[0]).toBeGreaterThan(0.9);
  expect(pixel(1)[2]).toBeLessThan(0.3);
  expect(pixel(2)[0]).toBeLessThan(0.3);
  expect(pixel(2)[2]).toBeGreaterThan(0.9);
});

test('computeFlowFiles writes one direction, or both', async () => {
  const provider = {
    name: 'fixed',
    flow: async () => ({ forward: constantFlow(16, 16, 2, 0), backward: constantFlow(16, 16, -2, 0) }),
    close: async () => undefined,
  };
  const [a, b] = [makePicture(16, 16, 0), makePicture(16, 16, 1)];
  expect((await computeFlowFiles(a, b, provider)).map(file => file.direction)).toEqual(['forward']);
  const files = await computeFlowFiles(a, b, provider, { both: true });
  expect(files.map(file => readFlo(file.bytes).flow[0])).toEqual([2, -2]);
  expect(files[1].picture.rgb.length).toBe(3 * 256);
});
