// Inverse search on patches of 8x8 pixels, and the dense field made of them (Kroeger et al. 2016, sections 2.1, 2.2).
import { origin, strideOf } from './pyramid.as';

const PATCH: i32 = 8;
const N: f32 = 64;
/** How far a patch may hang over the left and upper edge. */
const HANG: f32 = -7;

// What one look at a patch finds: mean-normalised squared difference, and the right side of the 2x2 system.
let ssd: f32 = 0;
let bx: f32 = 0;
let by: f32 = 0;

let width: i32 = 0;
let height: i32 = 0;
let stride: i32 = 0;
let image0: usize = 0;
let image1: usize = 0;
let gradX: usize = 0;
let gradY: usize = 0;

// @ts-ignore: decorator
@inline
function sum4(v: v128): f32 {
  return f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3);
}

/** Number of patches along a side; the last one always ends at the edge. */
export function patchCount(length: i32, step: i32): i32 {
  return (length - PATCH + step - 1) / step + 1;
}

// @ts-ignore: decorator
@inline
function patchAt(index: i32, step: i32, length: i32): i32 {
  return min(index * step, length - PATCH);
}

/** Samples stay where at least one pixel of the patch lies over the picture. */
// @ts-ignore: decorator
@inline
function limited(v: f32, length: i32): f32 {
  return min(max(v, HANG), <f32>(length - 1));
}

/** Compares the patch at (x,y) of the first picture with (x+u,y+v) of the second one. */
function look(x: i32, y: i32, u: f32, v: f32, withGradient: bool): void {
  const px = limited(<f32>x + u, width);
  const py = limited(<f32>y + v, height);
  const x0 = <i32>Mathf.floor(px);
  const y0 = <i32>Mathf.floor(py);
  const fx = f32x4.splat(px - <f32>x0);
  const fy = f32x4.splat(py - <f32>y0);
  const rowBytes = <usize>(stride * 4);
  let q = origin(image1, width) + <usize>((y0 * stride + x0) * 4);
  let p = origin(image0, width) + <usize>((y * stride + x) * 4);
  let g = <usize>((y * width + x) * 4);
  let sum = f32x4.splat(0);
  let sum2 = f32x4.splat(0);
  let sx = f32x4.splat(0);
  let sy = f32x4.splat(0);
  let a = v128.load(q);
  let b = v128.load(q, 16);
  let topA = f32x4.add(a, f32x4.mul(fx, f32x4.sub(v128.load(q, 4), a)));
  let topB = f32x4.add(b, f32x4.mul(fx, f32x4.sub(v128.load(q, 20), b)));
  for (let row = 0; row < PATCH; row++) {
    q += rowBytes;
    a = v128.load(q);
    b = v128.load(q, 16);
    const lowA = f32x4.add(a, f32x4.mul(fx, f32x4.sub(v128.load(q, 4), a)));
    const lowB = f32x4.add(b, f32x4.mul(fx, f32x4.sub(v128.load(q, 20), b)));
    const dA = f32x4.sub(f32x4.add(topA, f32x4.mul(fy, f32x4.sub(lowA, topA))), v128.load(p));
    const dB = f32x4.sub(f32x4.add(topB, f32x4.mul(fy, f32x4.sub(lowB, topB))), v128.load(p, 16));
    topA = lowA;
    topB = lowB;
    sum = f32x4.add(sum, f32x4.add(dA, dB));
    sum2 = f32x4.add(sum2, f32x4.add(f32x4.mul(dA, dA), f32x4.mul(dB, dB)));
    if (withGradient) {
      sx = f32x4.add(sx, f32x4.add(f32x4.mul(dA, v128.load(gradX + g)), f32x4.mul(dB, v128.load(gradX + g, 16))));
      sy = f32x4.add(sy, f32x4.add(f32x4.mul(dA, v128.load(gradY + g)), f32x4.mul(dB, v128.load(gradY + g, 16))));
      g += <usize>(width * 4);
    }
    p += rowBytes;
  }
  const s = sum4(sum);
  ssd = sum4(sum2) - (s * s) / N;
  if (withGradient) {
    bx = sum4(sx) - (s * meanX);
    by = sum4(sy) - (s * meanY);
  }
}

