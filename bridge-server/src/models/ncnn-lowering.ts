import { inputSize, multipleOf, type AffineSize } from './affine-size';
import {
  damagedNet,
  plainRgb,
  requireFinite,
  unsupportedNet,
  type ImportedNet,
  type InputConvention,
} from './imported-net';
import { NetDraft, type Attribute } from './net-draft';
import type { NcnnLayer, NcnnWeights } from './ncnn-file';

export type NcnnOptions = {
  readonly name: string;
  /** Channels of inputs whose `Input` layer does not say; three by default. */
  readonly inputChannels?: Readonly<Record<string, number>>;
  /** Other names for inputs and outputs, by the file's blob names. */
  readonly rename?: Readonly<Record<string, string>>;
  /** Blobs to give out beside those that nothing reads, by the file's names. */
  readonly taps?: readonly string[];
  /** Names of one-channel inputs that take a single number for the whole plane (RIFE's time). */
  readonly planes?: readonly string[];
  readonly convention?: InputConvention;
};

/** A value of the net: always [1, channels, height, width]. */
export type NcnnBlob = {
  readonly value: string;
  readonly channels: number;
  readonly height: AffineSize;
  readonly width: AffineSize;
};

export type NcnnRule = (net: NcnnLowering, layer: NcnnLayer) => void;

/** What has been written so far, and what the rules (ncnn-rules.ts) need to write on. Layers come in file order. */
export class NcnnLowering {
  readonly draft: NetDraft;
  private readonly blobs = new Map<string, NcnnBlob>();
  private readonly unread = new Set<string>();

  constructor(
    private readonly weights: NcnnWeights,
    readonly options: NcnnOptions,
  ) {
    this.draft = new NetDraft(options.name);
  }

  lower(layer: NcnnLayer, rule: NcnnRule): void {
    for (const bottom of layer.bottoms) this.unread.delete(bottom);
    rule(this, layer);
    for (const top of layer.tops) {
      if (!this.blobs.has(top)) throw this.damaged(layer, `its output "${top}" is one too many`);
    }
  }

  finish(): ImportedNet {
    this.weights.end();
    const outputs = [...this.unread, ...(this.options.taps ?? [])];
    if (outputs.length === 0 || this.draft.inputs.length === 0)
      throw damagedNet(this.options.name, 'the list of layers', 'it has no input or no output');
    for (const top of outputs) {
      const blob = this.blobs.get(top);
      if (!blob) throw damagedNet(this.options.name, top, 'there is no such blob');
      const name = this.options.rename?.[top] ?? top;
      // A name of its own where the blob is an input or an alias of another.
      if (blob.value !== name) this.draft.node('Identity', [blob.value], {}, name);
      this.draft.output(name, [1, blob.channels, `${name}.height`, `${name}.width`]);
    }
    const sizes = [...this.blobs.values()].flatMap(blob => [blob.height, blob.width]);
    const layers = [
      ...new Map(
        [...this.blobs.values()].map(blob => [blob.value, { name: blob.value, channels: blob.channels }]),
      ).values(),
    ];
    const inputs = new Set(this.draft.inputs.map(input => input.name));
    return {
      draft: this.draft,
      layers: layers.filter(layer => !inputs.has(layer.name)),
      multipleOf: multipleOf(sizes),
      convention: this.options.convention ?? plainRgb,
    };
  }

  /** What the layer's nth input is. */
  bottom(layer: NcnnLayer, index = 0): NcnnBlob {
    const name = layer.bottoms[index];
    const blob = name === undefined ? undefined : this.blobs.get(name);
    if (!blob) throw this.damaged(layer, `it takes ${index + 1} or more inputs and has ${layer.bottoms.length}`);
    return blob;
  }

  /** Writes a node whose output is the layer's, or an inner value when `inner`. */
  emit(
    layer: NcnnLayer,
    op: string,
    inputs: readonly string[],
    attributes: Record<string, Attribute> = {},
    inner = false,
  ): string {
    return this.draft.node(op, inputs, attributes, inner ? this.draft.fresh(layer.name) : this.valueName(layer));
  }

  /** Says what the layer's (first or nth) output is. */
  define(layer: NcnnLayer, blob: NcnnBlob, index = 0): void {
    const top = layer.tops[index];
    if (top === undefined) throw this.damaged(layer, 'it has no output');
    this.blobs.set(top, blob);
    this.unread.add(top);
  }

  input(layer: NcnnLayer, channelsInFile: number): void {
    const top = layer.tops[0];
    if (top === undefined) throw this.damaged(layer, 'it has no output');
    const name = this.valueName(layer);
    const channels = channelsInFile || (this.options.inputChannels?.[top] ?? 3);
    this.define(layer, { value: name, channels, height: inputSize, width: inputSize });
    if (!this.options.planes?.includes(name)) {
      this.draft.input(name, [1, channels, 'height', 'width']);
      return;
    }
    const first = this.draft.inputs[0];
    if (!first) throw unsupportedNet(this.options.name, `a plane as its first input (${layer.name})`);
    this.draft.input(name, [1, channels, 1, 1]);
    const zero = this.draft.node('Mul', [
      this.draft.node('Slice', [first.name, this.draft.ints([0]), this.draft.ints([1]), this.draft.ints([1])]),
      this.draft.scalar(0),
    ]);
    this.define(layer, { value: this.draft.node('Add', [zero, name]), channels, height: inputSize, width: inputSize });
  }

  taggedWeights(layer: NcnnLayer, count: number): Float32Array | Uint16Array {
    return this.checked(layer, this.weights.tagged(this.count(layer, count), layer.name));
  }

  singleWeights(layer: NcnnLayer, count: number): Float32Array {
    return this.checked(layer, this.weights.single(this.count(layer, count), layer.name));
  }

  number(layer: NcnnLayer, id: number, fallback = 0): number {
    const value = layer.params.get(id) ?? fallback;
    if (typeof value !== 'number') throw this.damaged(layer, `parameter ${id} is a list`);
    return value;
  }

  /** A whole number in a range. */
  whole(layer: NcnnLayer, id: number, fallback: number, min: number, max: number): number {
    const value = this.number(layer, id, fallback);
    if (!Number.isInteger(value) || value < min || value > max)
      throw this.damaged(layer, `parameter ${id} is ${value}, which is not in ${min} to ${max}`);
    return value;
  }

  list(layer: NcnnLayer, id: number): readonly number[] | undefined {
    const value = layer.params.get(id);
    if (typeof value === 'number') throw this.damaged(layer, `parameter ${id} is not a list`);
    return value;
  }

  damaged(layer: NcnnLayer, problem: string): Error {
    return damagedNet(this.options.name, layer.name, problem);
  }

  unsupported(layer: NcnnLayer, what: string): Error {
    return unsupportedNet(this.options.name, `${what} in layer ${layer.name}`);
  }

  private valueName(layer: NcnnLayer): string {
    const top = layer.tops[0] ?? layer.name;
    return this.options.rename?.[top] ?? top;
  }

  private count(layer: NcnnLayer, count: number): number {
    if (!Number.isSafeInteger(count) || count < 0) throw this.damaged(layer, `it asks for ${count} weights`);
    return count;
  }

  private checked<T extends Float32Array | Uint16Array>(layer: NcnnLayer, values: T): T {
    requireFinite(values, this.options.name, layer.name);
    return values;
  }
}
