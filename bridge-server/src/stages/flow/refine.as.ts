// Variational refinement: colour and gradient constancy with robust penalties, smooth but for a few jumps, solved by
// red-black over-relaxation (Brox et al. 2004, with the normalised data terms of Zimmer et al. 2011).
//
// Every quantity is stored in two halves, even columns and odd columns, so that the four neighbours of a vector of
// same-coloured pixels are vectors too. A picture row is a block of memory that holds that row of all quantities; each
// of them has four values of room on its left and at least four on its right. There is a block above the picture and
// one below it.
import { origin, padImage, strideOf } from './pyramid.as';

const JX = 0, JY = 1, JZ = 2, KX = 3, KY = 4, KZ = 5, LX = 6, LY = 7, LZ = 8;
const U = 9, V = 10, A11 = 11, A12 = 12, A22 = 13, B1 = 14, B2 = 15, WX = 16, WY = 17;
const PLANES = 18;

const EPSILON2: f32 = 0.000001;
const OMEGA: f32 = 1.6;

let rowBytes: usize = 0;
let blockBytes: usize = 0;
let base: usize = 0;

function rowFloats(width: i32): i32 {
  return ((((width + 1) >> 1) + 3) & ~3) + 8;
}

export function refineBytes(width: i32, height: i32): i32 {
  return rowFloats(width) * 4 * (height + 2) * PLANES * 2 + 64;
}

/** Address of value 0 of row `y` in the even (0) or odd (1) half of a quantity. */
// @ts-ignore: decorator
@inline
function at(quantity: i32, odd: i32, y: i32): usize {
  return base + <usize>(y + 1) * blockBytes + <usize>(quantity * 2 + odd) * rowBytes + 16;
}

/** Second picture brought onto the first one: mean and difference of the two, and where that is known at all. */
function warpOnto(first: usize, second: usize, u: usize, v: usize, w: i32, h: i32, mean: usize, change: usize, known: usize): void {
  const stride = strideOf(w);
  const maxX = <f32>(w - 1);
  const maxY = <f32>(h - 1);
  const target = origin(second, w);
  for (let y = 0; y < h; y++) {
    const offset = <usize>(y * stride * 4);
    let p = origin(first, w) + offset;
    let m = origin(mean, w) + offset;
    let c = origin(change, w) + offset;
    let k = origin(known, w) + offset;
    let f = <usize>(y * w * 4);
    for (let x = 0; x < w; x++) {
      const px = <f32>x + load<f32>(u + f);
      const py = <f32>y + load<f32>(v + f);
      const own = load<f32>(p);
      if (px >= 0 && px <= maxX && py >= 0 && py <= maxY) {
        const x0 = <i32>px;
        const y0 = <i32>py;
        const fx = px - <f32>x0;
        const fy = py - <f32>y0;
        const q = target + <usize>((y0 * stride + x0) * 4);
        const r = q + <usize>(stride * 4);
        const top = load<f32>(q) + fx * (load<f32>(q, 4) - load<f32>(q));
        const low = load<f32>(r) + fx * (load<f32>(r, 4) - load<f32>(r));
        const other = top + fy * (low - top);
        store<f32>(m, 0.5 * (own + other));
        store<f32>(c, other - own);
        store<f32>(k, 1);
      } else {
        store<f32>(m, own);
        store<f32>(c, 0);
        store<f32>(k, 0);
      }
      p += 4;
      m += 4;
      c += 4;
      k += 4;
      f += 4;
    }
    // What is stored beyond the last pixel must carry no data.
    for (let x = 0; x < 8; x++) store<f32>(k + <usize>(x * 4), 0);
  }
  padImage(mean, w, h);
  padImage(change, w, h);
}

// @ts-ignore: decorator
@inline
function split(quantity: i32, y: i32, i: usize, a: v128, b: v128): void {
  v128.store(at(quantity, 0, y) + i, v128.shuffle<f32>(a, b, 0, 2, 4, 6));
  v128.store(at(quantity, 1, y) + i, v128.shuffle<f32>(a, b, 1, 3, 5, 7));
}

/** Central difference along x (or y, with the row's bytes), scaled to a pixel. */
// @ts-ignore: decorator
@inline
function slope(p: usize, step: usize): v128 {
  return f32x4.mul(f32x4.sub(v128.load(p + step), v128.load(p - step)), f32x4.splat(0.5));
}

