import * as ort from 'onnxruntime-node';

export type NamedTensors = Record<string, { readonly data: Float32Array; readonly dims: readonly number[] }>;

/** Runs a serialised net once on the CPU. */
export async function runNet(model: Uint8Array, feeds: NamedTensors): Promise<NamedTensors> {
  const session = await ort.InferenceSession.create(Buffer.from(model), {
    intraOpNumThreads: 1,
    enableMemPattern: false,
    logSeverityLevel: 3,
  });
  try {
    const inputs = Object.entries(feeds).map(
      ([name, { data, dims }]) => [name, new ort.Tensor('float32', data, dims)] as const,
    );
    const outputs = await session.run(Object.fromEntries(inputs));
    return Object.fromEntries(
      Object.entries(outputs).map(([name, tensor]) => [
        name,
        { data: tensor.data as Float32Array, dims: [...tensor.dims] },
      ]),
    );
  } finally {
    await session.release();
  }
}

/** Waves of several lengths, 0..1, the channels out of step: [channels, height, width]. */
export function makePicture(channels: number, height: number, width: number): Float32Array {
  return Float32Array.from({ length: channels * height * width }, (_, at) => {
    const x = at % width;
    const y = Math.floor(at / width) % height;
    const channel = Math.floor(at / (width * height));
    return 0.5 + 0.25 * Math.sin(x / 7 + channel) + 0.2 * Math.cos(y / 9 - 2 * channel);
  });
}
