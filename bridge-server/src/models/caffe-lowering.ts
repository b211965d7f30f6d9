import { damagedNet, requireFinite, unsupportedNet, type NetLayer } from './imported-net';
import { NetDraft, type Attribute } from './net-draft';
import { readCaffeBlob, type CaffeBlob, type CaffeLayer } from './caffe-file';

/** A blob as it is now. Sizes are those at the net's own input size: they say what a matrix after them sees. */
export type CaffeValue = {
  readonly value: string;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
};

export type CaffeRule = (net: CaffeLowering, layer: CaffeLayer) => void;

const usualSide = 224;
const maxSide = 1 << 16;
const maxChannels = 1 << 16;

/** What has been written so far, and what the rules (caffe-rules.ts) need to write on. */
export class CaffeLowering {
  readonly draft: NetDraft;
  private readonly blobs = new Map<string, CaffeValue>();
  /** Labels and the like, which only training reads. */
  private readonly absent = new Set<string>();
  private readonly notRead = new Set<string>();

  constructor(readonly name: string) {
    this.draft = new NetDraft(name);
  }

  input(name: string, dims: readonly number[]): void {
    const [, channels = 3, height = usualSide, width = usualSide] = dims;
    const isSane = [channels, height, width].every(side => Number.isInteger(side) && side > 0 && side <= maxSide);
    if (!isSane || channels > maxChannels) throw damagedNet(this.name, name, `an input of [${dims.join(', ')}]`);
    if (this.blobs.has(name)) throw damagedNet(this.name, name, 'two inputs have this name');
    this.draft.input(name, [1, channels, 'height', 'width']);
    this.blobs.set(name, { value: name, channels, height, width });
  }

  /** A blob that training needs and a picture does not have. */
  leaveOut(name: string): void {
    this.absent.add(name);
  }

  isLeftOut(name: string): boolean {
    return this.absent.has(name);
  }

  bottom(layer: CaffeLayer, index = 0): CaffeValue {
    const name = layer.bottoms[index];
    if (name === undefined)
      throw this.damaged(layer, `it takes ${index + 1} or more inputs and has ${layer.bottoms.length}`);
    const blob = this.blobs.get(name);
    if (!blob) throw this.damaged(layer, `it reads "${name}", which no layer before it makes`);
    this.notRead.delete(name);
    return blob;
  }

  /** Writes a node for the layer's (nth) output, or for a value on the way. */
  emit(
    layer: CaffeLayer,
    op: string,
    inputs: readonly string[],
    attributes: Record<string, Attribute> = {},
    inner = false,
    index = 0,
  ): string {
    const top = layer.tops[index];
    if (top === undefined) throw this.damaged(layer, 'it has no output');
    if (inner) return this.draft.node(op, inputs, attributes, this.draft.fresh(layer.name));
    // In place: what had the name until now steps back.
    const before = this.blobs.get(top);
    if (before?.value !== top) return this.draft.node(op, inputs, attributes, top);
    if (this.draft.inputs.some(input => input.name === top))
      throw this.unsupported(layer, 'a change of the input in place');
    const stepped = this.draft.fresh(top);
    this.draft.rename(top, stepped);
    for (const [name, blob] of this.blobs) if (blob.value === top) this.blobs.set(name, { ...blob, value: stepped });
    return this.draft.node(
      op,
      inputs.map(name => (name === top ? stepped : name)),
      attributes,
      top,
    );
  }

  define(layer: CaffeLayer, value: Omit<CaffeValue, 'value'>, index = 0): void {
    const top = layer.tops[index]!;
    if (!(value.height > 0 && value.width > 0 && value.channels > 0))
      throw this.damaged(layer, `a picture of ${value.channels}x${value.height}x${value.width} is left`);
    this.blobs.set(top, { ...value, value: top });
    this.notRead.add(top);
  }

  /** The layer's outputs are its input. */
  alias(layer: CaffeLayer): void {
    const blob = this.bottom(layer);
    for (const top of layer.tops) {
      this.blobs.set(top, blob);
      this.notRead.add(top);
    }
  }

  unread(): string[] {
    return [...this.notRead];
  }

  output(name: string): void {
    const blob = this.blobs.get(name);
    if (!blob) throw damagedNet(this.name, name, 'no layer makes this blob');
    if (blob.value !== name) this.draft.node('Identity', [blob.value], {}, name);
    const isPicture = blob.height !== 1 || blob.width !== 1;
    this.draft.output(name, [1, blob.channels, isPicture ? `${name}.height` : 1, isPicture ? `${name}.width` : 1]);
  }

  layers(): NetLayer[] {
    const inputs = new Set(this.draft.inputs.map(input => input.name));
    const named = new Map<string, NetLayer>();
    for (const { value, channels } of this.blobs.values())
      if (!inputs.has(value)) named.set(value, { name: value, channels });
    return [...named.values()];
  }

  /** The layer's nth block of weights, checked. */
  weights(layer: CaffeLayer, index: number): CaffeBlob {
    const bytes = layer.blobs[index];
    if (!bytes) throw this.damaged(layer, `its weights are missing (${layer.blobs.length} of ${index + 1})`);
    const blob = readCaffeBlob(bytes);
    requireFinite(blob.data, this.name, layer.name);
    return blob;
  }

  /** Writes weights under the layer's name. */
  weight(layer: CaffeLayer, word: string, dims: readonly number[], data: Float32Array): string {
    const count = dims.reduce((product, dim) => product * dim, 1);
    if (count !== data.length) throw this.damaged(layer, `${data.length} weights where ${count} are needed`);
    return this.draft.weight(`${layer.name}.${word}`, dims, data);
  }

  damaged(layer: CaffeLayer, problem: string): Error {
    return damagedNet(this.name, layer.name || layer.type, problem);
  }

  unsupported(layer: CaffeLayer, what: string): Error {
    return unsupportedNet(this.name, `${what} in layer ${layer.name}`);
  }
}
