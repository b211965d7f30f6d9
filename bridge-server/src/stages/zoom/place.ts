import type { Size } from '../dream/octaves';

/** One step of a zoom: enlargement and clockwise turn about a point given in shares of width and height. */
export type Placing = {
  readonly scale: number;
  readonly degrees: number;
  readonly centreX: number;
  readonly centreY: number;
};

/** Softness of the edge of a picture laid into another, as a share of its own side. */
const softEdge = 0.12;

/** Catmull-Rom: keeps fine detail over hundreds of resamplings, where linear weights would blur it away (methods 5.5). */
function cubicWeights(t: number): [number, number, number, number] {
  const [t2, t3] = [t * t, t * t * t];
  return [-0.5 * t + t2 - 0.5 * t3, 1 - 2.5 * t2 + 1.5 * t3, 0.5 * t + 2 * t2 - 1.5 * t3, -0.5 * t2 + 0.5 * t3];
}

function reflect(at: number, length: number): number {
  if (length === 1) return 0;
  const period = 2 * (length - 1);
  const wrapped = ((at % period) + period) % period;
  return wrapped < length ? wrapped : period - wrapped;
}

/**
 * The picture enlarged and turned about a point, cubic, clamped to 0..1.
 * @param image [3, H, W]
 * @param beyond what lies outside the picture: its mirror image, or nothing (then `inside` falls softly to 0 at its edge)
 */
export function turnedAndEnlarged(
  image: Float32Array,
  size: Size,
  placing: Placing,
  beyond: 'reflect' | 'outside',
): { image: Float32Array; inside: Float32Array } {
  const { width, height } = size;
  const area = width * height;
  const out = new Float32Array(3 * area);
  const inside = new Float32Array(area);
  const angle = (-placing.degrees * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle) / placing.scale, Math.sin(angle) / placing.scale];
  const [cx, cy] = [placing.centreX * (width - 1), placing.centreY * (height - 1)];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const sx = cx + cos * (x - cx) - sin * (y - cy);
      const sy = cy + sin * (x - cx) + cos * (y - cy);
      const at = y * width + x;
      if (beyond === 'outside') {
        const margin = Math.min(sx / (width - 1), 1 - sx / (width - 1), sy / (height - 1), 1 - sy / (height - 1));
        if (margin <= 0) continue;
        const t = Math.min(1, margin / softEdge);
        inside[at] = t * t * (3 - 2 * t);
      } else inside[at] = 1;
      const [x0, y0] = [Math.floor(sx), Math.floor(sy)];
      const [wx, wy] = [cubicWeights(sx - x0), cubicWeights(sy - y0)];
      for (let j = 0; j < 4; j++) {
        const row = reflect(y0 + j - 1, height) * width;
        for (let i = 0; i < 4; i++) {
          const weight = wy[j] * wx[i];
          if (weight === 0) continue;
          const from = row + reflect(x0 + i - 1, width);
          out[at] += weight * image[from];
          out[area + at] += weight * image[area + from];
          out[2 * area + at] += weight * image[2 * area + from];
        }
      }
    }
  }
  for (let i = 0; i < out.length; i++) out[i] = Math.min(1, Math.max(0, out[i]));
  return { image: out, inside };
}
