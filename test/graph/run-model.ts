import * as ort from 'onnxruntime-node';

export type Fed = { readonly data: ArrayLike<number>; readonly dims: readonly number[] };

/** Runs a serialised model on onnxruntime's CPU provider; feeds and results are float32. */
export async function runModel(
  model: Uint8Array | string,
  feeds: Readonly<Record<string, Fed>>,
): Promise<Record<string, Float32Array>> {
  const options: ort.InferenceSession.SessionOptions = {
    intraOpNumThreads: 1,
    enableMemPattern: false,
    logSeverityLevel: 3,
  };
  const session =
    typeof model === 'string'
      ? await ort.InferenceSession.create(model, options)
      : await ort.InferenceSession.create(model, options);
  try {
    const results = await session.run(
      Object.fromEntries(
        session.inputNames.flatMap(name =>
          name in feeds
            ? [[name, new ort.Tensor('float32', Float32Array.from(feeds[name].data), [...feeds[name].dims])]]
            : [],
        ),
      ),
    );
    return Object.fromEntries(
      Object.entries(results).map(([name, tensor]) => [
        name,
        Float32Array.from(tensor.data as ArrayLike<number>, Number),
      ]),
    );
  } finally {
    await session.release();
  }
}

/** The largest difference, relative to the largest magnitude of `expected`. */
export function relativeDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Infinity;
  let worst = 0;
  let scale = 1e-30;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(actual[i] - expected[i]);
    if (!(difference <= worst)) worst = difference;
    scale = Math.max(scale, Math.abs(expected[i]));
  }
  return worst / scale;
}

/** Repeatable numbers in -1 .. 1. */
export function randomNumbers(count: number, seed = 1): Float64Array {
  let state = (seed * 2654435761) >>> 0;
  return Float64Array.from({ length: count }, () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    const mixed = Math.imul(state ^ (state >>> 13), 0x297a2d39) >>> 0;
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 31 - 1;
  });
}