// @ts-ignore: decorator
@inline
function bend(p: usize, step: usize): v128 {
  const centre = v128.load(p);
  const sides = f32x4.add(v128.load(p + 2 * step), v128.load(p - 2 * step));
  return f32x4.mul(f32x4.sub(sides, f32x4.add(centre, centre)), f32x4.splat(0.25));
}

// @ts-ignore: decorator
@inline
function twist(p: usize, row: usize): v128 {
  const falling = f32x4.add(v128.load(p + row + 4), v128.load(p - row - 4));
  const rising = f32x4.add(v128.load(p + row - 4), v128.load(p - row + 4));
  return f32x4.mul(f32x4.sub(falling, rising), f32x4.splat(0.25));
}

// The nine values of a vector of pixels; filled by `dataTerms`.
let jx: v128 = f32x4.splat(0);
let jy: v128 = f32x4.splat(0);
let jz: v128 = f32x4.splat(0);
let kx: v128 = f32x4.splat(0);
let ky: v128 = f32x4.splat(0);
let kz: v128 = f32x4.splat(0);
let lx: v128 = f32x4.splat(0);
let ly: v128 = f32x4.splat(0);
let lz: v128 = f32x4.splat(0);

/** Three linear equations a.u + b.v + c = 0 for four pixels, each divided by the length of its gradient. */
function dataTerms(m: usize, c: usize, k: usize, row: usize, u: v128, v: v128, zeta2: v128): void {
  const known = v128.load(k);
  const one = f32x4.splat(1);
  const x = slope(m, 4);
  const y = slope(m, row);
  const z = f32x4.sub(v128.load(c), f32x4.add(f32x4.mul(x, u), f32x4.mul(y, v)));
  const n = f32x4.mul(known, f32x4.div(one, f32x4.sqrt(f32x4.add(f32x4.add(f32x4.mul(x, x), f32x4.mul(y, y)), zeta2))));
  jx = f32x4.mul(x, n);
  jy = f32x4.mul(y, n);
  jz = f32x4.mul(z, n);
  const xx = bend(m, 4);
  const yy = bend(m, row);
  const xy = twist(m, row);
  const xy2 = f32x4.mul(xy, xy);
  const xz = f32x4.sub(slope(c, 4), f32x4.add(f32x4.mul(xx, u), f32x4.mul(xy, v)));
  const yz = f32x4.sub(slope(c, row), f32x4.add(f32x4.mul(xy, u), f32x4.mul(yy, v)));
  const nk = f32x4.mul(known, f32x4.div(one, f32x4.sqrt(f32x4.add(f32x4.add(f32x4.mul(xx, xx), xy2), zeta2))));
  const nl = f32x4.mul(known, f32x4.div(one, f32x4.sqrt(f32x4.add(f32x4.add(f32x4.mul(yy, yy), xy2), zeta2))));
  kx = f32x4.mul(xx, nk);
  ky = f32x4.mul(xy, nk);
  kz = f32x4.mul(xz, nk);
  lx = f32x4.mul(xy, nl);
  ly = f32x4.mul(yy, nl);
  lz = f32x4.mul(yz, nl);
}

function linearise(mean: usize, change: usize, known: usize, u: usize, v: usize, w: i32, h: i32, zeta: f32): void {
  const stride = strideOf(w);
  const row = <usize>(stride * 4);
  const zeta2 = f32x4.splat(zeta * zeta);
  for (let y = 0; y < h; y++) {
    const offset = <usize>(y * stride * 4);
    let m = origin(mean, w) + offset;
    let c = origin(change, w) + offset;
    let k = origin(known, w) + offset;
    let f = <usize>(y * w * 4);
    let i: usize = 0;
    for (let x = 0; x < w; x += 8) {
      const ua = v128.load(u + f);
      const ub = v128.load(u + f, 16);
      const va = v128.load(v + f);
      const vb = v128.load(v + f, 16);
      split(U, y, i, ua, ub);
      split(V, y, i, va, vb);
      dataTerms(m, c, k, row, ua, va, zeta2);
      const jxa = jx, jya = jy, jza = jz, kxa = kx, kya = ky, kza = kz, lxa = lx, lya = ly, lza = lz;
      dataTerms(m + 16, c + 16, k + 16, row, ub, vb, zeta2);
      split(JX, y, i, jxa, jx);
      split(JY, y, i, jya, jy);
      split(JZ, y, i, jza, jz);
      split(KX, y, i, kxa, kx);
      split(KY, y, i, kya, ky);
      split(KZ, y, i, kza, kz);
      split(LX, y, i, lxa, lx);
      split(LY, y, i, lya, ly);
      split(LZ, y, i, lza, lz);
      m += 32;
      c += 32;
      k += 32;
      f += 32;
      i += 16;
    }
  }
}