// The patch's own system: its inverse Hessian and the means of its gradients.
let h11: f32 = 0;
let h12: f32 = 0;
let h22: f32 = 0;
let meanX: f32 = 0;
let meanY: f32 = 0;

/**
 * As much as gradients of 2.5 grey levels in every pixel, which is what compression leaves of a sky: patches with no
 * more to tell stay where the coarser level put them, instead of following noise each its own way.
 */
const DAMPING: f32 = 400;

function prepare(x: i32, y: i32): void {
  let g = <usize>((y * width + x) * 4);
  let xx = f32x4.splat(0);
  let xy = f32x4.splat(0);
  let yy = f32x4.splat(0);
  let sx = f32x4.splat(0);
  let sy = f32x4.splat(0);
  for (let row = 0; row < PATCH; row++) {
    const ax = v128.load(gradX + g);
    const bxv = v128.load(gradX + g, 16);
    const ay = v128.load(gradY + g);
    const byv = v128.load(gradY + g, 16);
    xx = f32x4.add(xx, f32x4.add(f32x4.mul(ax, ax), f32x4.mul(bxv, bxv)));
    xy = f32x4.add(xy, f32x4.add(f32x4.mul(ax, ay), f32x4.mul(bxv, byv)));
    yy = f32x4.add(yy, f32x4.add(f32x4.mul(ay, ay), f32x4.mul(byv, byv)));
    sx = f32x4.add(sx, f32x4.add(ax, bxv));
    sy = f32x4.add(sy, f32x4.add(ay, byv));
    g += <usize>(width * 4);
  }
  const gx = sum4(sx);
  const gy = sum4(sy);
  meanX = gx / N;
  meanY = gy / N;
  const a = sum4(xx) - gx * meanX + DAMPING;
  const b = sum4(xy) - gx * meanY;
  const c = sum4(yy) - gy * meanY + DAMPING;
  const det = a * c - b * b;
  h11 = c / det;
  h12 = -b / det;
  h22 = a / det;
}

/** Gauss-Newton from (u,v) at most `steps` times; keeps the best place seen and never runs further than a patch. */
function descend(x: i32, y: i32, at: usize, steps: i32): void {
  const u0 = load<f32>(at);
  const v0 = load<f32>(at, 4);
  let u = u0;
  let v = v0;
  let best = Infinity as f32;
  let bestU = u0;
  let bestV = v0;
  for (let i = 0; i < steps; i++) {
    look(x, y, u, v, true);
    if (ssd >= best) break;
    best = ssd;
    bestU = u;
    bestV = v;
    const du = h11 * bx + h12 * by;
    const dv = h12 * bx + h22 * by;
    u -= du;
    v -= dv;
    if (du * du + dv * dv < 0.0004) break;
  }
  const ru = bestU - u0;
  const rv = bestV - v0;
  if (ru * ru + rv * rv > N) return;
  store<f32>(at, bestU);
  store<f32>(at, bestV, 4);
  store<f32>(at, best, 8);
}

let supposedU: f32 = 0;
let supposedV: f32 = 0;

/** The motion of most of the picture, which every patch looks at. */
export function suppose(u: f32, v: f32): void {
  supposedU = u;
  supposedV = v;
}

/** Takes the motion of a neighbouring patch if it fits here better. */
function tryNeighbour(x: i32, y: i32, at: usize, neighbour: usize): void {
  tryMotion(x, y, at, load<f32>(neighbour), load<f32>(neighbour, 4), 0);
}

/** Takes a motion if it fits by `better` better than what is there. */
function tryMotion(x: i32, y: i32, at: usize, u: f32, v: f32, better: f32): void {
  const du = u - load<f32>(at);
  const dv = v - load<f32>(at, 4);
  if (du * du + dv * dv < 0.01) return;
  look(x, y, u, v, false);
  if (ssd + better < load<f32>(at, 8)) {
    store<f32>(at, u);
    store<f32>(at, v, 4);
    store<f32>(at, ssd, 8);
  }
}

/**
 * @param patches u, v, ssd and one unused float for each patch; holds u and v to start from
 */
