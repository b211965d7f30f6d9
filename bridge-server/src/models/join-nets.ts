import { describeModel } from '../graph/model';
import { concatenate, cutOut, fieldsOf, lengthPrefixed, text, type Field } from '../graph/wire';
import { sameDims } from '../graph/value';
import { findStylePorts } from '../nets/style-ports';
import { damagedNet, unsupportedNet } from './imported-net';

/** Fields of ONNX's messages that hold names. */
const graphField = 7;
const inGraph = { node: 1, initializer: 5, input: 11, output: 12, valueInfo: 13 } as const;
const inNode = { input: 1, output: 2, name: 3 } as const;
const nameOfTensor = 8;
const nameOfPort = 1;

/** Before every name of the net that reads style pictures, so that no two things have one name. */
const prefix = 'style/';

/**
 * One net out of a pair: what paints by a list of numbers, and what makes these of a style picture (Ghiasi et al.,
 * BMVC 2017). The joint net takes a content and a style picture.
 * @throws AppError NET_DAMAGED, NET_UNSUPPORTED when the two do not belong together
 */
export function joinNets(painter: Uint8Array, reader: Uint8Array, name: string): Uint8Array {
  const [paints, reads] = [describeModel(painter, name), describeModel(reader, name)];
  const code = findStylePorts(painter, paints)?.code;
  if (code === undefined)
    throw unsupportedNet(name, 'no input for a style as numbers, where another net shall make them');
  if (reads.inputs.length !== 1 || reads.outputs.length !== 1 || reads.inputs[0].dims.length !== 4)
    throw unsupportedNet(name, 'a net for style pictures that does not make one list of numbers of one picture');
  const [made, taken] = [reads.outputs[0].dims, code.dims].map(dims => dims.filter(dim => typeof dim === 'number'));
  if (made.length === taken.length && !sameDims(made, taken))
    throw unsupportedNet(
      name,
      `${taken.join(' x ')} numbers for a style, where the other net makes ${made.join(' x ')}`,
    );
  if (paints.opset !== reads.opset)
    throw unsupportedNet(name, `two versions of the ONNX operators (${paints.opset} and ${reads.opset}) at once`);
  const rename = (old: string) => (old === '' ? '' : old === reads.outputs[0].name ? code.name : `${prefix}${old}`);
  const [whole, other] = [painter, reader].map(model => graphOf(model, name));
  const parts = fieldsOf(whole.bytes);
  const isCode = (part: Field) => part.id === inGraph.input && nameIn(part, nameOfPort) === code.name;
  const graph = concatenate([...renamedParts(other, rename), cutOut(whole.bytes, parts.filter(isCode))]);
  return concatenate([cutOut(painter, [whole]), lengthPrefixed(graphField, graph), graph]);
}

function graphOf(model: Uint8Array, name: string): Field {
  const graph = fieldsOf(model).find(field => field.id === graphField);
  if (!graph) throw damagedNet(name, 'the model', 'no graph');
  return graph;
}

const nameIn = (part: Field, id: number): string =>
  fieldsOf(part.bytes)
    .filter(field => field.id === id)
    .map(text)[0] ?? '';

/** Everything that the style's net adds to the other's graph: all but its output. */
function renamedParts(graph: Field, rename: (name: string) => string): Uint8Array[] {
  return fieldsOf(graph.bytes).flatMap(part => {
    switch (part.id) {
      case inGraph.node:
        return written(part.id, renamed(part.bytes, [inNode.input, inNode.output, inNode.name], rename));
      case inGraph.initializer:
        return written(part.id, renamed(part.bytes, [nameOfTensor], rename));
      case inGraph.input:
      case inGraph.valueInfo:
        return written(part.id, renamed(part.bytes, [nameOfPort], rename));
      default:
        return [];
    }
  });
}

const written = (id: number, bytes: Uint8Array): Uint8Array[] => [lengthPrefixed(id, bytes), bytes];

function renamed(message: Uint8Array, ids: readonly number[], rename: (name: string) => string): Uint8Array {
  const names = fieldsOf(message).filter(field => ids.includes(field.id));
  const after = names.flatMap(field => written(field.id, new TextEncoder().encode(rename(text(field)))));
  return concatenate([cutOut(message, names), ...after]);
}
