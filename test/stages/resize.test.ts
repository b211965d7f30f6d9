import { createFrame, type Frame } from '../../bridge-server/src/frame/frame';
import { resizeFrame, resizePlanes } from '../../bridge-server/src/stages/resize';
import { worstDifference } from '../compare';

/** A frame with rgb from (x, y, c) with x and y at pixel centres, 0..1. */
function makeFrame(width: number, height: number, at: (x: number, y: number, c: number) => number): Frame {
  const frame = createFrame(width, height);
  for (let c = 0; c < 3; c++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        frame.rgb[(c * height + y) * width + x] = at((x + 0.5) / width, (y + 0.5) / height, c);
  return frame;
}

test('an even picture stays even at any size', () => {
  const frame = makeFrame(37, 23, (_x, _y, c) => 0.2 + 0.3 * c);
  for (const [width, height] of [
    [74, 46],
    [11, 5],
    [38, 23],
    [1, 1],
  ]) {
    const resized = resizeFrame(frame, width, height);
    expect(worstDifference(resized.rgb, makeFrame(width, height, (_x, _y, c) => 0.2 + 0.3 * c).rgb)).toBeLessThan(1e-6);
  }
});

test('a slow wave is kept, larger and smaller, without a shift', () => {
  const wave = (x: number, y: number) => 0.5 + 0.3 * Math.cos(2 * Math.PI * x) * Math.cos(Math.PI * y);
  const frame = makeFrame(64, 48, wave);
  for (const [width, height] of [
    [128, 96],
    [100, 61],
    [40, 30],
  ]) {
    const resized = resizeFrame(frame, width, height);
    const inside = makeFrame(width, height, wave);
    let most = 0;
    for (let y = 6; y < height - 6; y++)
      for (let x = 6; x < width - 6; x++)
        most = Math.max(most, Math.abs(resized.rgb[y * width + x] - inside.rgb[y * width + x]));
    expect(most).toBeLessThan(0.004);
  }
});

test('stripes finer than the new grid become grey instead of aliasing', () => {
  const frame = makeFrame(96, 8, x => (Math.floor(x * 96) % 2 === 0 ? 1 : 0));
  const resized = resizeFrame(frame, 31, 8);
  for (let x = 3; x < 28; x++) expect(Math.abs(resized.rgb[x] - 0.5)).toBeLessThan(0.02);
});

test('an overshoot is cut off', () => {
  const resized = resizeFrame(
    makeFrame(16, 16, x => (x < 0.5 ? 0 : 1)),
    64,
    64,
  );
  expect(Math.min(...resized.rgb)).toBe(0);
  expect(Math.max(...resized.rgb)).toBe(1);
});

test('a hidden colour does not bleed into the edge of a matte', () => {
  // A white subject on a green screen that the matte hides.
  const rgb = makeFrame(32, 32, (x, _y, c) => (x < 0.5 ? 1 : c === 1 ? 1 : 0));
  const alpha = new Float32Array(32 * 32).map((_, i) => (i % 32 < 16 ? 1 : 0));
  const resized = resizeFrame({ ...rgb, alpha }, 80, 80);
  const plane = 80 * 80;
  for (let i = 0; i < plane; i++) {
    if (resized.alpha![i] < 0.05) continue;
    expect(resized.rgb[i]).toBeGreaterThan(0.98); // red stays full: the subject is white up to its edge
  }
  expect(resized.alpha![40 * 80 + 5]).toBeCloseTo(1, 6);
  expect(resized.alpha![40 * 80 + 75]).toBeCloseTo(0, 6);
});

test('the size that it has costs nothing', () => {
  const frame = createFrame(8, 8);
  expect(resizeFrame(frame, 8, 8)).toBe(frame);
  expect(resizePlanes(frame.rgb, 3, 8, 8, 8, 8)).toBe(frame.rgb);
});
