import { lumaOf } from '../../bridge-server/src/frame/plane';
import {
  colourStatistics,
  inverseColours,
  keepHues,
  mapColours,
  matchColours,
} from '../../bridge-server/src/stages/stylize/colour';

function makePixels(count: number, seed: number, spread: readonly number[], mean: readonly number[]): Float32Array {
  let state = seed;
  const random = () => (state = (state * 48271) % 2147483647) / 2147483647 - 0.5;
  const out = new Float32Array(3 * count);
  for (let p = 0; p < count; p++) {
    const shared = random();
    for (let c = 0; c < 3; c++) out[c * count + p] = mean[c] + spread[c] * (shared + 0.5 * random());
  }
  return out;
}

const photo = makePixels(500, 1, [0.3, 0.25, 0.2], [0.5, 0.4, 0.6]);
const painting = makePixels(400, 2, [0.2, 0.3, 0.35], [0.3, 0.5, 0.4]);

describe('matching colours', () => {
  it('gives the mean and the covariance of the other picture', () => {
    const mapped = colourStatistics(
      mapColours(photo, matchColours(colourStatistics(photo), colourStatistics(painting))),
    );
    const wanted = colourStatistics(painting);
    mapped.mean.forEach((value, c) => expect(value).toBeCloseTo(wanted.mean[c], 4));
    mapped.covariance.forEach((value, i) => expect(value).toBeCloseTo(wanted.covariance[i], 3));
  });

  it('has an exact way back', () => {
    const map = matchColours(colourStatistics(photo), colourStatistics(painting));
    const back = mapColours(mapColours(photo, map), inverseColours(map));
    back.forEach((value, i) => expect(value).toBeCloseTo(photo[i], 5));
  });

  it('leaves a picture that matches already alone', () => {
    const map = matchColours(colourStatistics(photo), colourStatistics(photo));
    mapColours(photo, map).forEach((value, i) => expect(value).toBeCloseTo(photo[i], 5));
  });

  it('stretches neither way beyond its limit, even from or to a flat picture', () => {
    const flat = new Float32Array(300).fill(0.5);
    const stretch = (rgb: Float32Array, map: ReturnType<typeof matchColours>) => {
      const [a, b] = [colourStatistics(rgb), colourStatistics(mapColours(rgb, map))];
      return Math.sqrt(
        (b.covariance[0] + b.covariance[4] + b.covariance[8]) / (a.covariance[0] + a.covariance[4] + a.covariance[8]),
      );
    };
    const toFlat = matchColours(colourStatistics(photo), colourStatistics(flat));
    expect(stretch(photo, toFlat)).toBeGreaterThan(1 / 2.51);
    expect(
      stretch(
        photo,
        matchColours(colourStatistics(photo.map(value => 0.5 + 0.2 * (value - 0.5))), colourStatistics(painting)),
      ),
    ).toBeLessThan(2.51);
    mapColours(mapColours(photo, toFlat), inverseColours(toFlat)).forEach((value, i) =>
      expect(value).toBeCloseTo(photo[i], 4),
    );
  });
});

it('a black frame before a fade changes no colours: it says nothing about its shot', () => {
  const map = matchColours(colourStatistics(new Float32Array(300)), colourStatistics(painting));
  mapColours(photo, map).forEach((value, i) => expect(value).toBeCloseTo(photo[i], 6));
});

describe('keeping hues', () => {
  it('takes the brightness from the paint and everything else from the footage', () => {
    const paint = photo.map((value, i) => 0.9 * value + 0.1 * Math.sin(i));
    const kept = keepHues(paint, photo);
    lumaOf(kept).forEach((value, p) => expect(value).toBeCloseTo(lumaOf(paint)[p], 5));
    for (let p = 0; p < 500; p++) expect(kept[p] - kept[500 + p]).toBeCloseTo(photo[p] - photo[500 + p], 5);
  });
});

describe('colour statistics', () => {
  it('of the part that weights mark are those of that part', () => {
    const weights = Float32Array.from({ length: 500 }, (_, p) => (p < 100 ? 1 : 0));
    const part = new Float32Array(300);
    for (let c = 0; c < 3; c++) part.set(photo.subarray(c * 500, c * 500 + 100), c * 100);
    const [got, wanted] = [colourStatistics(photo, weights), colourStatistics(part)];
    got.covariance.forEach((value, i) => expect(value).toBeCloseTo(wanted.covariance[i], 8));
  });
});
