import { sizeOf } from '../frame/tensor';
import { damagedNet, requireFinite, unsupportedNet, type NetLayer } from './imported-net';
import { NetDraft, type Attribute, type Dim } from './net-draft';
import type { TfliteFile, TfliteOperator, TfliteTensor } from './tflite-file';

/** A computed value. Pictures (rank 4) are [N, C, H, W] here and [N, H, W, C] in the file; other ranks are as in the file. */
export type TfliteValue = { readonly name: string; readonly shape: readonly number[] };

export type TfliteRule = (net: TfliteLowering, operator: TfliteOperator) => void;

export const tfliteTypes = { float32: 0, float16: 1, int32: 2, uint8: 3, int64: 4, int8: 9 } as const;

/** File's axis -> place in [N, C, H, W]. */
export const pictureAxes = [0, 2, 3, 1] as const;

export type FloatConstant = { readonly shape: readonly number[]; readonly data: Float32Array | Uint16Array };

/** What has been written so far, and what the rules (tflite-rules.ts) need to write on. */
export class TfliteLowering {
  readonly draft: NetDraft;
  private readonly values = new Map<number, TfliteValue>();
  private readonly constants = new Map<number, FloatConstant>();
  private readonly names: readonly string[];
  private readonly picked: NetLayer[] = [];
  private inputName = '';
  private fixed = false;

  constructor(
    private readonly file: TfliteFile,
    readonly net: string,
  ) {
    this.draft = new NetDraft(net);
    this.names = uniqueNames(file.tensors);
  }

  input(tensor: TfliteTensor, name: string): void {
    const [batch, height, width, channels] = tensor.shape as [number, number, number, number];
    this.inputName = name;
    this.draft.input(name, [1, channels, 'height', 'width']);
    this.values.set(tensor.index, { name, shape: [batch, channels, height, width] });
  }

  /** From here on the net works at the file's own size only. */
  fixSize(): void {
    if (this.fixed) return;
    this.fixed = true;
    const input = [...this.values.values()].find(value => value.name === this.inputName);
    if (input) this.draft.inputs.splice(0, 1, { name: this.inputName, dims: input.shape });
  }

  fileName(index: number): string {
    return this.names[index] ?? `tensor ${index}`;
  }

  placeOf(operator: TfliteOperator): string {
    return this.fileName(operator.outputs[0] ?? -1);
  }

  has(name: string): boolean {
    return this.named(name) !== undefined;
  }

  named(name: string): TfliteValue | undefined {
    return this.values.get(this.names.indexOf(name));
  }

  layers(): readonly NetLayer[] {
    return this.picked.map(layer => ({ ...layer, name: this.draft.currentName(layer.name) }));
  }

  outputDims(value: TfliteValue, name: string): Dim[] {
    const isFree = !this.fixed && value.shape.length === 4 && (value.shape[2] !== 1 || value.shape[3] !== 1);
    return isFree ? [1, value.shape[1]!, `${name}.height`, `${name}.width`] : [...value.shape];
  }

  tensor(operator: TfliteOperator, position: number): TfliteTensor {
    const tensor = this.file.tensors[operator.inputs[position] ?? -1];
    if (!tensor) throw this.damaged(operator, `its input ${position} is missing`);
    return tensor;
  }

  hasInput(operator: TfliteOperator, position: number): boolean {
    return (operator.inputs[position] ?? -1) >= 0;
  }

  isComputed(operator: TfliteOperator, position: number): boolean {
    return this.values.has(operator.inputs[position] ?? -1);
  }

  value(operator: TfliteOperator, position: number): TfliteValue {
    const tensor = this.tensor(operator, position);
    const value = this.values.get(tensor.index);
    if (!value)
      throw this.damaged(operator, `it reads "${this.fileName(tensor.index)}", which nothing before it computes`);
    return value;
  }

  picture(operator: TfliteOperator, position: number): TfliteValue {
    const value = this.value(operator, position);
    if (value.shape.length !== 4) throw this.unsupported(operator, `an input of [${value.shape.join(', ')}]`);
    return value;
  }

  /** The shape that the file gives for the operator's output, channels before rows. */
  outputShape(operator: TfliteOperator): readonly number[] {
    const tensor = this.file.tensors[operator.outputs[0] ?? -1];
    if (!tensor) throw this.damaged(operator, 'it has no output');
    return tensor.shape.length === 4 ? toPictureOrder(tensor.shape) : tensor.shape;
  }

  /** Writes a node for the operator's output, or for a value on the way when `inner`. */
  emit(
    operator: TfliteOperator,
    op: string,
    inputs: readonly string[],
    attributes: Record<string, Attribute> = {},
    inner = false,
  ): string {
    return this.draft.node(
      op,
      inputs,
      attributes,
      inner ? this.draft.fresh(this.placeOf(operator)) : this.placeOf(operator),
    );
  }

  /** Says that the operator's output is there now. */
  define(operator: TfliteOperator, shape = this.outputShape(operator)): void {
    const index = operator.outputs[0] ?? -1;
    const name = this.placeOf(operator);
    this.values.set(index, { name, shape });
    if (shape.length === 4 && !this.picked.some(layer => layer.name === name))
      this.picked.push({ name, channels: shape[1]! });
  }

