import { concatenate, cutOut, fieldsOf, lengthPrefixed, text, type Field } from '../graph/wire';
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