/**
 * The flow starts with zeros around and beyond the picture: a link over the border weighs nothing, but nothing times
 * a stale NaN is NaN.
 */
function clearFlow(h: i32): void {
  for (let y = -1; y <= h; y++) memory.fill(at(U, 0, y) - 16, 0, rowBytes * 4);
}

/** The last vector of a row took in values of the next row. */
function clearBeyond(quantity: i32, w: i32, h: i32, count: usize): void {
  const even = <usize>(((w + 1) >> 1) * 4);
  const odd = <usize>((w >> 1) * 4);
  for (let y = 0; y < h; y++) {
    if (count > even) memory.fill(at(quantity, 0, y) + even, 0, count - even);
    if (count > odd) memory.fill(at(quantity, 1, y) + odd, 0, count - odd);
  }
}

/** Repeats the last column and row of the flow once outwards: no slope across the border. */
function closeBorder(quantity: i32, w: i32, h: i32): void {
  const last = w - 1;
  const i = <usize>((last >> 1) * 4);
  for (let y = 0; y < h; y++) {
    const value = load<f32>(at(quantity, last & 1, y) + i);
    if (last & 1) store<f32>(at(quantity, 0, y) + i + 4, value);
    else store<f32>(at(quantity, 1, y) + i, value);
  }
  memory.copy(at(quantity, 0, h) - 16, at(quantity, 0, h - 1) - 16, rowBytes * 2);
}

// @ts-ignore: decorator
@inline
function robust(residual2: v128, weight: v128): v128 {
  return f32x4.div(weight, f32x4.sqrt(f32x4.add(residual2, f32x4.splat(EPSILON2))));
}

/** One colour of one row: the weights of the robust terms where the flow stands now. */
// @ts-ignore: decorator
@inline
function weigh(odd: i32, y: i32, count: usize, alpha: v128, gamma: v128, delta: v128): void {
  const shift: usize = odd ? 4 : 0;
  for (let i: usize = 0; i < count; i += 16) {
    const u = v128.load(at(U, odd, y) + i);
    const v = v128.load(at(V, odd, y) + i);
    const ux = f32x4.sub(v128.load(at(U, 1 - odd, y) + i + shift), u);
    const vx = f32x4.sub(v128.load(at(V, 1 - odd, y) + i + shift), v);
    const uy = f32x4.sub(v128.load(at(U, odd, y + 1) + i), u);
    const vy = f32x4.sub(v128.load(at(V, odd, y + 1) + i), v);
    const jump2 = f32x4.add(
      f32x4.add(f32x4.mul(ux, ux), f32x4.mul(uy, uy)),
      f32x4.add(f32x4.mul(vx, vx), f32x4.mul(vy, vy)),
    );
    const smooth = robust(jump2, alpha);
    v128.store(at(WX, odd, y) + i, smooth);
    v128.store(at(WY, odd, y) + i, smooth);

    const ax = v128.load(at(JX, odd, y) + i);
    const ay = v128.load(at(JY, odd, y) + i);
    const az = v128.load(at(JZ, odd, y) + i);
    const r = f32x4.add(az, f32x4.add(f32x4.mul(ax, u), f32x4.mul(ay, v)));
    const wj = robust(f32x4.mul(r, r), delta);
    const bx = v128.load(at(KX, odd, y) + i);
    const by = v128.load(at(KY, odd, y) + i);
    const bz = v128.load(at(KZ, odd, y) + i);
    const cx = v128.load(at(LX, odd, y) + i);
    const cy = v128.load(at(LY, odd, y) + i);
    const cz = v128.load(at(LZ, odd, y) + i);
    const rk = f32x4.add(bz, f32x4.add(f32x4.mul(bx, u), f32x4.mul(by, v)));
    const rl = f32x4.add(cz, f32x4.add(f32x4.mul(cx, u), f32x4.mul(cy, v)));
    const wk = robust(f32x4.add(f32x4.mul(rk, rk), f32x4.mul(rl, rl)), gamma);
    const ja = f32x4.mul(wj, ax);
    const jb = f32x4.mul(wj, ay);
    const ka = f32x4.mul(wk, bx);
    const kb = f32x4.mul(wk, by);
    const la = f32x4.mul(wk, cx);
    const lb = f32x4.mul(wk, cy);
    v128.store(at(A11, odd, y) + i, f32x4.add(f32x4.mul(ja, ax), f32x4.add(f32x4.mul(ka, bx), f32x4.mul(la, cx))));
    v128.store(at(A12, odd, y) + i, f32x4.add(f32x4.mul(ja, ay), f32x4.add(f32x4.mul(ka, by), f32x4.mul(la, cy))));
    v128.store(at(A22, odd, y) + i, f32x4.add(f32x4.mul(jb, ay), f32x4.add(f32x4.mul(kb, by), f32x4.mul(lb, cy))));
    v128.store(at(B1, odd, y) + i, f32x4.neg(f32x4.add(f32x4.mul(ja, az), f32x4.add(f32x4.mul(ka, bz), f32x4.mul(la, cz)))));
    v128.store(at(B2, odd, y) + i, f32x4.neg(f32x4.add(f32x4.mul(jb, az), f32x4.add(f32x4.mul(kb, bz), f32x4.mul(lb, cz)))));
  }
}

