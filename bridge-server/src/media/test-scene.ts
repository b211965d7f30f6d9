import { rate, type Rate } from '#protocol/time';
import { createFrame, type Frame } from '../frame/frame';

/**
 * A short moving scene, drawn by arithmetic alone: a camera pans over a valley at evening, a balloon drifts behind a tree,
 * a windmill turns. It has what style and flow find hard: fine texture, a smooth sky, parallax, occlusion, rotation.
 */
export type SceneOptions = {
  readonly width?: number;
  readonly height?: number;
  readonly frames?: number;
  readonly rate?: Rate;
};

// Named once: looking each up in `Math` for every pixel costs more than the arithmetic, in a sandbox above all.
const { abs, asin, atan2, exp, floor, hypot, imul, max, min, sin } = Math;

type Colour = readonly [number, number, number];

/** A number 0..1 for a point of the integer grid, the same on every machine. */
function hash(x: number, y: number, seed: number): number {
  let bits = imul(x, 0x27d4eb2d) ^ imul(y, 0x165667b1) ^ imul(seed, 0x9e3779b1);
  bits = imul(bits ^ (bits >>> 15), 0x85ebca6b);
  bits = imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return ((bits ^ (bits >>> 16)) >>> 0) / 0xffffffff;
}

/** Smooth noise 0..1. */
function noise(x: number, y: number, seed: number): number {
  const [column, row] = [floor(x), floor(y)];
  const [fx, fy] = [x - column, y - row];
  const [u, v] = [fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy)];
  const top = hash(column, row, seed) * (1 - u) + hash(column + 1, row, seed) * u;
  const bottom = hash(column, row + 1, seed) * (1 - u) + hash(column + 1, row + 1, seed) * u;
  return top * (1 - v) + bottom * v;
}

/** Noise at several scales. */
function rough(x: number, y: number, seed: number, octaves: number): number {
  let [sum, weight, total] = [0, 0.5, 0];
  for (let octave = 0; octave < octaves; octave++) {
    sum += weight * noise(x, y, seed + octave);
    total += weight;
    [x, y, weight] = [x * 2.03 + 17.3, y * 2.03 + 5.1, weight * 0.5];
  }
  return sum / total;
}

function mix(a: Colour, b: Colour, share: number): Colour {
  const t = min(max(share, 0), 1);
  return [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t];
}

function ramp(from: number, to: number, value: number): number {
  const t = min(max((value - from) / (to - from), 0), 1);
  return t * t * (3 - 2 * t);
}

/** Positions are in units of the picture's height, x to the right, y down; `pixel` is the size of one. */
type Point = { readonly x: number; readonly y: number; readonly pixel: number; readonly seconds: number };

const sunAt = { x: 1.25, y: 0.4 };

function sky({ x, y, seconds }: Point, camera: number): Colour {
  const high = mix([0.98, 0.72, 0.46], [0.2, 0.4, 0.72], ramp(0.55, -0.05, y));
  const distance = hypot(x - sunAt.x + camera * 0.02, y - sunAt.y);
  const lit = mix(high, [1, 0.93, 0.72], 0.9 * exp(-distance * 7) + (distance < 0.055 ? 0.6 : 0));
  // Slanted and bent: along the straight lines of the noise's grid, clouds would end as if cut off.
  const along = x * 2.2 + camera * 0.12 + seconds * 0.05;
  const bend = noise(along * 1.7, y * 4, 13);
  const cloud = rough(along + 1.6 * y + 0.5 * bend, y * 6.5 + 0.9 * bend, 11, 4);
  const thick = ramp(0.5, 0.72, cloud) * ramp(0.6, 0.2, y);
  return mix(lit, mix([1, 0.86, 0.74], [0.62, 0.55, 0.66], ramp(0.55, 0.85, cloud)), 0.85 * thick);
}

