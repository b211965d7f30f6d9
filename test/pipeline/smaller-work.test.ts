import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StageNode } from '../../bridge-server/src/jobs/task';
import {
  framesAhead,
  largestFrameBytes,
  levelOf,
  storeLevel,
  withLevel,
  workLevels,
} from '../../bridge-server/src/pipeline/smaller-work';
import { taskFolder } from '../../bridge-server/src/pipeline/task-folder';

const node = (stage: StageNode['stage'], params: object, sequential = false): StageNode => ({
  stage,
  params,
  sequential,
});
const hd = { width: 1280, height: 720 };

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'reverie-level-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('the first level changes nothing', () => {
  const nodes = [node('resize', { width: 640, height: 360 }), node('stylize', { tilePx: 0 }, true)];
  expect(withLevel(nodes, workLevels[0], hd)).toEqual(nodes);
});

test('tiles get smaller before pictures do', () => {
  const nodes = [node('upscale', { tilePx: 0, width: 2560, height: 1440 })];
  expect(withLevel(nodes, workLevels[1], hd)[0].params).toEqual({ tilePx: 256, width: 2560, height: 1440 });
  expect(withLevel([node('upscale', { tilePx: 64 })], workLevels[1], hd)[0].params).toEqual({ tilePx: 64 });
  const zoom = node('zoom', { rate: 1.02, dream: { tilePx: 0, octaves: 4 } }, true);
  expect(withLevel([zoom], workLevels[1], hd)[0].params).toEqual({ rate: 1.02, dream: { tilePx: 256, octaves: 4 } });
  expect(workLevels.findIndex(level => level.scale < 1)).toBeGreaterThan(1);
});

test('the painter gets smaller frames, what is delivered keeps its size', () => {
  const half = workLevels.find(level => level.scale === 0.5)!;
  const painted = withLevel([node('resize', { width: 640, height: 360 }), node('stylize', {}, true)], half, hd);
  expect(painted[0].params).toEqual({ width: 320, height: 180 });
  const full = withLevel([node('stylize', {}, true)], half, hd);
  expect(full[0]).toEqual(node('resize', { width: 640, height: 360 }));
  const deliver = [
    node('upscale', { width: 2560, height: 1440, tilePx: 0 }),
    node('resize', { width: 1920, height: 1080 }),
  ];
  expect(withLevel(deliver, half, hd)[1]).toEqual(deliver[1]);
});

test('later tries let fewer frames wait, and large frames are few at any try', () => {
  const small = 640 * 360 * 12;
  expect(framesAhead(0, small)).toBe(4);
  expect(framesAhead(1, small)).toBeLessThanOrEqual(4);
  expect(framesAhead(2, small)).toBe(0);
  expect(framesAhead(0, 7680 * 4320 * 12)).toBe(1);
});

test('frames are counted at the largest size that they reach', () => {
  expect(largestFrameBytes([], hd)).toBe(1280 * 720 * 12);
  expect(
    largestFrameBytes(
      [node('resize', { width: 640, height: 360 }), node('upscale', { width: 2560, height: 1440 })],
      hd,
    ),
  ).toBe(2560 * 1440 * 12);
});

test('a level is remembered; a process that vanished while memory was scarce raises it, one that was merely killed does not', async () => {
  const task = taskFolder(folder, 'a');
  expect(await levelOf(task)).toEqual({ level: 0, before: 0 });
  await storeLevel(task, 2);
  expect(await levelOf(task)).toEqual({ level: 2, before: 2 });
  await storeLevel(task, 2, 0.5);
  expect((await levelOf(task)).level).toBe(2);
  await storeLevel(task, 2, 0.01);
  expect(await levelOf(task)).toEqual({ level: 3, before: 2 });
  await storeLevel(task, workLevels.length - 1, 0.01);
  expect((await levelOf(task)).level).toBe(workLevels.length - 1);
});