  /** The operator changes nothing that matters in floats: its output is its input. */
  alias(operator: TfliteOperator): void {
    const index = operator.outputs[0] ?? -1;
    const source = this.tensor(operator, 0);
    const value = this.values.get(source.index);
    if (value) this.values.set(index, value);
    else this.constants.set(index, this.readFloats(operator, source));
  }

  /** A constant as floats; half precision stays half. */
  floats(operator: TfliteOperator, position: number): FloatConstant {
    const tensor = this.tensor(operator, position);
    const known = this.constants.get(tensor.index);
    if (known) return known;
    if (this.values.has(tensor.index)) throw this.unsupported(operator, 'weights that are computed');
    const constant = this.readFloats(operator, tensor);
    this.constants.set(tensor.index, constant);
    return constant;
  }

  /** A constant of whole numbers: a shape, pads, axes. */
  wholes(operator: TfliteOperator, position: number): number[] {
    const tensor = this.tensor(operator, position);
    const bytes = this.requireBytes(operator, tensor, tensor.type === tfliteTypes.int64 ? 8 : 4);
    if (tensor.type === tfliteTypes.int32) return [...new Int32Array(bytes.buffer)];
    if (tensor.type === tfliteTypes.int64) return Array.from(new BigInt64Array(bytes.buffer), Number);
    throw this.unsupported(operator, `whole numbers of type ${tensor.type}`);
  }

  outputTensor(operator: TfliteOperator): TfliteTensor | undefined {
    return this.file.tensors[operator.outputs[0] ?? -1];
  }

  damaged(operator: TfliteOperator, problem: string): Error {
    return damagedNet(this.net, this.placeOf(operator), problem);
  }

  unsupported(operator: TfliteOperator, what: string): Error {
    return unsupportedNet(this.net, `${what} (${this.placeOf(operator)})`);
  }

  private readFloats(operator: TfliteOperator, tensor: TfliteTensor): FloatConstant {
    const { shape, type } = tensor;
    const stored = this.storedNumbers(operator, tensor);
    if (type === tfliteTypes.float32 || type === tfliteTypes.float16) {
      requireFinite(stored as Float32Array | Uint16Array, this.net, this.fileName(tensor.index));
      return { shape, data: stored as Float32Array | Uint16Array };
    }
    const { quantization } = tensor;
    if (!quantization) throw this.unsupported(operator, 'whole numbers without a scale');
    const data = new Float32Array(stored.length);
    const { scales, zeroPoints, axis } = quantization;
    // How many values in a row share a step, and how many steps there are.
    const run = scales.length === 1 ? stored.length : sizeOf(shape.slice(axis + 1));
    for (let i = 0; i < data.length; i += 1) {
      const step = scales.length === 1 ? 0 : Math.floor(i / run) % scales.length;
      data[i] = (stored[i]! - (zeroPoints[step] ?? zeroPoints[0] ?? 0)) * scales[step]!;
    }
    return { shape, data };
  }

  private storedNumbers(
    operator: TfliteOperator,
    tensor: TfliteTensor,
  ): Float32Array | Uint16Array | Int32Array | Uint8Array | Int8Array {
    switch (tensor.type) {
      case tfliteTypes.float32:
        return new Float32Array(this.requireBytes(operator, tensor, 4).buffer);
      case tfliteTypes.float16:
        return new Uint16Array(this.requireBytes(operator, tensor, 2).buffer);
      case tfliteTypes.int32:
        return new Int32Array(this.requireBytes(operator, tensor, 4).buffer);
      case tfliteTypes.uint8:
        return this.requireBytes(operator, tensor, 1);
      case tfliteTypes.int8:
        return new Int8Array(this.requireBytes(operator, tensor, 1).buffer);
      default:
        throw this.unsupported(operator, `weights of type ${tensor.type}`);
    }
  }

  /** The tensor's bytes, copied so that they are aligned. */
  private requireBytes(operator: TfliteOperator, tensor: TfliteTensor, each: number): Uint8Array<ArrayBuffer> {
    const wanted = sizeOf(tensor.shape) * each;
    if (tensor.bytes.length !== wanted)
      throw this.damaged(
        operator,
        `"${this.fileName(tensor.index)}" needs ${wanted} bytes and has ${tensor.bytes.length}`,
      );
    return Uint8Array.prototype.slice.call(tensor.bytes) as Uint8Array<ArrayBuffer>;
  }
}

export function toPictureOrder<T>(shape: readonly T[]): T[] {
  const [batch, height, width, channels] = shape as [T, T, T, T];
  return [batch, channels, height, width];
}

/** TFLite joins the names of fused ops with ";": the first says what comes out. */
function uniqueNames(tensors: readonly TfliteTensor[]): string[] {
  const taken = new Set<string>();
  return tensors.map(({ name, index }) => {
    const first = name.split(';')[0] || `tensor.${index}`;
    const unique = taken.has(first) ? `${first}.${index}` : first;
    taken.add(unique);
    return unique;
  });
}
