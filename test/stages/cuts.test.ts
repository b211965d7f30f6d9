import type { Frame } from '../../bridge-server/src/frame/frame';
import { detectCuts } from '../../bridge-server/src/stages/cuts';
import { makePicture, otherTexture, texture } from './moving-picture';

const [width, height] = [96, 54];

function makeClip(
  count: number,
  at: (t: number) => {
    from?: (x: number, y: number) => readonly [number, number];
    picture?: typeof texture;
    gain?: number;
  },
): Frame[] {
  return Array.from({ length: count }, (_, t) => {
    const { from, picture = texture, gain = 1 } = at(t);
    return makePicture(width, height, 100 + t, from, (x, y) => gain * picture(x, y));
  });
}

test('a cut is found at the first frame of the new shot, by its index', async () => {
  const clip = makeClip(16, t => ({ picture: t < 9 ? texture : otherTexture, from: (x, y) => [x + 2 * t, y] }));
  expect(await detectCuts(clip)).toEqual({ frames: 16, cuts: [109] });
});

test.each<[string, (t: number) => { from?: (x: number, y: number) => readonly [number, number]; gain?: number }]>([
  ['a still picture', () => ({})],
  ['a fast pan', t => ({ from: (x, y) => [x + 5 * t, y] })],
  ['a zoom', t => ({ from: (x, y) => [48 + (x - 48) * 0.96 ** t, 27 + (y - 27) * 0.96 ** t] })],
  ['a fade from black', t => ({ gain: Math.min(1, t / 10) })],
  ['a lamp that is switched on', t => ({ gain: t < 8 ? 0.5 : 1 })],
])('%s is no cut', async (_, at) => {
  expect((await detectCuts(makeClip(16, at))).cuts).toEqual([]);
});

test('a flash of two frames does not end the shot', async () => {
  const clip = makeClip(16, t => ({
    from: (x, y) => [x + t, y],
    picture: t === 7 || t === 8 ? otherTexture : texture,
  }));
  expect((await detectCuts(clip)).cuts).toEqual([]);
});

test('a shot of five frames between two others is one', async () => {
  const clip = makeClip(18, t => ({ picture: t >= 7 && t < 12 ? otherTexture : texture }));
  expect((await detectCuts(clip)).cuts).toEqual([107, 112]);
});
