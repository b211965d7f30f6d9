import { completeFlow } from '../../bridge-server/src/stages/flow/completed-flow';
import { constantFlow } from './moving-picture';

const [width, height] = [96, 64];
const area = width * height;
const size = { width, height };
const map = (value: (x: number, y: number) => number) =>
  Float32Array.from({ length: area }, (_, p) => value(p % width, Math.floor(p / width)));
const at = (flow: Float32Array, x: number, y: number) => [flow[y * width + x], flow[area + y * width + x]];

/** A light wall that rests, a dark dancer from x = 60 on who goes left, and between x = 40 and 60 what she will cover. */
const scene = {
  picture: map(x => (x < 60 ? 0.8 : 0.2)),
  trust: map(x => (x >= 40 && x < 60 ? 0 : 1)),
  flow: (() => {
    const flow = constantFlow(width, height, 0, 0);
    for (let p = 0; p < area; p++) flow[p] = p % width >= 60 ? -20 : p % width >= 40 ? 33 : 0;
    return flow;
  })(),
};

test('what will be covered moves with what looks like it, not with what is nearer', () => {
  const whole = completeFlow(scene.flow, scene.trust, scene.picture, size);
  for (const x of [41, 50, 58]) {
    const [u, v] = at(whole, x, 32);
    expect(Math.abs(u)).toBeLessThan(0.5);
    expect(v).toBe(0);
  }
});

test('what is known stays exactly as it is', () => {
  const whole = completeFlow(scene.flow, scene.trust, scene.picture, size);
  for (let p = 0; p < area; p++) if (scene.trust[p] === 1) expect(whole[p]).toBe(scene.flow[p]);
});

describe('what leaves the picture', () => {
  const trust = map(x => (x < 24 ? 0.5 : 1));
  const picture = map(() => 0.5);

  test('goes with a pan, whatever the search said', () => {
    const flow = constantFlow(width, height, -24, 3);
    for (let p = 0; p < area; p++) if (p % width < 24) flow[p] = 7;
    const [u, v] = at(completeFlow(flow, trust, picture, size), 5, 30);
    expect(u).toBeCloseTo(-24, 1);
    expect(v).toBeCloseTo(3, 1);
  });

  test('keeps its own motion where its neighbours disagree about theirs', () => {
    const flow = constantFlow(width, height, -24, 3);
    for (let p = 0; p < area; p++) flow[p] = p % width < 24 ? 7 : Math.floor(p / width) % 16 < 8 ? -24 : 10;
    expect(at(completeFlow(flow, trust, picture, size), 5, 30)).toEqual([7, 3]);
  });
});

test('where nothing near is known, nothing moves', () => {
  const flow = constantFlow(width, height, 9, 9);
  const whole = completeFlow(
    flow,
    map(x => (x < 8 ? 1 : 0)),
    map(() => 0.5),
    size,
  );
  expect(at(whole, 90, 30)).toEqual([0, 0]);
  expect(at(whole, 3, 30)).toEqual([9, 9]);
});
