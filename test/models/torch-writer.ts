import { zipSync } from 'fflate';

export type WrittenTensors = ReadonlyMap<string, { readonly dims: readonly number[]; readonly data: Float32Array }>;

/** Python's pickle, protocol 2, as torch.save writes it. */
class PickleWriter {
  private readonly bytes: number[] = [0x80, 2];
  private memo = 0;

  raw(...bytes: number[]): this {
    for (const byte of bytes) this.bytes.push(byte);
    return this;
  }
  put(): this {
    const index = this.memo++;
    return index < 256 ? this.raw(0x71, index) : this.raw(0x72, ...new Uint8Array(Uint32Array.of(index).buffer));
  }
  text(value: string): this {
    const utf8 = new TextEncoder().encode(value);
    return this.raw(0x58, ...new Uint8Array(Uint32Array.of(utf8.length).buffer), ...utf8).put();
  }
  int(value: number): this {
    if (value < 256) return this.raw(0x4b, value);
    return this.raw(0x4a, ...new Uint8Array(Int32Array.of(value).buffer));
  }
  ints(values: readonly number[]): this {
    this.raw(0x28);
    for (const value of values) this.int(value);
    return this.raw(0x74).put();
  }
  global(module: string, name: string): this {
    return this.raw(0x63, ...new TextEncoder().encode(`${module}\n${name}\n`)).put();
  }
  finish(): Uint8Array {
    return Uint8Array.from([...this.bytes, 0x2e]);
  }
}

function weightsPickle(tensors: WrittenTensors, storageType = 'FloatStorage'): Uint8Array {
  const pickle = new PickleWriter().global('collections', 'OrderedDict').raw(0x29, 0x52).put().raw(0x28);
  let key = 0;
  for (const [name, { dims, data }] of tensors) {
    pickle
      .text(name)
      .global('torch._utils', '_rebuild_tensor_v2')
      .raw(0x28, 0x28)
      .text('storage')
      .global('torch', storageType)
      .text(String(key++))
      .text('cpu')
      .int(data.length);
    pickle.raw(0x74).put().raw(0x51).int(0).ints(dims);
    pickle.ints(dims.map((_, axis) => dims.slice(axis + 1).reduce((product, dim) => product * dim, 1)));
    pickle.raw(0x89).global('collections', 'OrderedDict').raw(0x29, 0x52).put().raw(0x74).put().raw(0x52).put();
  }
  return pickle.raw(0x75).finish();
}

/** A `.pth` as PyTorch writes it since 1.6 (`zip`) or wrote it before (`legacy`). */
export function writeTorch(tensors: WrittenTensors, form: 'zip' | 'legacy', storageType?: string): Uint8Array {
  const list = weightsPickle(tensors, storageType);
  const parts = [...tensors.values()].map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  if (form === 'zip') {
    const files = Object.fromEntries(parts.map((part, index) => [`net/data/${index}`, part]));
    return zipSync({ 'net/data.pkl': list, ...files, 'net/version': new TextEncoder().encode('3\n') }, { level: 0 });
  }
  // 0x1950a86a20f9469cfc6c, version 1001, what the machine was.
  const magic = Uint8Array.of(0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e);
  const version = new PickleWriter().int(1001).finish();
  const machine = new PickleWriter().raw(0x7d).put().raw(0x28).text('little_endian').raw(0x88, 0x75).finish();
  const names = new PickleWriter().raw(0x5d).put().raw(0x28);
  parts.forEach((_, index) => names.text(String(index)));
  const storages = parts.flatMap(part => [new Uint8Array(BigInt64Array.of(BigInt(part.length / 4)).buffer), part]);
  return new Uint8Array(Buffer.concat([magic, version, machine, list, names.raw(0x65).finish(), ...storages]));
}
