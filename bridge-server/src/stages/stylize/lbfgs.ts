export type Lbfgs = {
  /** The next point, from the one where `gradient` was taken. */
  next(point: Float32Array, gradient: Float32Array): Float32Array;
};

/** From a warm start the curvature changes fast: more pairs cost memory and gain nothing (methods reference 1.2). */
const historySize = 10;
/** A pair is kept when its curvature is positive beyond rounding, whatever the scale of the loss. */
const leastCosine = 1e-8;

/**
 * L-BFGS without line search and without any tolerance: it never stops by itself, because in float32 a loss of 1e10
 * "stops changing" after two steps (methods reference 1.2, 2.6). First step of length min(1, 1/|g|_1).
 * Source: Nocedal and Wright, Numerical Optimization, algorithm 7.4; settings as neural_style.lua.
 */
export function createLbfgs(): Lbfgs {
  const pairs: { readonly s: Float32Array; readonly y: Float32Array; readonly inverse: number }[] = [];
  let last: { readonly point: Float32Array; readonly gradient: Float32Array } | undefined;
  let scale = 1;
  return {
    next(point, gradient) {
      if (last !== undefined) {
        const s = difference(point, last.point);
        const y = difference(gradient, last.gradient);
        const ys = dot(y, s);
        const yy = dot(y, y);
        if (ys > leastCosine * Math.sqrt(yy * dot(s, s))) {
          if (pairs.length === historySize) pairs.shift();
          pairs.push({ s, y, inverse: 1 / ys });
          scale = ys / yy;
        }
      }
      const direction = gradient.slice();
      const alphas = new Array<number>(pairs.length);
      for (let i = pairs.length - 1; i >= 0; i--) {
        alphas[i] = pairs[i].inverse * dot(pairs[i].s, direction);
        addScaled(direction, pairs[i].y, -alphas[i]);
      }
      const first = pairs.length === 0;
      const factor = first ? Math.min(1, 1 / (sumAbsolute(gradient) + 1e-30)) : scale;
      for (let i = 0; i < direction.length; i++) direction[i] *= factor;
      for (let i = 0; i < pairs.length; i++)
        addScaled(direction, pairs[i].s, alphas[i] - pairs[i].inverse * dot(pairs[i].y, direction));
      last = { point, gradient };
      const moved = point.slice();
      addScaled(moved, direction, -1);
      return moved;
    },
  };
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function difference(a: Float32Array, b: Float32Array): Float32Array {
  const out = new Float32Array(a.length);
  for (let i = 0; i < a.length; i++) out[i] = a[i] - b[i];
  return out;
}

function addScaled(target: Float32Array, values: Float32Array, factor: number): void {
  for (let i = 0; i < target.length; i++) target[i] += factor * values[i];
}

function sumAbsolute(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += Math.abs(value);
  return sum;
}