function balloon(point: Point): { colour: Colour; cover: number } {
  const [cx, cy] = [0.3 + 0.22 * point.seconds, 0.3 + 0.015 * sin(point.seconds * 2)];
  const [dx, dy] = [(point.x - cx) / 0.11, (point.y - cy) / 0.13];
  const narrow = dy > 0 ? 1 - 0.42 * dy * dy : 1;
  const bag = 1 - hypot(dx / max(narrow, 0.2), dy);
  const soft = point.pixel / 0.11;
  const basket = max(abs(point.x - cx) - 0.02, abs(point.y - cy - 0.165) - 0.016);
  if (basket < 0) return { colour: [0.36, 0.24, 0.14], cover: ramp(0, -point.pixel, basket) };
  const rope = abs(abs(point.x - cx) - 0.02 - (cy + 0.15 - point.y) * 0.6);
  if (dy > 0.9 && point.y < cy + 0.15 && rope < point.pixel) return { colour: [0.3, 0.22, 0.16], cover: 0.7 };
  const stripe = sin((asin(min(max(dx / max(narrow, 0.2), -1), 1)) + 0.1) * 7);
  const base = mix([0.86, 0.17, 0.14], [0.98, 0.86, 0.58], ramp(-0.15, 0.15, stripe));
  const light = 0.62 + 0.5 * ramp(-1, 1, dx * 0.8 - dy * 0.3);
  return { colour: [base[0] * light, base[1] * light, base[2] * light], cover: ramp(0, soft, bag) };
}

function mountains(point: Point, camera: number): { colour: Colour; cover: number } {
  const x = point.x + camera * 0.12;
  const ridge = 0.6 - 0.3 * abs(rough(x * 1.6, 3.7, 23, 5) - 0.5) * 2 - 0.06 * noise(x * 9, 1, 29);
  const slope = rough(x * 14 + point.y * 6, point.y * 18, 31, 4);
  const snow = ramp(0.06, 0.0, point.y - ridge - 0.03 * slope);
  const rock = mix([0.34, 0.33, 0.46], [0.55, 0.5, 0.58], slope);
  return {
    colour: mix(mix(rock, [0.93, 0.88, 0.88], 0.75 * snow), [0.8, 0.65, 0.6], 0.3),
    cover: ramp(-point.pixel, point.pixel, point.y - ridge),
  };
}

const millAt = 1.32;

function hillTop(x: number): number {
  return 0.66 + 0.05 * sin(x * 2.4 + 0.6) - 0.035 * noise(x * 3, 9, 41);
}

function hill(point: Point, camera: number): { colour: Colour; cover: number } {
  const x = point.x + camera * 0.4;
  const top = hillTop(x);
  const fields = noise(x * 5 + point.y * 8, point.y * 22, 43);
  const grain = rough(x * 40, point.y * 70, 47, 3);
  const colour = mix(mix([0.3, 0.42, 0.18], [0.62, 0.6, 0.25], fields), [0.16, 0.25, 0.13], 0.7 * grain);
  return { colour, cover: ramp(-point.pixel, point.pixel, point.y - top) };
}

function windmill(point: Point, camera: number): { colour: Colour; cover: number } {
  const x = point.x + camera * 0.4 - millAt;
  const foot = hillTop(millAt);
  const hub = foot - 0.15;
  const tower = abs(x) - 0.016 - 0.02 * ((point.y - hub) / 0.15);
  let cover = point.y > hub && point.y < foot + 0.02 ? ramp(point.pixel, 0, tower) : 0;
  const colour = mix([0.93, 0.9, 0.84], [0.55, 0.5, 0.52], ramp(0.02, -0.02, x));
  const [dx, dy] = [x, point.y - hub];
  const radius = hypot(dx, dy);
  if (radius > 0.11) return { colour, cover };
  const turn = atan2(dy, dx) + point.seconds * 1.4;
  const arm = abs(sin(2 * turn)) * radius * 0.5;
  const blade = ramp(0.009 + point.pixel, 0.009, arm) * ramp(0.11, 0.105, radius);
  if (blade > cover) cover = blade;
  return { colour: blade > 0.5 ? [0.45, 0.3, 0.22] : colour, cover };
}

