import { FlatDamage } from './flat-table';
import {
  damagedNet,
  plainRgb,
  signedRgb,
  unsupportedNet,
  type ImportedNet,
  type InputConvention,
} from './imported-net';
import { parseTflite } from './tflite-file';
import { TfliteLowering } from './tflite-lowering';
import { tfliteNames, tfliteRules } from './tflite-rules';

export type TfliteOptions = {
  readonly name: string;
  /** Tensors to give out, by the file's (first) name, and what to call them; the file's own outputs when absent. */
  readonly outputs?: Readonly<Record<string, string>>;
  /** Name of the input. */
  readonly inputName?: string;
  readonly convention?: InputConvention;
};

const types = { float32: 0, uint8: 3, int8: 9 };

/**
 * Turns a TFLite convolution net, float or quantised, into ONNX: channels before rows, integers spelled out as floats.
 * @throws AppError NET_UNKNOWN_FORMAT, NET_DAMAGED (naming the tensor), NET_UNSUPPORTED (naming the operator)
 * Source: tensorflow/lite/schema/schema.fbs and tensorflow/lite/kernels.
 */
export function importTflite(bytes: Uint8Array, options: TfliteOptions): ImportedNet {
  const file = parseTflite(bytes, options.name);
  const [inputIndex] = file.inputs;
  if (file.inputs.length !== 1 || inputIndex === undefined || inputIndex < 0)
    throw unsupportedNet(options.name, `${file.inputs.length} inputs`);
  const lowering = new TfliteLowering(file, options.name);
  const input = file.tensors[inputIndex]!;
  if (input.shape.length !== 4)
    throw unsupportedNet(options.name, `an input of [${input.shape.join(', ')}] where a picture is meant`);
  lowering.input(input, options.inputName ?? 'input');

  const wanted = options.outputs && new Map(Object.entries(options.outputs));
  for (const operator of file.operators) {
    if (wanted && [...wanted.keys()].every(name => lowering.has(name))) break;
    const rule = Object.hasOwn(tfliteRules, operator.code) ? tfliteRules[operator.code] : undefined;
    if (!rule)
      throw unsupportedNet(
        options.name,
        `the operator ${tfliteNames[operator.code] ?? operator.code} (${lowering.placeOf(operator)})`,
      );
    try {
      rule(lowering, operator);
    } catch (error) {
      // Settings of an operator are read by its rule.
      if (error instanceof FlatDamage) throw damagedNet(options.name, lowering.placeOf(operator), error.message);
      throw error;
    }
  }

  const { draft } = lowering;
  const outputs: Iterable<readonly [string, string]> =
    wanted ?? file.outputs.map(index => [lowering.fileName(index), lowering.fileName(index)] as const);
  for (const [from, to] of outputs) {
    const value = lowering.named(from);
    if (!value) throw damagedNet(options.name, from, 'nothing computes this output');
    draft.rename(value.name, to);
    draft.output(to, lowering.outputDims(value, to));
  }
  draft.prune();
  return {
    draft,
    layers: lowering.layers().filter(layer => draft.nodes.some(node => node.outputs.includes(layer.name))),
    multipleOf: 1,
    convention: options.convention ?? guessConvention(input.type, input.quantization),
  };
}

/** A quantised input says itself what range its pixels are mapped to; a float one mostly means -1..1. */
function guessConvention(
  type: number,
  quantization: { scales: readonly number[]; zeroPoints: readonly number[] } | undefined,
): InputConvention {
  const [step] = quantization?.scales ?? [];
  if (type === types.float32 || step === undefined) return signedRgb;
  const lowest = type === types.int8 ? -128 : 0;
  const low = (lowest - (quantization?.zeroPoints[0] ?? 0)) * step;
  const scale = 255 * step;
  if (Math.abs(low) < step) return { ...plainRgb, scale: Math.abs(scale - 1) < 0.02 ? 1 : scale };
  // Steps of 1/128 stand for the usual x / 127.5 - 1.
  if (Math.abs(low + 1) < 0.02 && Math.abs(scale - 2) < 0.04) return signedRgb;
  return { order: 'rgb', scale, mean: [-low, -low, -low] };
}
