import { prepareBetween } from '../../bridge-server/src/stages/flow/interpolate';
import { consistency } from '../../bridge-server/src/stages/occlusion';
import { constantFlow, makePicture, otherTexture, texture } from './moving-picture';

const [width, height] = [128, 64];
const area = width * height;
const size = { width, height };

function makeMotion(forward: Float32Array, backward: Float32Array) {
  const [intoB, intoA] = [consistency(backward, forward, size), consistency(forward, backward, size)];
  return { forward, backward, intoA, intoB };
}

/** Mean error of the pixels that `counts` over all channels. */
function errorOf(made: Float32Array, truth: Float32Array, counts: (x: number, y: number) => boolean): number {
  let [sum, count] = [0, 0];
  for (let i = 0; i < made.length; i++) {
    const p = i % area;
    if (!counts(p % width, Math.floor(p / width))) continue;
    sum += Math.abs(made[i] - truth[i]);
    count++;
  }
  return sum / count;
}

const blend = (a: Float32Array, b: Float32Array) => a.map((value, i) => (value + b[i]) / 2);

describe('a square that goes over a wall at 16 px a frame', () => {
  const [left, side, px] = [40, 40, 16];
  const isSquare = (x: number, y: number, time: number) =>
    x >= left + px * time && x < left + px * time + side && y >= 12 && y < 12 + side;
  const sceneAt = (time: number) =>
    makePicture(
      width,
      height,
      0,
      (x, y) => [x, y],
      (x, y) => (isSquare(x, y, time) ? 0.5 + 0.5 * otherTexture(x - px * time, y) : 0.5 * texture(x, y)),
    ).rgb;
  const [a, truth, b] = [sceneAt(0), sceneAt(0.5), sceneAt(1)];
  /** True motion, but what the search finds for wall that the other frame hides: chance. */
  const motionFrom = (time: 0 | 1) => {
    const flow = constantFlow(width, height, 0, 0);
    for (let p = 0; p < area; p++) {
      const [x, y] = [p % width, Math.floor(p / width)];
      if (isSquare(x, y, time)) flow[p] = time === 0 ? px : -px;
      else if (isSquare(x, y, 1 - time)) flow[p] = 5 * Math.sin(p);
    }
    return flow;
  };
  const strips = (x: number, y: number) =>
    y >= 16 && y < 48 && ((x >= left + 1 && x < left + 7) || (x >= left + side + 9 && x < left + side + 15));

  test('the wall beside it comes from the frame that shows it, not from both', () => {
    const made = prepareBetween(a, b, makeMotion(motionFrom(0), motionFrom(1)), size).at(0.5);
    expect(errorOf(made, truth, strips)).toBeLessThan(0.02);
    expect(errorOf(blend(a, b), truth, strips)).toBeGreaterThan(0.1);
  });

  test('where the search lost everything the frames are blended', () => {
    const chance = Float32Array.from({ length: 2 * area }, (_, i) => 20 * Math.sin(i * i));
    const made = prepareBetween(a, b, makeMotion(chance, chance.slice().reverse()), size).at(0.5);
    expect(errorOf(made, blend(a, b), () => true)).toBeLessThan(0.02);
  });
});

test('stripes that change places move, though they look the same in place', () => {
  const bars = (x: number) => (((x % 24) + 24) % 24 < 8 ? 0.9 : 0);
  const sceneAt = (time: number) => makePicture(width, height, 0, x => [x - 24 * time, 0], bars).rgb;
  const [a, b] = [sceneAt(0), sceneAt(1)];
  const motion = makeMotion(constantFlow(width, height, 24, 0), constantFlow(width, height, -24, 0));
  const made = prepareBetween(a, b, motion, size).at(0.5);
  expect(errorOf(made, sceneAt(0.5), () => true)).toBeLessThan(0.01);
  expect(errorOf(blend(a, b), sceneAt(0.5), () => true)).toBeGreaterThan(0.3);
});

test('a picture that rests comes out as the mean of both frames, with half of their noise', () => {
  const noisy = (seed: number) =>
    makePicture(width, height, 0).rgb.map((value, i) => value + 0.002 * Math.sin(12.9 * i * i + seed));
  const [a, b] = [noisy(1), noisy(2)];
  const jitter = Float32Array.from({ length: 2 * area }, (_, i) => 0.2 * Math.sin(i));
  const made = prepareBetween(
    a,
    b,
    makeMotion(
      jitter,
      jitter.map(value => -value),
    ),
    size,
  ).at(0.5);
  expect(errorOf(made, blend(a, b), () => true)).toBeLessThan(1e-6);
});