/** No link leads over the border. */
function cutLinks(y: i32, w: i32, h: i32): void {
  const last = w - 1;
  store<f32>(at(WX, last & 1, y) + <usize>((last >> 1) * 4), 0);
  store<f32>(at(WX, 1, y) - 4, 0);
  if (y == h - 1) memory.fill(at(WY, 0, y) - 16, 0, rowBytes * 2);
}

/** Adds the links to the diagonal and inverts it, so that a relaxation step multiplies only. */
// @ts-ignore: decorator
@inline
function closeSystem(odd: i32, y: i32, count: usize): void {
  const shift: usize = odd ? 0 : 4;
  const omega = f32x4.splat(OMEGA);
  for (let i: usize = 0; i < count; i += 16) {
    const links = f32x4.add(
      f32x4.add(v128.load(at(WX, odd, y) + i), v128.load(at(WX, 1 - odd, y) + i - shift)),
      f32x4.add(v128.load(at(WY, odd, y) + i), v128.load(at(WY, odd, y - 1) + i)),
    );
    const tiny = f32x4.splat(0.000001);
    const p = at(A11, odd, y) + i;
    const q = at(A22, odd, y) + i;
    v128.store(p, f32x4.div(omega, f32x4.add(f32x4.add(v128.load(p), links), tiny)));
    v128.store(q, f32x4.div(omega, f32x4.add(f32x4.add(v128.load(q), links), tiny)));
  }
}

