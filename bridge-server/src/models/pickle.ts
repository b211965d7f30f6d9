/** Thrown inside the reader; whoever reads the file says which net it was. */
export class PickleError extends Error {}

/** A name of Python's, called with arguments, as data: nothing is ever run. */
export type PickledCall = { readonly global: string; readonly args: readonly unknown[] };

const opcode = {
  mark: 0x28,
  emptyTuple: 0x29,
  stop: 0x2e,
  binFloat: 0x47,
  binInt: 0x4a,
  binInt1: 0x4b,
  binInt2: 0x4d,
  none: 0x4e,
  binPersistentId: 0x51,
  reduce: 0x52,
  binUnicode: 0x58,
  emptyList: 0x5d,
  append: 0x61,
  build: 0x62,
  global: 0x63,
  appends: 0x65,
  binGet: 0x68,
  longBinGet: 0x6a,
  binPut: 0x71,
  longBinPut: 0x72,
  setItem: 0x73,
  tuple: 0x74,
  setItems: 0x75,
  emptyDict: 0x7d,
  proto: 0x80,
  tuple1: 0x85,
  tuple2: 0x86,
  tuple3: 0x87,
  newTrue: 0x88,
  newFalse: 0x89,
  long1: 0x8a,
} as const;

const mark = Symbol('mark');
const limits = { text: 4096, stack: 100_000, memo: 1_000_000 };

/**
 * Reads Python's pickle, protocol 2, as far as files of weights use it: dictionaries, lists, tuples, numbers, texts, and calls that stay
 * what they are. Ordered dictionaries become Maps.
 * @param persistent what stands for an object that lies elsewhere in the file
 * @returns the object, and the position after it
 * @throws PickleError
 */
export function readPickle(
  bytes: Uint8Array,
  start: number,
  persistent: (id: unknown) => unknown,
): { value: unknown; end: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const stack: unknown[] = [];
  const memo = new Map<number, unknown>();
  let at = start;
  const need = (count: number): number => {
    if (count < 0 || at + count > bytes.length) throw new PickleError('the list of weights is cut off');
    at += count;
    return at - count;
  };
  const push = (value: unknown): void => {
    if (stack.length >= limits.stack) throw new PickleError('too much inside each other');
    stack.push(value);
  };
  const pop = (): unknown => {
    if (stack.length === 0) throw new PickleError('something is missing');
    return stack.pop();
  };
  const popToMark = (): unknown[] => {
    const from = stack.lastIndexOf(mark);
    if (from === -1) throw new PickleError('a list without a beginning');
    return stack.splice(from).slice(1);
  };
  const text = (length: number): string => {
    if (length > limits.text) throw new PickleError(`a name of ${length} bytes`);
    const from = need(length);
    return new TextDecoder().decode(bytes.subarray(from, from + length));
  };
  const line = (): string => {
    const end = bytes.indexOf(0x0a, at);
    if (end === -1 || end - at > limits.text) throw new PickleError('a name without an end');
    const word = text(end - at);
    at += 1;
    return word;
  };
  const setItems = (target: unknown, items: readonly unknown[]): void => {
    if (!(target instanceof Map) || items.length % 2 !== 0) throw new PickleError('entries without a dictionary');
    for (let index = 0; index < items.length; index += 2) target.set(items[index], items[index + 1]);
  };
  for (;;) {
    const code = bytes[need(1)];
    switch (code) {
      case opcode.proto:
        need(1);
        break;
      case opcode.mark:
        push(mark);
        break;
      case opcode.none:
        push(undefined);
        break;
      case opcode.newTrue:
      case opcode.newFalse:
        push(code === opcode.newTrue);
        break;
      case opcode.binInt:
        push(view.getInt32(need(4), true));
        break;
      case opcode.binInt1:
        push(bytes[need(1)]);
        break;
      case opcode.binInt2:
        push(view.getUint16(need(2), true));
        break;
      case opcode.binFloat:
        push(view.getFloat64(need(8), false));
        break;
      case opcode.long1:
        push(readLong(bytes, need(1), need));
        break;
      case opcode.binUnicode:
        push(text(view.getUint32(need(4), true)));
        break;
      case opcode.emptyDict:
        push(new Map());
        break;
      case opcode.emptyList:
        push([]);
        break;
      case opcode.emptyTuple:
        push([]);
        break;
      case opcode.tuple:
        push(popToMark());
        break;
      case opcode.tuple1:
      case opcode.tuple2:
      case opcode.tuple3: {
        const items = Array.from({ length: code - opcode.tuple1 + 1 }, pop).reverse();
        push(items);
        break;
      }
      case opcode.append: {
        const item = pop();
        appendTo(stack[stack.length - 1], [item]);
        break;
      }
      case opcode.appends: {
        const items = popToMark();
        appendTo(stack[stack.length - 1], items);
        break;
      }
      case opcode.setItem: {
        const [value, key] = [pop(), pop()];
        setItems(stack[stack.length - 1], [key, value]);
        break;
      }
      case opcode.setItems: {
        const items = popToMark();
        setItems(stack[stack.length - 1], items);
        break;
      }
      case opcode.global:
        push({ global: `${line()}.${line()}`, args: [] } satisfies PickledCall);
        break;
      case opcode.reduce: {
        const [args, target] = [pop(), pop()];
        push(called(target, args));
        break;
      }
      case opcode.build:
        // Attributes of an ordered dictionary (its version): nothing that weights need.
        pop();
        break;
      case opcode.binPersistentId:
        push(persistent(pop()));
        break;
      case opcode.binPut:
        memo.set(bytes[need(1)]!, stack[stack.length - 1]);
        break;
      case opcode.longBinPut:
        if (memo.size > limits.memo) throw new PickleError('too many names');
        memo.set(view.getUint32(need(4), true), stack[stack.length - 1]);
        break;
      case opcode.binGet:
      case opcode.longBinGet: {
        const key = code === opcode.binGet ? bytes[need(1)]! : view.getUint32(need(4), true);
        if (!memo.has(key)) throw new PickleError('a reference to nothing');
        push(memo.get(key));
        break;
      }
      case opcode.stop:
        return { value: pop(), end: at };
      default:
        throw new PickleError(`the instruction ${code} is not one that weights need`);
    }
  }
}

function called(target: unknown, args: unknown): unknown {
  const { global } = (target ?? {}) as Partial<PickledCall>;
  if (global === undefined || !Array.isArray(args)) throw new PickleError('a call of something that is no name');
  return global === 'collections.OrderedDict' ? new Map() : ({ global, args } satisfies PickledCall);
}

function appendTo(target: unknown, items: readonly unknown[]): void {
  if (!Array.isArray(target)) throw new PickleError('items without a list');
  target.push(...items);
}

/** A whole number of any length, least byte first; beyond 53 bits it is a BigInt. */
function readLong(bytes: Uint8Array, lengthAt: number, need: (count: number) => number): number | bigint {
  const length = bytes[lengthAt]!;
  const from = need(length);
  let value = 0n;
  for (let index = length - 1; index >= 0; index -= 1) value = (value << 8n) | BigInt(bytes[from + index]!);
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}
