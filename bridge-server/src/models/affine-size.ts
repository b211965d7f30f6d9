/**
 * A height or width inside a net, as a function of the input's: `input * num / den + plus`. With it a crop "to the size
 * of the other one" becomes a fixed number of pixels, and the net stays free in height and width.
 */
export type AffineSize = { readonly num: number; readonly den: number; readonly plus: number };

export const inputSize: AffineSize = { num: 1, den: 1, plus: 0 };

export function fixedSize(size: number): AffineSize {
  return { num: 0, den: 1, plus: size };
}

/**
 * After a window of `kernel` that moves by `stride`. Sizes are taken to divide evenly where the input is a multiple of
 * what `multipleOf` says, which is what nets with skip connections ask of their input anyway.
 */
export function windowed(size: AffineSize, kernel: number, stride: number, padding: number): AffineSize {
  return { ...ratio(size.num, size.den * stride), plus: Math.floor((size.plus + padding - kernel) / stride) + 1 };
}

/** After a transposed convolution: the inverse of `windowed`. */
export function unwindowed(size: AffineSize, kernel: number, stride: number, padding: number): AffineSize {
  return { ...ratio(size.num * stride, size.den), plus: (size.plus - 1) * stride + kernel - padding };
}

export function scaledBy(size: AffineSize, num: number, den: number): AffineSize {
  return { ...ratio(size.num * num, size.den * den), plus: Math.floor((size.plus * num) / den) };
}

export function shiftedBy(size: AffineSize, pixels: number): AffineSize {
  return { ...size, plus: size.plus + pixels };
}

/** Pixels by which `a` is larger than `b`, when that does not depend on the input's size. */
export function differenceOf(a: AffineSize, b: AffineSize): number | undefined {
  return a.num === b.num && a.den === b.den ? a.plus - b.plus : undefined;
}

/** What a side of the input must be a multiple of, so that all these sizes are whole. */
export function multipleOf(sizes: Iterable<AffineSize>): number {
  let multiple = 1;
  for (const { den } of sizes) multiple = (multiple / divisor(multiple, den)) * den;
  return multiple;
}

function ratio(num: number, den: number): { num: number; den: number } {
  if (num === 0) return { num: 0, den: 1 };
  const common = divisor(num, den);
  return { num: num / common, den: den / common };
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b);
}