export function searchPatches(
  first: usize, second: usize, gx: usize, gy: usize, w: i32, h: i32, step: i32, iterations: i32, patches: usize,
): void {
  image0 = first;
  image1 = second;
  gradX = gx;
  gradY = gy;
  width = w;
  height = h;
  stride = strideOf(w);
  const columns = patchCount(w, step);
  const rows = patchCount(h, step);
  const rowBytes = <usize>(columns * 16);
  const half = (iterations + 1) / 2;
  for (let j = 0; j < rows; j++) {
    const y = patchAt(j, step, h);
    for (let i = 0; i < columns; i++) {
      const x = patchAt(i, step, w);
      const at = patches + <usize>j * rowBytes + <usize>(i * 16);
      look(x, y, load<f32>(at), load<f32>(at, 4), false);
      store<f32>(at, ssd, 8);
      tryMotion(x, y, at, supposedU, supposedV, DAMPING);
      if (i > 0) tryNeighbour(x, y, at, at - 16);
      if (j > 0) tryNeighbour(x, y, at, at - rowBytes);
      prepare(x, y);
      descend(x, y, at, half);
    }
  }
  for (let j = rows - 1; j >= 0; j--) {
    const y = patchAt(j, step, h);
    for (let i = columns - 1; i >= 0; i--) {
      const x = patchAt(i, step, w);
      const at = patches + <usize>j * rowBytes + <usize>(i * 16);
      if (i < columns - 1) tryNeighbour(x, y, at, at + 16);
      if (j < rows - 1) tryNeighbour(x, y, at, at + rowBytes);
      prepare(x, y);
      descend(x, y, at, half);
    }
  }
}

/**
 * Each pixel's motion is the mean of the patches over it, weighted by how well each one explains that pixel.
 * @param sums [3, H, W] of room for the sums; @param u,v the result, tight planes
 */
export function densify(patches: usize, step: i32, w: i32, h: i32, sums: usize, u: usize, v: usize): void {
  const columns = patchCount(w, step);
  const rows = patchCount(h, step);
  const plane = <usize>(w * h * 4);
  const rowBytes = <usize>(stride * 4);
  memory.fill(sums, 0, plane * 3);
  const one = f32x4.splat(1);
  for (let j = 0; j < rows; j++) {
    const y = patchAt(j, step, h);
    for (let i = 0; i < columns; i++) {
      const x = patchAt(i, step, w);
      const at = patches + <usize>((j * columns + i) * 16);
      const pu = load<f32>(at);
      const pv = load<f32>(at, 4);
      const px = limited(<f32>x + pu, w);
      const py = limited(<f32>y + pv, h);
      const x0 = <i32>Mathf.floor(px);
      const y0 = <i32>Mathf.floor(py);
      const fx = f32x4.splat(px - <f32>x0);
      const fy = f32x4.splat(py - <f32>y0);
      const vu = f32x4.splat(pu);
      const vv = f32x4.splat(pv);
      let q = origin(image1, w) + <usize>((y0 * stride + x0) * 4);
      let p = origin(image0, w) + <usize>((y * stride + x) * 4);
      let s = sums + <usize>((y * w + x) * 4);
      for (let row = 0; row < PATCH; row++) {
        for (let half: usize = 0; half < 32; half += 16) {
          const a = v128.load(q + half);
          const c = v128.load(q + half + rowBytes);
          const top = f32x4.add(a, f32x4.mul(fx, f32x4.sub(v128.load(q + half, 4), a)));
          const low = f32x4.add(c, f32x4.mul(fx, f32x4.sub(v128.load(q + half + rowBytes, 4), c)));
          const d = f32x4.sub(f32x4.add(top, f32x4.mul(fy, f32x4.sub(low, top))), v128.load(p + half));
          const weight = f32x4.div(one, f32x4.max(one, f32x4.abs(d)));
          const o = s + half;
          v128.store(o, f32x4.add(v128.load(o), weight));
          v128.store(o + plane, f32x4.add(v128.load(o + plane), f32x4.mul(weight, vu)));
          v128.store(o + 2 * plane, f32x4.add(v128.load(o + 2 * plane), f32x4.mul(weight, vv)));
        }
        q += rowBytes;
        p += rowBytes;
        s += <usize>(w * 4);
      }
    }
  }
  for (let o: usize = 0; o < plane; o += 16) {
    const weight = v128.load(sums + o);
    v128.store(u + o, f32x4.div(v128.load(sums + plane + o), weight));
    v128.store(v + o, f32x4.div(v128.load(sums + 2 * plane + o), weight));
  }
}
