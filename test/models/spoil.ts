import { fieldsOf, WireError, type Field } from '../../bridge-server/src/graph/wire';

type Dice = (limit: number) => number;

/** Numbers that overflow, wrap around, divide by nothing or ask for all memory. */
const wildNumbers = [0, 1, 2, 3, 255, 65536, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53, -1, -2, -(2 ** 31)];
const wild = (dice: Dice): number => wildNumbers[dice(wildNumbers.length)];

/** A protobuf message (ONNX, caffemodel) with one thing in it, at any depth, wrong: a number, a text, a part too many or few. */
export function spoilMessage(bytes: Uint8Array, dice: Dice): Uint8Array {
  const fields: readonly Field[] = tryFields(bytes) ?? [];
  if (fields.length === 0) return Uint8Array.of(dice(256));
  const at = dice(fields.length);
  const field = fields[at];
  const parts = fields.map(encode);
  const isNumber = Number.isNaN(field.number) === false && field.bytes.length === 0;
  const other = fields[dice(fields.length)];
  if (isNumber && dice(4) > 0) parts[at] = encode({ ...field, number: wild(dice) });
  else if (!isNumber && tryFields(field.bytes) && dice(6) > 0)
    parts[at] = encode({ ...field, bytes: spoilMessage(field.bytes, dice) });
  else
    switch (dice(5)) {
      case 0:
        parts.splice(at, 1);
        break;
      case 1:
        parts.splice(at, 0, parts[at]);
        break;
      case 2:
        // Names of other things: what reads itself, or what is made twice.
        parts[at] = encode({ ...field, bytes: other.bytes, number: other.number });
        break;
      case 3:
        parts[at] = encode({ ...field, bytes: field.bytes.subarray(0, dice(field.bytes.length + 1)) });
        break;
      default:
        parts[at] = encode({
          ...field,
          bytes: Uint8Array.from(field.bytes, byte => (dice(8) === 0 ? dice(256) : byte)),
        });
    }
  return Buffer.concat(parts);
}

function tryFields(bytes: Uint8Array): Field[] | undefined {
  try {
    return fieldsOf(bytes);
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

function encode({ id, number, bytes }: Field): Uint8Array {
  if (Number.isNaN(number)) return Buffer.concat([varint(id * 8 + 2), varint(bytes.length), bytes]);
  if (bytes.length === 0) return Buffer.concat([varint(id * 8), varint(number)]);
  return Buffer.concat([varint(id * 8 + (bytes.length === 4 ? 5 : 1)), bytes]);
}

function varint(value: number): Uint8Array {
  const out: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(Math.trunc(value)));
  do {
    out.push(Number(rest & 127n) | (rest > 127n ? 128 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Uint8Array.from(out);
}

/** A text of words and numbers (ncnn) with one of them another, or a line too many or few. */
export function spoilText(text: string, dice: Dice): string {
  const lines = text.split('\n');
  const at = dice(lines.length);
  const words = lines[at].split(' ');
  const word = dice(words.length);
  const others = lines[dice(lines.length)].split(' ');
  switch (dice(5)) {
    case 0:
      lines.splice(at, 1);
      break;
    case 1:
      lines.splice(at, 0, lines[dice(lines.length)]);
      break;
    case 2:
      words[word] = others[dice(others.length)];
      lines[at] = words.join(' ');
      break;
    default:
      words[word] = words[word].replace(/-?\d+(?!.*\d)/, () => String(wild(dice)));
      lines[at] = words.join(' ');
  }
  return lines.join('\n');
}

/** A file of tables and offsets (TFLite) with one of its 32-bit numbers another. */
export function spoilTables(bytes: Uint8Array, dice: Dice): Uint8Array {
  const spoilt = bytes.slice();
  const view = new DataView(spoilt.buffer);
  const at = 4 * dice(Math.floor(bytes.length / 4));
  view.setInt32(at, dice(3) === 0 ? dice(bytes.length) : Number(BigInt.asIntN(32, BigInt(wild(dice)))), true);
  return spoilt;
}
