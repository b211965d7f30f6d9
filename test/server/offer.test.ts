import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { shortened } from '../../bridge-server/src/server/calibrate';
import { createBridgeCore, type BridgeCore } from '../../bridge-server/src/server/core';
import { noNets } from '../fakes/bridge-client';
import { fakeWorker, makeClip, makePlace, makePreset, makeSpec } from '../fakes/jobs';

const place = makePlace();
let core: BridgeCore;
const large = makeClip({ width: 7680, height: 4320, frames: 40 });
beforeAll(() => {
  core = createBridgeCore({ home: join(place.folder, 'home'), worker: fakeWorker, nets: noNets });
  mkdirSync(core.home.clips, { recursive: true });
  writeFileSync(join(core.home.clips, large.sha256), 'a clip');
  writeFileSync(join(core.home.clips, `${large.sha256}.json`), JSON.stringify(large));
});
afterAll(async () => {
  await core.close();
  place.remove();
});

const painted = (lines: number) =>
  makeSpec({
    preset: makePreset({
      effects: [{ effect: 'style', params: { workingHeight: lines } }],
      output: { size: { width: 640, height: 360 } },
    }),
  });

test('a job that fits badly is offered with the most lines that fit well, and the offer is such a job', async () => {
  const offer = await core.estimate(painted(2160));
  expect(offer.smaller).toBeDefined();
  const { preset, lines, estimate } = offer.smaller!;
  expect(lines).toBeLessThan(2160);
  expect(estimate.memoryBytes).toBeLessThan(offer.estimate.memoryBytes / 1.3);
  expect(preset.effects[0]).toMatchObject({ effect: 'style', params: { workingHeight: lines } });
  const again = await core.estimate({ ...painted(2160), preset });
  expect(again.smaller).toBeUndefined();
  expect(again.estimate).toEqual(estimate);
});

test('a job that fits well comes without an offer', async () => {
  expect((await core.estimate(painted(180))).smaller).toBeUndefined();
});

test('what is measured instead of a job has the same kinds of work and takes seconds', () => {
  const preset = makePreset({
    effects: [
      { effect: 'key' },
      { effect: 'style', params: { detail: 'fine', passes: 4 } },
      { effect: 'dream', params: { iterations: 100, octaves: 6 } },
      { effect: 'upscale', params: { tta: true } },
      { effect: 'retime', params: { method: 'blend' } },
    ],
    output: { size: { width: 4096, height: 2160 }, codec: 'h264' },
  });
  const short = shortened(preset);
  expect(short.effects.map(effect => effect.effect)).toEqual(['style', 'dream', 'upscale', 'retime']);
  expect(short.effects[0].params).toMatchObject({ iterations: 8, iterationsNext: 4, passes: 1 });
  expect(short.effects[2].params).toMatchObject({ tta: false });
  expect(short.output).toMatchObject({ size: 'source', codec: 'h264' });
});