/** One relaxation step for the pixels of one colour in one row. */
// @ts-ignore: decorator
@inline
function relax(odd: i32, y: i32, count: usize): void {
  const toLeft: usize = odd ? 0 : 4;
  const toRight: usize = odd ? 4 : 0;
  const keep = f32x4.splat(1 - OMEGA);
  let pu = at(U, odd, y);
  let pv = at(V, odd, y);
  const nu = at(U, 1 - odd, y) - pu;
  const nv = at(V, 1 - odd, y) - pv;
  let wr = at(WX, odd, y);
  const wl = at(WX, 1 - odd, y) - wr - toLeft;
  let wd = at(WY, odd, y);
  let a11 = at(A11, odd, y);
  let a12 = at(A12, odd, y);
  let a22 = at(A22, odd, y);
  let b1 = at(B1, odd, y);
  let b2 = at(B2, odd, y);
  for (let i: usize = 0; i < count; i += 16) {
    const right = v128.load(wr);
    const left = v128.load(wr + wl);
    const down = v128.load(wd);
    const up = v128.load(wd - blockBytes);
    const u = v128.load(pu);
    const v = v128.load(pv);
    const cross = v128.load(a12);
    const su = f32x4.add(
      f32x4.add(f32x4.mul(right, v128.load(pu + nu + toRight)), f32x4.mul(left, v128.load(pu + nu - toLeft))),
      f32x4.add(f32x4.mul(down, v128.load(pu + blockBytes)), f32x4.mul(up, v128.load(pu - blockBytes))),
    );
    const sv = f32x4.add(
      f32x4.add(f32x4.mul(right, v128.load(pv + nv + toRight)), f32x4.mul(left, v128.load(pv + nv - toLeft))),
      f32x4.add(f32x4.mul(down, v128.load(pv + blockBytes)), f32x4.mul(up, v128.load(pv - blockBytes))),
    );
    const newU = f32x4.add(
      f32x4.mul(keep, u),
      f32x4.mul(v128.load(a11), f32x4.sub(f32x4.add(su, v128.load(b1)), f32x4.mul(cross, v))),
    );
    v128.store(pu, newU);
    v128.store(pv, f32x4.add(
      f32x4.mul(keep, v),
      f32x4.mul(v128.load(a22), f32x4.sub(f32x4.add(sv, v128.load(b2)), f32x4.mul(cross, newU))),
    ));
    pu += 16;
    pv += 16;
    wr += 16;
    wd += 16;
    a11 += 16;
    a12 += 16;
    a22 += 16;
    b1 += 16;
    b2 += 16;
  }
}

/** Back from even and odd columns to a tight plane. */
function join(quantity: i32, plane: usize, w: i32, h: i32): void {
  for (let y = 0; y < h; y++) {
    let o = plane + <usize>(y * w * 4);
    for (let x = 0, i: usize = 0; x < w; x += 8, i += 16) {
      const even = v128.load(at(quantity, 0, y) + i);
      const odd = v128.load(at(quantity, 1, y) + i);
      v128.store(o, v128.shuffle<f32>(even, odd, 0, 4, 1, 5));
      v128.store(o, v128.shuffle<f32>(even, odd, 2, 6, 3, 7), 16);
      o += 32;
    }
  }
}

/**
 * Improves a flow in place.
 * @param u,v tight planes with room for two vectors beyond their end
 * @param room three pictures and `refineBytes` of memory
 */
export function refine(
  first: usize, second: usize, u: usize, v: usize, w: i32, h: i32,
  mean: usize, change: usize, known: usize, room: usize,
  outer: i32, inner: i32, alpha: f32, gamma: f32, delta: f32, zeta: f32,
): void {
  base = room;
  rowBytes = <usize>(rowFloats(w) * 4);
  blockBytes = rowBytes * (2 * PLANES);
  warpOnto(first, second, u, v, w, h, mean, change, known);
  clearFlow(h);
  // The last row reads on beyond the planes' end.
  memory.fill(u + <usize>(w * h * 4), 0, 32);
  memory.fill(v + <usize>(w * h * 4), 0, 32);
  linearise(mean, change, known, u, v, w, h, zeta);
  const count = <usize>((((((w + 1) >> 1) + 3) & ~3)) * 4);
  clearBeyond(U, w, h, count);
  clearBeyond(V, w, h, count);
  const va = f32x4.splat(alpha);
  const vg = f32x4.splat(gamma);
  const vd = f32x4.splat(delta);
  for (let k = 0; k < outer; k++) {
    closeBorder(U, w, h);
    closeBorder(V, w, h);
    memory.fill(at(WY, 0, -1) - 16, 0, rowBytes * 2);
    // One walk down the picture does the whole round: the weights run ahead, and each half step of relaxation follows
    // a row behind the one before it, so that what it needs is done, and still in the cache. The result is the same as
    // of one sweep after the other.
    const halves = 2 * inner;
    for (let r = 0; r < h + 2 + halves; r++) {
      if (r < h) {
        weigh(0, r, count, va, vg, vd);
        weigh(1, r, count, va, vg, vd);
        cutLinks(r, w, h);
        closeSystem(0, r, count);
        closeSystem(1, r, count);
      }
      for (let half = 0; half < halves; half++) {
        const y = r - 2 - half;
        if (y >= 0 && y < h) relax((y + half) & 1, y, count);
      }
    }
  }
  join(U, u, w, h);
  join(V, v, w, h);
}
