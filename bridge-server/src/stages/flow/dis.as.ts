// Dense Inverse Search with variational refinement (Kroeger et al., ECCV 2016, arXiv:1603.03590), compiled to
// WebAssembly by scripts/build-wasm.mjs. The host calls `layout`, writes two tight grey pictures (float, 0..255) at
// `picture(0)` and `picture(1)`, calls `run`, and reads four planes at `result(0..3)`: forward u, v, backward u, v.
import { gradients, halveImage, imageBytes, importImage } from './pyramid.as';
import { densify, patchCount, searchPatches, suppose } from './search.as';
import { refine, refineBytes } from './refine.as';
import { findShift, shiftX, shiftY } from './shift.as';

const LEVELS: i32 = 12;

let width: i32 = 0;
let height: i32 = 0;
let coarsest: i32 = 0;
let step: i32 = 4;

// Literals lie in static memory; everything from `__heap_base` on is laid out by hand.
const pyramid0: StaticArray<usize> = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const pyramid1: StaticArray<usize> = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const widths: StaticArray<i32> = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const heights: StaticArray<i32> = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
let tight0: usize = 0;
let tight1: usize = 0;
let gradX: usize = 0;
let gradY: usize = 0;
let patches: usize = 0;
let sums: usize = 0;
let flowU: usize = 0;
let flowV: usize = 0;
let coarseU: usize = 0;
let coarseV: usize = 0;
let mean: usize = 0;
let change: usize = 0;
let known: usize = 0;
let room: usize = 0;
const results: StaticArray<usize> = [0, 0, 0, 0];

let top: usize = 0;
function take(bytes: i32): usize {
  const start = top;
  // A few vectors of slack: rows are written in whole vectors.
  top += (<usize>bytes + 64 + 15) & ~15;
  return start;
}

/**
 * Places everything in memory for pictures of one size; the levels are chosen as in OpenCV's DIS.
 * @returns the number of bytes of memory needed, counted from 0
 */
export function layout(w: i32, h: i32, patchStep: i32): i32 {
  width = w;
  height = h;
  step = patchStep;
  const wanted = <i32>Math.round(Math.log2(<f64>max(w, h) / 32));
  const possible = <i32>Math.floor(Math.log2(<f64>min(w, h) / 8));
  coarsest = min(max(0, min(wanted, possible)), LEVELS - 1);
  top = (__heap_base + 15) & ~15;
  for (let l = 0, lw = w, lh = h; l <= coarsest; l++, lw >>= 1, lh >>= 1) {
    widths[l] = lw;
    heights[l] = lh;
    pyramid0[l] = take(imageBytes(lw, lh));
    pyramid1[l] = take(imageBytes(lw, lh));
  }
  const plane = w * h * 4;
  tight0 = take(plane);
  tight1 = take(plane);
  for (let i = 0; i < 4; i++) results[i] = take(plane);
  flowU = take(plane);
  flowV = take(plane);
  coarseU = take(plane);
  coarseV = take(plane);
  gradX = take(plane);
  gradY = take(plane);
  sums = take(plane * 3);
  patches = take(patchCount(w, step) * patchCount(h, step) * 16);
  mean = take(imageBytes(w, h));
  change = take(imageBytes(w, h));
  known = take(imageBytes(w, h));
  room = take(refineBytes(w, h));
  return <i32>top;
}

export function picture(index: i32): usize {
  return index == 0 ? tight0 : tight1;
}

export function result(index: i32): usize {
  return results[index];
}

function startFrom(cw: i32, ch: i32, w: i32, h: i32): void {
  const columns = patchCount(w, step);
  const rows = patchCount(h, step);
  let at = patches;
  for (let j = 0; j < rows; j++) {
    const y = min(j * step, h - 8) + 4;
    for (let i = 0; i < columns; i++) {
      if (cw == 0) {
        store<f32>(at, 0);
        store<f32>(at, 0, 4);
      } else {
        const x = min(i * step, w - 8) + 4;
        const p = <usize>((min(y >> 1, ch - 1) * cw + min(x >> 1, cw - 1)) * 4);
        store<f32>(at, load<f32>(coarseU + p) * 2);
        store<f32>(at, load<f32>(coarseV + p) * 2, 4);
      }
      at += 16;
    }
  }
}

// Weights of smoothness, gradient and colour constancy, and the gradient length below which a pixel says little.
const ALPHA: f32 = 10;
const GAMMA: f32 = 5;
const DELTA: f32 = 2.5;
const ZETA: f32 = 0.1;
/** Relaxation steps between two reweightings. */
const INNER: i32 = 5;

let iterations: i32 = 4;
let rounds: i32 = 3;
let lastRounds: i32 = 2;

/** @param refinements rounds of refinement on the smaller levels; @param lastRefinements at full size */
export function tune(descents: i32, refinements: i32, lastRefinements: i32): void {
  iterations = descents;
  rounds = refinements;
  lastRounds = lastRefinements;
}

/** Where the shift of the whole picture is looked for: larger ones take long. */
const SHIFT_SIDE: i32 = 256;

function oneWay(a: StaticArray<usize>, b: StaticArray<usize>, u: usize, v: usize): void {
  let level = 0;
  while (level < coarsest && max(widths[level], heights[level]) > SHIFT_SIDE) level++;
  gradients(a[level], widths[level], heights[level], gradX, gradY);
  findShift(a[level], b[level], gradX, gradY, widths[level], heights[level], patches);
  for (let l = coarsest; l >= 0; l--) {
    const w = widths[l];
    const h = heights[l];
    const toU = l == 0 ? u : flowU;
    const toV = l == 0 ? v : flowV;
    gradients(a[l], w, h, gradX, gradY);
    startFrom(l == coarsest ? 0 : widths[l + 1], l == coarsest ? 0 : heights[l + 1], w, h);
    const share = Mathf.pow(2, <f32>(level - l));
    suppose(<f32>shiftX * share, <f32>shiftY * share);
    searchPatches(a[l], b[l], gradX, gradY, w, h, step, iterations, patches);
    densify(patches, step, w, h, sums, toU, toV);
    const count = l == 0 ? lastRounds : rounds;
    if (count > 0) refine(a[l], b[l], toU, toV, w, h, mean, change, known, room, count, INNER, ALPHA, GAMMA, DELTA, ZETA);
    if (l > 0) {
      flowU = coarseU;
      flowV = coarseV;
      coarseU = toU;
      coarseV = toV;
    }
  }
}

/** @param directions 1 forward, 2 backward, 3 both */
export function run(directions: i32): void {
  importImage(pyramid0[0], tight0, width, height);
  importImage(pyramid1[0], tight1, width, height);
  for (let l = 1; l <= coarsest; l++) {
    halveImage(pyramid0[l - 1], widths[l - 1], heights[l - 1], pyramid0[l]);
    halveImage(pyramid1[l - 1], widths[l - 1], heights[l - 1], pyramid1[l]);
  }
  if (directions & 1) oneWay(pyramid0, pyramid1, results[0], results[1]);
  if (directions & 2) oneWay(pyramid1, pyramid0, results[2], results[3]);
}
