import { fieldsOf, text, type Field } from '../graph/wire';
import { damagedNet, unsupportedNet } from './imported-net';

const graphField = 7;
const outputField = 12;

/**
 * The same model with only some of its outputs: what leads to the others alone is then not computed. Every other byte
 * stays as it is.
 * @throws AppError NET_DAMAGED, NET_UNSUPPORTED when an output is not there
 */
export function keepOutputs(model: Uint8Array, names: readonly string[], net: string): Uint8Array {
  const fields = fieldsOf(model);
  const graph = fields.find(field => field.id === graphField);
  if (!graph) throw damagedNet(net, 'the model', 'no graph');
  const parts = fieldsOf(graph.bytes);
  const nameOf = (output: Field): string =>
    fieldsOf(output.bytes)
      .filter(field => field.id === 1)
      .map(text)[0] ?? '';
  const outputs = parts.filter(part => part.id === outputField);
  const missing = names.find(name => !outputs.some(output => nameOf(output) === name));
  if (missing !== undefined) throw unsupportedNet(net, `no output named ${missing}`);
  const dropped = outputs.filter(output => !names.includes(nameOf(output)));
  if (dropped.length === 0) return model;
  const kept = cutOut(graph.bytes, dropped);
  return concatenate([cutOut(model, [graph]), lengthPrefixed(graphField, kept), kept]);
}

/** The message without some of its fields, each with its tag and length. */
function cutOut(message: Uint8Array, fields: readonly Field[]): Uint8Array {
  const pieces: Uint8Array[] = [];
  let from = 0;
  for (const field of fields) {
    const start = field.bytes.byteOffset - message.byteOffset;
    pieces.push(message.subarray(from, start - lengthPrefixed(field.id, field.bytes).length));
    from = start + field.bytes.length;
  }
  pieces.push(message.subarray(from));
  return concatenate(pieces);
}

/** Tag and length of a field with bytes, as every protobuf writer puts them: in as few bytes as they take. */
function lengthPrefixed(id: number, bytes: Uint8Array): Uint8Array {
  return Uint8Array.from([...varint(id * 8 + 2), ...varint(bytes.length)]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest = Math.floor(rest / 128);
  }
  return [...bytes, rest];
}

function concatenate(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
