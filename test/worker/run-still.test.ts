import type { StageNode } from '../../bridge-server/src/jobs/task';
import { previewStages } from '../../bridge-server/src/worker/run-still';

const node = (stage: StageNode['stage'], params: object, sequential = false): StageNode => ({
  stage,
  params,
  sequential,
});
const hd = { width: 1920, height: 1080 };

test('no time is made and nothing is enlarged by a net', () => {
  const stages = previewStages(
    [node('retime', {}), node('stylize', {}, true), node('upscale', { width: 3840, height: 2160 })],
    { width: 320, height: 180 },
    640,
  );
  expect(stages.map(stage => stage.stage)).toEqual(['stylize']);
});

test('what a net enlarges is shown where it fits pixel for pixel', () => {
  const stages = [node('upscale', { width: 640, height: 360 })];
  expect(previewStages(stages, { width: 320, height: 180 }, 640)).toEqual(stages);
  expect(previewStages(stages, { width: 320, height: 180 }, 639)).toEqual([]);
});

test('a painter works at the size it will have in the job', () => {
  const stages = previewStages([node('resize', { width: 640, height: 360 }), node('stylize', {}, true)], hd, 800);
  expect(stages[0].params).toEqual({ width: 640, height: 360 });
});

test('sizes are capped in their shape, and a clip that nothing makes smaller is made smaller first', () => {
  const capped = previewStages([node('resize', { width: 1600, height: 900 }), node('stylize', {}, true)], hd, 640);
  expect(capped[0].params).toEqual({ width: 640, height: 360 });
  const first = previewStages(
    [node('key', {}), node('composite', { width: 1920, height: 1080, over: 'alpha' })],
    hd,
    640,
  );
  expect(first.map(stage => stage.stage)).toEqual(['resize', 'key', 'composite']);
  expect(first[2].params).toEqual({ width: 640, height: 360, over: 'alpha' });
});