function meadow(point: Point, camera: number): { colour: Colour; cover: number } {
  const x = point.x + camera;
  const edge = 0.8 + 0.02 * sin(x * 3.1) - 0.02 * noise(x * 60, 3, 53);
  const near = ramp(0.76, 1, point.y);
  const patches = rough(x * 7, point.y * 16, 59, 3);
  const blades = noise(x * 95 + 6 * noise(x * 9, point.y * 9, 60), point.y * (26 - 8 * near), 61);
  let colour = mix([0.11, 0.21, 0.07], [0.52, 0.6, 0.2], ramp(0.2, 0.85, 0.55 * patches + 0.45 * blades));
  const cell = { x: floor(x * 20), y: floor(point.y * 30) };
  const chance = hash(cell.x, cell.y, 67);
  if (chance > 0.6 && point.y > edge + 0.015) {
    // Each flower has a place of its own inside its cell, far enough from the cell's edge to be whole.
    const fx = (x * 20 - cell.x - 0.25 - 0.5 * hash(cell.x, cell.y, 79)) / 20;
    const fy = (point.y * 30 - cell.y - 0.3 - 0.4 * hash(cell.x, cell.y, 83)) / 30;
    const petal = hypot(fx, fy * 1.3) - 0.003 - 0.006 * near * chance;
    const bloom: Colour = chance > 0.87 ? [0.93, 0.3, 0.28] : chance > 0.74 ? [0.98, 0.84, 0.3] : [0.92, 0.9, 0.96];
    colour = mix(bloom, colour, ramp(-point.pixel, point.pixel, petal));
  }
  return { colour, cover: ramp(-point.pixel, point.pixel, point.y - edge) };
}

function tree(point: Point, camera: number): { colour: Colour; cover: number } {
  const x = point.x + camera * 1.25 - 0.95;
  if (abs(x) > 0.45) return { colour: [0, 0, 0], cover: 0 };
  const bend = 0.02 * sin(point.y * 9);
  const trunk = ramp(point.pixel, -point.pixel, abs(x + bend) - 0.018 - 0.02 * ramp(0.6, 0.95, point.y));
  const sway = 0.006 * sin(point.seconds * 2.3 + point.y * 8);
  const shape = hypot((x + sway) / 0.27, (point.y - 0.36) / 0.25);
  const leaves = rough((x + sway) * 22, point.y * 22, 71, 4);
  const crown = ramp(0.03, -0.03, shape - 0.62 - 0.75 * (leaves - 0.35));
  const light = ramp(0.25, 0.8, leaves + 0.5 * x - 0.35 * (point.y - 0.36));
  const leaf = mix([0.07, 0.13, 0.06], [0.52, 0.5, 0.16], light);
  if (crown > 0.02)
    return { colour: crown > trunk ? leaf : mix([0.2, 0.14, 0.1], leaf, crown), cover: max(crown, trunk) };
  const bark = mix([0.14, 0.1, 0.08], [0.42, 0.3, 0.2], noise(x * 120, point.y * 14, 73));
  return { colour: bark, cover: point.y < 0.97 && point.y > 0.3 ? trunk : 0 };
}

/** One frame of the scene. */
export function drawScene(index: number, options: SceneOptions = {}): Frame {
  const { width = 320, height = 180 } = options;
  const at = options.rate ?? rate(24);
  const seconds = (index * at.den) / at.num;
  const frame = createFrame(width, height, index);
  const size = width * height;
  const camera = 0.16 * seconds;
  const zoom = 1 / (1 + 0.02 * seconds);
  const pixel = zoom / height;
  const layers = [mountains, hill, windmill, meadow, tree];
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const point = {
        x: ((column + 0.5 - width / 2) / height) * zoom + 0.89,
        y: ((row + 0.5) / height - 0.6) * zoom + 0.6,
        pixel,
        seconds,
      };
      // Below these lines a nearer layer covers everything behind it.
      let colour: Colour = point.y < 0.75 ? sky(point, camera) : [0, 0, 0];
      const craft = balloon(point);
      if (craft.cover > 0) colour = mix(colour, craft.colour, craft.cover);
      for (const layer of point.y < 0.75 ? layers : point.y < 0.85 ? layers.slice(1) : layers.slice(3)) {
        const { colour: own, cover } = layer(point, camera);
        if (cover > 0) colour = mix(colour, own, cover);
      }
      const edge = hypot(column / width - 0.5, row / height - 0.5);
      const vignette = 1 - 0.35 * ramp(0.35, 0.75, edge);
      for (let channel = 0; channel < 3; channel++)
        frame.rgb[channel * size + row * width + column] = min(colour[channel] * vignette, 1);
    }
  }
  return index === 0 ? { ...frame, shotStart: true } : frame;
}

/** The scene as a clip's frames: 2 seconds at 24 frames a second unless told otherwise. */
export async function* testScene(options: SceneOptions = {}): AsyncGenerator<Frame> {
  for (let index = 0; index < (options.frames ?? 48); index++) yield drawScene(index, options);
}
