import type { LayerStatistics } from '../../../nets/style-statistics';
import { symmetricEigen } from '../../../nets/symmetric-eigen';

/** Longer half axes of leaves, as parts of the picture's side; half as long is twice as frequent. */
const radii = [0.012, 0.7] as const;
/** Fewest and most leaves. */
const counts = [60, 400] as const;
/** Share of leaves with corners. */
const boxShare = 0.35;
/** Largest grain of a leaf, in deviations of the palette's widest direction. */
const roughest = 2;

/**
 * A picture with areas, edges, shades and grain like a photograph's, in the colours of a palette: leaves of all sizes
 * that fell on each other (the dead leaves model: Lee, Mumford and Huang, IJCV 2001).
 * @returns [3, side, side], 0..1
 */
export function fallenLeaves(side: number, palette: LayerStatistics, random: () => number): Float32Array {
  const area = side * side;
  const out = new Float32Array(3 * area);
  const { colour, widest } = colours(palette, random);
  const grain = cloud(side, random);
  const between = (low: number, high: number) => low + (high - low) * random();
  const fall = (x: number, y: number, radius: number, isBox: boolean) => {
    const [from, to] = [colour(), colour()];
    const shade = 0.5 * random();
    const roughness = roughest * random() ** 2;
    const [turn, light] = [between(0, Math.PI), between(0, 2 * Math.PI)];
    const width = radius * between(0.3, 1);
    const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
    const reach = Math.SQRT2 * radius;
    const [top, bottom] = [Math.max(0, Math.floor(y - reach)), Math.min(side, Math.ceil(y + reach))];
    const [left, right] = [Math.max(0, Math.floor(x - reach)), Math.min(side, Math.ceil(x + reach))];
    for (let row = top; row < bottom; row++)
      for (let column = left; column < right; column++) {
        const u = ((column - x) * cos + (row - y) * sin) / radius;
        const v = ((row - y) * cos - (column - x) * sin) / width;
        if (isBox ? Math.max(Math.abs(u), Math.abs(v)) > 1 : u * u + v * v > 1) continue;
        const share = shade * (0.5 + 0.5 * (u * Math.cos(light) + v * Math.sin(light)));
        const at = row * side + column;
        for (let c = 0; c < 3; c++) {
          const value = from[c] + share * (to[c] - from[c]) + roughness * grain[at] * widest[c];
          out[c * area + at] = Math.min(1, Math.max(0, value));
        }
      }
  };
  const middle = side / 2;
  // The ground: a leaf that covers everything.
  fall(middle, middle, 4 * side, true);
  const count = Math.round(between(...counts));
  const [least, most] = radii.map(share => share * side);
  for (let leaf = 0; leaf < count; leaf++)
    fall(between(0, side), between(0, side), 1 / between(1 / most, 1 / least), random() < boxShare);
  return out;
}

/** Noise of all sizes, larger ones stronger, as in clouds and stone: [side, side]. */
function cloud(side: number, random: () => number): Float32Array {
  const out = new Float32Array(side * side);
  for (const cell of [2, 4, 8, 16, 32, 64]) {
    const count = Math.ceil(side / cell) + 1;
    const knots = Float32Array.from({ length: count * count }, () => (random() - 0.5) * 0.25 * Math.sqrt(cell));
    for (let y = 0; y < side; y++)
      for (let x = 0; x < side; x++) {
        const [row, column] = [Math.floor(y / cell), Math.floor(x / cell)];
        const [down, across] = [y / cell - row, x / cell - column];
        const at = row * count + column;
        const [above, below] = [at, at + count].map(knot => knots[knot] + across * (knots[knot + 1] - knots[knot]));
        out[y * side + x] += above + down * (below - above);
      }
  }
  return out;
}

/** Draws colours with the palette's means and covariance; `widest` is one deviation in the direction of the largest. */
function colours({ mean, covariance }: LayerStatistics, random: () => number) {
  const { values, vectors } = symmetricEigen(covariance, 3);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const axes = Array.from(values, (value, k) => [0, 1, 2].map(i => vectors[3 * i + k] * Math.sqrt(Math.max(0, value))));
  return {
    widest: axes[2],
    colour: () => {
      const far = axes.map(normal);
      return Array.from(mean, (middle, i) => middle + axes.reduce((sum, axis, k) => sum + far[k] * axis[i], 0));
    },
  };
}
