import { AppError } from '#protocol/errors';

export type NcnnLayer = {
  readonly type: string;
  readonly name: string;
  readonly bottoms: readonly string[];
  readonly tops: readonly string[];
  readonly params: ReadonlyMap<number, number | readonly number[]>;
};

const magic = '7767517';
const maxLayers = 20_000;
const maxBlobsPerLayer = 1024;
const maxArray = 4096;
// ncnn writes an array of parameter `id` under the key `-23300 - id`.
const arrayKey = -23300;

/**
 * Reads ncnn's text `.param`: topology and parameters, no weights.
 * @throws AppError NET_UNKNOWN_FORMAT, NET_DAMAGED
 */
export function parseNcnnParam(text: string, net: string): NcnnLayer[] {
  const lines = text.split(/\r?\n/).filter(line => line.trim() !== '');
  if (lines[0]?.trim() !== magic)
    throw new AppError('NET_UNKNOWN_FORMAT', { path: net, problem: `an ncnn .param starts with ${magic}` });
  const [layerCount, blobCount] = (lines[1] ?? '').trim().split(/\s+/).map(Number);
  if (!isCount(layerCount, maxLayers) || !isCount(blobCount, maxLayers * maxBlobsPerLayer))
    throw damaged(net, 'line 2', 'the number of layers is missing');
  const rows = lines.slice(2);
  if (rows.length !== layerCount)
    throw damaged(
      net,
      `line ${Math.min(rows.length, layerCount) + 3}`,
      `${layerCount} layers are announced, ${rows.length} are there`,
    );

  const made = new Set<string>();
  const names = new Set<string>();
  return rows.map((row, index) => {
    const layer = parseLayer(row, net, `line ${index + 3}`);
    if (names.has(layer.name)) throw damaged(net, layer.name, 'two layers have this name');
    names.add(layer.name);
    for (const bottom of layer.bottoms)
      if (!made.has(bottom)) throw damaged(net, layer.name, `it reads "${bottom}", which no layer before it makes`);
    for (const top of layer.tops) {
      if (made.has(top)) throw damaged(net, layer.name, `"${top}" is made twice`);
      made.add(top);
    }
    return layer;
  });
}

function parseLayer(row: string, net: string, where: string): NcnnLayer {
  const words = row.trim().split(/\s+/);
  const [type, name, bottomWord, topWord] = words;
  const bottomCount = Number(bottomWord);
  const topCount = Number(topWord);
  if (!type || !name || !isCount(bottomCount, maxBlobsPerLayer) || !isCount(topCount, maxBlobsPerLayer))
    throw damaged(net, name ?? where, 'the line is not a layer');
  const blobsEnd = 4 + bottomCount + topCount;
  const blobs = words.slice(4, blobsEnd);
  if (blobs.length !== bottomCount + topCount || blobs.some(blob => blob.includes('=')))
    throw damaged(net, name, 'its inputs and outputs are not all named');
  const params = new Map<number, number | readonly number[]>();
  for (const word of words.slice(blobsEnd)) {
    const [key, value] = word.split('=');
    const id = Number(key);
    if (!key || !value || !Number.isInteger(id)) throw damaged(net, name, `"${word}" is not a parameter`);
    if (id <= arrayKey) {
      const [length, ...values] = value.split(',').map(Number);
      if (!isCount(length, maxArray) || values.length !== length || !values.every(Number.isFinite))
        throw damaged(net, name, `"${word}" is not a list`);
      params.set(arrayKey - id, values);
    } else {
      const number = Number(value);
      if (!Number.isFinite(number)) throw damaged(net, name, `"${word}" is not a number`);
      params.set(id, number);
    }
  }
  return { type, name, bottoms: blobs.slice(0, bottomCount), tops: blobs.slice(bottomCount), params };
}

// First four bytes of a weight blob (ncnn src/modelbin.cpp).
const tags = { half: 0x01306b47, single: 0x0002c056, raw: 0, int8: 0x000d4b38 };

/** Reads ncnn's `.bin` from front to back, in the order of the layers. */
export class NcnnWeights {
  private position = 0;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;

  constructor(
    bytes: Uint8Array,
    private readonly net: string,
  ) {
    // A Node Buffer's own slice() does not copy; a plain view's does, and a copy is aligned.
    this.bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Weights with a tag: half precision as bit patterns, or single precision. */
  tagged(count: number, layer: string): Float32Array | Uint16Array {
    this.need(4, layer);
    const tag = this.view.getUint32(this.position, true);
    if (tag !== tags.half && tag !== tags.raw && tag !== tags.single) {
      const what = `weights in the form 0x${tag.toString(16).padStart(8, '0')}${tag === tags.int8 ? ' (8-bit integers)' : ''} in layer ${layer}`;
      throw new AppError('NET_UNSUPPORTED', { name: this.net, what });
    }
    this.position += 4;
    if (tag !== tags.half) return this.single(count, layer);
    const stored = Math.ceil((count * 2) / 4) * 4;
    this.need(stored, layer);
    const halves = new Uint16Array(this.bytes.slice(this.position, this.position + count * 2).buffer);
    this.position += stored;
    return halves;
  }

  /** Values without a tag: biases, slopes, scales. */
  single(count: number, layer: string): Float32Array {
    this.need(count * 4, layer);
    const values = new Float32Array(this.bytes.slice(this.position, this.position + count * 4).buffer);
    this.position += count * 4;
    return values;
  }

  end(): void {
    const left = this.bytes.length - this.position;
    if (left > 0) throw damaged(this.net, 'the end of the weights', `${left} bytes are left over`);
  }

  private need(bytes: number, layer: string): void {
    const left = this.bytes.length - this.position;
    if (!(bytes >= 0) || bytes > left)
      throw damaged(this.net, layer, `its weights need ${bytes} bytes, ${left} are left`);
  }
}

function damaged(name: string, where: string, problem: string): AppError {
  return new AppError('NET_DAMAGED', { name, where, problem });
}

function isCount(value: number | undefined, limit: number): value is number {
  return Number.isInteger(value) && value! >= 0 && value! <= limit;
}
