import { createFrame, type Frame } from '../../bridge-server/src/frame/frame';

// Taken once: in a test's own realm each look at a global is slow.
const { sin, cos, min, max, floor } = Math;
const { isNaN, isInteger } = Number;

function waves(x: number, y: number): number {
  let value = 0;
  for (let k = 1; k <= 8; k++) {
    value += sin(0.1 * k * x + 0.07 * (9 - k) * y + k) + cos(0.12 * k * y - 0.05 * (9 - k) * x + 2 * k);
  }
  return 0.5 + value / 36;
}

function otherWaves(x: number, y: number): number {
  let value = 0;
  for (let k = 1; k <= 8; k++)
    value += sin(0.09 * k * y - 0.08 * (9 - k) * x + 5 * k) + cos(0.11 * k * x + 0.06 * (9 - k) * y + 7 * k);
  return 0.45 + value / 40;
}

/** Whole pixels are asked for again and again: sines are dear. */
function remembered(picture: (x: number, y: number) => number): (x: number, y: number) => number {
  const side = 1024;
  const table = new Float64Array(side * side).fill(NaN);
  return (x, y) => {
    const [i, j] = [x + side / 2, y + side / 2];
    if (!isInteger(i) || !isInteger(j) || i < 0 || j < 0 || i >= side || j >= side) return picture(x, y);
    const at = j * side + i;
    if (isNaN(table[at])) table[at] = picture(x, y);
    return table[at];
  };
}

/** Grey as a sum of waves from 6 px to 60 px, so that a picture can be sampled anywhere exactly. */
export const texture = remembered(waves);

/** Another one, which shares nothing with the first. */
export const otherTexture = remembered(otherWaves);

/** A slightly tinted frame whose pixel (x,y) shows `picture` at `from(x,y)`. */
export function makePicture(
  width: number,
  height: number,
  index: number,
  from: (x: number, y: number) => readonly [number, number] = (x, y) => [x, y],
  picture: (x: number, y: number) => number = texture,
): Frame {
  const frame = createFrame(width, height, index);
  const area = width * height;
  for (let p = 0; p < area; p++) {
    const [x, y] = from(p % width, floor(p / width));
    const value = min(1, max(0, picture(x, y)));
    frame.rgb[p] = value;
    frame.rgb[area + p] = 0.9 * value + 0.05;
    frame.rgb[2 * area + p] = 0.8 * value;
  }
  return frame;
}

export function constantFlow(width: number, height: number, u: number, v: number): Float32Array {
  const area = width * height;
  return new Float32Array(2 * area).fill(u, 0, area).fill(v, area);
}
