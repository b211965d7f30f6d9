/** One value a pixel, [H, W]. */

/** Rec. 709 luma, the frames' own. */
export const lumaWeights = [0.2126, 0.7152, 0.0722] as const;

export function luma(red: number, green: number, blue: number): number {
  return lumaWeights[0] * red + lumaWeights[1] * green + lumaWeights[2] * blue;
}

/** [H, W] of [3, H, W] */
export function lumaOf(rgb: Float32Array): Float32Array {
  const area = rgb.length / 3;
  const out = new Float32Array(area);
  for (let p = 0; p < area; p++) out[p] = luma(rgb[p], rgb[area + p], rgb[2 * area + p]);
  return out;
}

/** 0 for a plane without pixels. */
export function meanOf(plane: Float32Array): number {
  let sum = 0;
  for (const value of plane) sum += value;
  return sum / Math.max(1, plane.length);
}
