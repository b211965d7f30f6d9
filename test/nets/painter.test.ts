import { AppError } from '#protocol/errors';
import { encodePainter, painterStatistics, readPainter } from '../../bridge-server/src/nets/painter';
import type { StyleStatistics } from '../../bridge-server/src/nets/style-statistics';
import { blendStatistics } from '../../bridge-server/src/nets/style-statistics';

function makeStatistics(seed: number): StyleStatistics {
  const layer = (channels: number) => {
    const factor = Float64Array.from(
      { length: channels * channels },
      (_, i) => Math.sin(seed * 7.3 + i * 1.7) * (i % 5 === 0 ? 40 : 0.1),
    );
    const covariance = new Float64Array(channels * channels);
    for (let i = 0; i < channels; i++)
      for (let j = 0; j < channels; j++)
        for (let k = 0; k < channels; k++)
          covariance[i * channels + j] += factor[i * channels + k] * factor[j * channels + k];
    return { channels, mean: Float64Array.from({ length: channels }, (_, i) => Math.cos(seed + i)), covariance };
  };
  return { 'conv/a': layer(5), 'rgb/1': layer(3) };
}

const makePainter = () => ({
  net: 'openimages',
  entries: [128, 256].map(sidePx => ({ sidePx, statistics: makeStatistics(sidePx) })),
});

function worstDifference(a: StyleStatistics, b: StyleStatistics): number {
  return Math.max(
    ...Object.keys(a).flatMap(layer => {
      const size = Math.max(...a[layer].covariance.map(Math.abs));
      return [
        ...Array.from(a[layer].mean, (value, i) => Math.abs(value - b[layer].mean[i])),
        ...Array.from(a[layer].covariance, (value, i) => Math.abs(value - b[layer].covariance[i]) / size),
      ];
    }),
  );
}

describe('painter files', () => {
  it('give back what was stored, to half precision', () => {
    const painter = makePainter();
    const back = readPainter(encodePainter(painter));
    expect(back.net).toBe('openimages');
    expect(back.entries.map(entry => entry.sidePx)).toEqual([128, 256]);
    back.entries.forEach((entry, i) =>
      expect(worstDifference(entry.statistics, painter.entries[i].statistics)).toBeLessThan(2 ** -11),
    );
  });

  it('store half of a symmetric matrix in 16 bits', () => {
    const header =
      12 +
      JSON.stringify({
        net: 'openimages',
        layers: [
          { name: 'conv/a', channels: 5 },
          { name: 'rgb/1', channels: 3 },
        ],
        sides: [128, 256],
      }).length;
    expect(encodePainter(makePainter()).length).toBe(header + 2 * (8 + 2 * (5 + 15) + 8 + 2 * (3 + 6)));
  });

  it('blend neighbouring sizes, and take the nearest beyond the ends', () => {
    const painter = makePainter();
    const [small, large] = painter.entries.map(entry => entry.statistics);
    expect(painterStatistics(painter, 40)).toBe(small);
    expect(painterStatistics(painter, 4000)).toBe(large);
    const between = painterStatistics(painter, 128 * Math.SQRT2);
    const blend = blendStatistics([
      { statistics: small, weight: 1 },
      { statistics: large, weight: 1 },
    ]);
    expect(worstDifference(between, blend)).toBeLessThan(1e-9);
  });

  it('are refused when damaged, with the place', () => {
    const bytes = encodePainter(makePainter());
    const damages: [Uint8Array, RegExp][] = [
      [bytes.slice(0, bytes.length - 1), /the end/],
      [bytes.slice(0, 5), /byte 0/],
      [Uint8Array.of(...bytes, 0), /the end/],
      [bytes.map((byte, i) => (i === 0 ? byte ^ 1 : byte)), /byte 0/],
      [bytes.map((byte, i) => (i === 4 ? 9 : byte)), /byte 4/],
      [bytes.map((byte, i) => (i === 12 ? 0x41 : byte)), /the header/],
      [bytes.map((byte, i) => (i >= bytes.length - 2 ? 0x7c : byte)), /not a number/],
    ];
    for (const [damaged, place] of damages) {
      expect(() => readPainter(damaged)).toThrow(AppError);
      expect(() => readPainter(damaged)).toThrow(place);
    }
  });
});

describe('blendStatistics', () => {
  it('is the statistics of a picture painted in shares', () => {
    const one = { layer: { channels: 1, mean: Float64Array.of(1), covariance: Float64Array.of(2) } };
    const other = { layer: { channels: 1, mean: Float64Array.of(5), covariance: Float64Array.of(4) } };
    const { layer } = blendStatistics([
      { statistics: one, weight: 3 },
      { statistics: other, weight: 1 },
    ]);
    expect(layer.mean[0]).toBeCloseTo(2, 12);
    // Within: (3 * 2 + 4) / 4; between: (3 * 1 + 1 * 9) / 4.
    expect(layer.covariance[0]).toBeCloseTo(2.5 + 3, 12);
  });

  it('refuses weights that are all 0', () => {
    expect(() => blendStatistics([{ statistics: makeStatistics(1), weight: 0 }])).toThrow(RangeError);
  });
});
