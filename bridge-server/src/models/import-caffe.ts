import { WireError } from '../graph/wire';
import { parseCaffeModel, type CaffeLayer } from './caffe-file';
import { CaffeLowering } from './caffe-lowering';
import { caffeRules } from './caffe-rules';
import { caffeBgr, damagedNet, unsupportedNet, type ImportedNet, type InputConvention } from './imported-net';

export type CaffeOptions = {
  readonly name: string;
  /** Blobs to give out, and nothing after them is read; those that nothing reads when absent. */
  readonly outputs?: readonly string[];
  readonly convention?: InputConvention;
};

/**
 * Turns a `.caffemodel` into ONNX: weights and topology from the binary alone, with free height and width (matrices
 * become convolutions). Blobs keep their names; one that a ReLU changes in place is named after the ReLU.
 * @throws AppError NET_UNKNOWN_FORMAT, NET_DAMAGED (naming the layer), NET_UNSUPPORTED (naming the layer and its type)
 * Source: caffe.proto and src/caffe/layers.
 */
export function importCaffe(bytes: Uint8Array, options: CaffeOptions): ImportedNet {
  const file = parseCaffeModel(bytes, options.name);
  const lowering = new CaffeLowering(options.name);
  for (const input of file.inputs) lowering.input(input.name, input.dims);
  const last = options.outputs && lastWriter(file.layers, options.outputs, options.name);
  for (const layer of file.layers.slice(0, last === undefined ? undefined : last + 1)) {
    const rule = Object.hasOwn(caffeRules, layer.type) ? caffeRules[layer.type] : undefined;
    if (!rule) throw unsupportedNet(options.name, `layers of type ${layer.type || 'without a name'} (${layer.name})`);
    try {
      rule(lowering, layer);
    } catch (error) {
      // Settings inside settings are read by the rule.
      if (error instanceof WireError) throw damagedNet(options.name, layer.name, error.message);
      throw error;
    }
  }
  const outputs = options.outputs ?? lowering.unread();
  if (outputs.length === 0 || lowering.draft.inputs.length === 0)
    throw damagedNet(options.name, 'the list of layers', 'it has no input or no output');
  for (const name of outputs) lowering.output(name);
  lowering.draft.prune();
  const kept = new Set(lowering.draft.nodes.flatMap(node => node.outputs));
  return {
    draft: lowering.draft,
    layers: lowering.layers().filter(layer => kept.has(layer.name)),
    multipleOf: 1,
    convention: options.convention ?? conventionOf(file.layers) ?? caffeBgr,
  };
}

/** Position of the layer that changes the last of the wanted blobs for the last time. */
function lastWriter(layers: readonly CaffeLayer[], outputs: readonly string[], net: string): number {
  const positions = outputs.map(name => layers.findLastIndex(layer => layer.tops.includes(name)));
  const missing = outputs.find((_, index) => positions[index] === -1);
  if (missing !== undefined) throw damagedNet(net, missing, 'no layer makes this blob');
  return Math.max(...positions);
}

/** Nets saved from training still carry what was done to the pictures. */
function conventionOf(layers: readonly CaffeLayer[]): InputConvention | undefined {
  const transform = layers.find(layer => layer.transform)?.transform;
  const mean = transform?.floats(5) ?? [];
  const scale = transform?.number(1, 1) ?? 1;
  if (mean.length !== 3 && scale === 1) return undefined;
  return { order: 'bgr', scale: 255 * scale, mean: (mean.length === 3 ? mean : [0, 0, 0]).map(value => value * scale) };
}
