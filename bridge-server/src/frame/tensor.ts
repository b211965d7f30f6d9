/** What goes into a net and comes out of it. Row-major; float16 travels as its bit patterns. */
export type TensorType = 'float32' | 'float16' | 'int32' | 'int64' | 'uint8' | 'bool';

export type TensorData = Float32Array | Uint16Array | Int32Array | BigInt64Array | Uint8Array;

export type Tensor = {
  readonly type: TensorType;
  readonly dims: readonly number[];
  readonly data: TensorData;
};

export function sizeOf(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}

/** @throws RangeError when the data does not fill the dimensions exactly */
export function floatTensor(data: Float32Array, dims: readonly number[]): Tensor {
  if (data.length !== sizeOf(dims)) throw new RangeError(`${data.length} values do not fill [${dims.join(', ')}]`);
  return { type: 'float32', dims, data };
}

export function scalarTensor(value: number): Tensor {
  return { type: 'float32', dims: [], data: new Float32Array([value]) };
}

/** @throws TypeError when the tensor is not float32 */
export function floatsOf(tensor: Tensor): Float32Array {
  if (tensor.type !== 'float32') throw new TypeError(`expected a float32 tensor, got ${tensor.type}`);
  return tensor.data as Float32Array;
}
