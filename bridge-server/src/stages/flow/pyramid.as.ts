// Pictures for the search: grey float 0..255 in rows of `stride` values, with `PAD` repeated pixels on every side, so
// that a patch may hang over the edge without a test per sample.

export const PAD: i32 = 16;

// @ts-ignore: decorator
@inline
export function strideOf(width: i32): i32 {
  return (width + 2 * PAD + 3) & ~3;
}

export function imageBytes(width: i32, height: i32): i32 {
  // One vector more than the rows hold: the last sample of a row is read together with the one after it.
  return (strideOf(width) * (height + 2 * PAD) + 8) * 4;
}

/** Address of pixel (0,0). */
// @ts-ignore: decorator
@inline
export function origin(image: usize, width: i32): usize {
  return image + <usize>((PAD * strideOf(width) + PAD) * 4);
}

/** Copies a tight picture in and repeats its edges outwards. */
export function importImage(image: usize, tight: usize, width: i32, height: i32): void {
  const stride = strideOf(width);
  const first = origin(image, width);
  for (let y = 0; y < height; y++) {
    memory.copy(first + <usize>(y * stride * 4), tight + <usize>(y * width * 4), <usize>(width * 4));
  }
  padImage(image, width, height);
}

export function padImage(image: usize, width: i32, height: i32): void {
  const stride = strideOf(width);
  const first = origin(image, width);
  const rowBytes = <usize>(stride * 4);
  const tail = stride - PAD - width;
  for (let y = 0; y < height; y++) {
    const row = first + <usize>(y * stride * 4);
    const left = load<f32>(row);
    const right = load<f32>(row + <usize>((width - 1) * 4));
    for (let x = 1; x <= PAD; x++) store<f32>(row - <usize>(x * 4), left);
    for (let x = 0; x < tail; x++) store<f32>(row + <usize>((width + x) * 4), right);
  }
  const top = first - <usize>(PAD * 4);
  const bottom = top + <usize>((height - 1) * stride * 4);
  for (let y = 1; y <= PAD; y++) {
    memory.copy(top - <usize>(y * stride * 4), top, rowBytes);
    memory.copy(bottom + <usize>(y * stride * 4), bottom, rowBytes);
  }
}

/** Half the size by averaging 2x2 pixels; an odd last row or column is left out. */
export function halveImage(from: usize, width: i32, height: i32, to: usize): void {
  const w = width >> 1;
  const h = height >> 1;
  const inStride = strideOf(width);
  const outStride = strideOf(w);
  const source = origin(from, width);
  const target = origin(to, w);
  const quarter = f32x4.splat(0.25);
  for (let y = 0; y < h; y++) {
    let a = source + <usize>(2 * y * inStride * 4);
    let b = a + <usize>(inStride * 4);
    let o = target + <usize>(y * outStride * 4);
    // Writing up to three values into the padding is harmless: it is filled afterwards.
    for (let x = 0; x < w; x += 4) {
      const s0 = f32x4.add(v128.load(a), v128.load(b));
      const s1 = f32x4.add(v128.load(a, 16), v128.load(b, 16));
      const even = v128.shuffle<f32>(s0, s1, 0, 2, 4, 6);
      const odd = v128.shuffle<f32>(s0, s1, 1, 3, 5, 7);
      v128.store(o, f32x4.mul(f32x4.add(even, odd), quarter));
      a += 32;
      b += 32;
      o += 16;
    }
  }
  padImage(to, w, h);
}

/** Central differences of a padded picture into two tight planes; the padding makes the edges one-sided halves. */
export function gradients(image: usize, width: i32, height: i32, gx: usize, gy: usize): void {
  const stride = strideOf(width);
  const rowBytes = <usize>(stride * 4);
  const half = f32x4.splat(0.5);
  for (let y = 0; y < height; y++) {
    let p = origin(image, width) + <usize>(y * stride * 4);
    let ox = gx + <usize>(y * width * 4);
    let oy = gy + <usize>(y * width * 4);
    // The planes have room for one vector beyond their end; the next row overwrites what spills into it.
    for (let x = 0; x < width; x += 4) {
      v128.store(ox, f32x4.mul(f32x4.sub(v128.load(p, 4), v128.load(p - 4)), half));
      v128.store(oy, f32x4.mul(f32x4.sub(v128.load(p + rowBytes), v128.load(p - rowBytes)), half));
      p += 16;
      ox += 16;
      oy += 16;
    }
  }
}
