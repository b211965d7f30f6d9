import { readFile, stat } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { AppError } from '#protocol/errors';
import type { NetInfo } from '#protocol/messages';
import { describeModel, fromModel, type ModelDescription, type ReadModel } from '../graph/model';
import { findStylePorts, type StylePorts } from '../nets/style-ports';
import { importCaffe } from './import-caffe';
import { importNcnn } from './import-ncnn';
import { importTflite } from './import-tflite';
import { joinNets } from './join-nets';
import { buildRaftSmall, isRaftSmall } from './raft-small';
import { parseTorch } from './torch-file';
import {
  caffeBgr,
  plainRgb,
  unsupportedNet,
  type ImportedNet,
  type InputConvention,
  type NetLayer,
} from './imported-net';

/** What was found in a file of any format: the net as ONNX, and everything that can be said without running it. */
export type FoundNet = {
  readonly name: string;
  readonly format: 'ONNX' | 'Caffe' | 'ncnn' | 'TFLite' | 'PyTorch';
  readonly model: Uint8Array;
  readonly description: ModelDescription;
  readonly layers: readonly NetLayer[];
  readonly multipleOf: number;
  readonly convention: InputConvention;
  /** Why this convention is taken. */
  readonly conventionReason: string;
  readonly uses: NetInfo['uses'];
  /** What keeps the net from being differentiated (style by optimisation, dreams); it can still be run. */
  readonly obstacle?: string;
};

export type ReadNetOptions = {
  /** Instead of a guess. */
  readonly convention?: InputConvention;
  /** Values to give out; what follows them is left out (Caffe). */
  readonly outputs?: readonly string[];
  /** The other file of a pair: one net paints by numbers, the other makes them of a style picture. */
  readonly styleNet?: string;
};

const mostBytes = 2 ** 31 - 1;
/** A side that every net with steps of up to 32 takes, and that classifiers expect. */
export const probeSide = 224;

/**
 * Reads a net of any format that Reverie knows, by its ending.
 * @throws AppError FILE_NOT_FOUND, FILE_UNREADABLE, NET_UNKNOWN_FORMAT, NET_DAMAGED, NET_UNSUPPORTED
 */
export async function readNetFile(path: string, name: string, options: ReadNetOptions = {}): Promise<FoundNet> {
  const { styleNet, ...others } = options;
  const net = await readOneFile(path, name, others);
  if (styleNet === undefined) return net;
  const other = await readOneFile(styleNet, name, {});
  // Whoever brings two files need not know which is which.
  const takesCode = findStylePorts(net.model, net.description)?.code !== undefined;
  const [painter, reader] = takesCode ? [net, other] : [other, net];
  return { ...foundOnnx(joinNets(painter.model, reader.model, name), name, others), format: net.format };
}

async function readOneFile(path: string, name: string, options: ReadNetOptions): Promise<FoundNet> {
  switch (extname(path).toLowerCase()) {
    case '.onnx':
      return foundOnnx(await contents(path), name, options);
    case '.caffemodel':
      return foundImport(
        importCaffe(await contents(path), { name, ...options }),
        'Caffe',
        name,
        options,
        'Caffe nets are trained on BGR, 0 to 255, less the mean of ImageNet.',
      );
    case '.tflite':
      return foundImport(
        importTflite(await contents(path), { name, convention: options.convention }),
        'TFLite',
        name,
        options,
        'The range of the input is that of its quantisation, or -1 to 1.',
      );
    case '.param':
    case '.bin': {
      const stem = path.slice(0, -extname(path).length);
      const [param, bin] = [await contents(`${stem}.param`), await contents(`${stem}.bin`)];
      const inputChannels = guessInputChannels(new TextDecoder().decode(param));
      const net = importNcnn(new TextDecoder().decode(param), bin, {
        name,
        convention: options.convention,
        inputChannels,
      });
      return foundImport(net, 'ncnn', name, options, 'Nets for ncnn that draw pictures take RGB, 0 to 1.');
    }
    case '.pth':
    case '.pt': {
      const weights = parseTorch(await contents(path), name);
      if (!isRaftSmall(weights))
        throw unsupportedNet(name, 'weights without their net: of PyTorch files only RAFT (small) is known');
      return foundImport(buildRaftSmall(weights, { name }), 'PyTorch', name, options, 'RAFT takes RGB, 0 to 255.');
    }
    default:
      throw new AppError('NET_UNKNOWN_FORMAT', {
        path: basename(path),
        problem: `the ending "${extname(path)}" is not one of .onnx, .caffemodel, .param, .bin, .tflite, .pth`,
      });
  }
}

/** A name for the catalogue out of a file's: "My Net v2.ONNX" becomes "my-net-v2". */
export function nameForFile(path: string): string {
  const stem = basename(path, extname(path)).toLowerCase();
  return (
    stem
      .replace(/[^a-z0-9._-]+/g, '-')
      .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '')
      .slice(0, 100) || 'net'
  );
}

async function contents(path: string): Promise<Uint8Array> {
  const info = await stat(path).catch((error: { code?: string; message: string }) => {
    if (error.code === 'ENOENT') throw new AppError('FILE_NOT_FOUND', { path: basename(path) }, { cause: error });
    throw new AppError('FILE_UNREADABLE', { path: basename(path), problem: error.message }, { cause: error });
  });
  if (!info.isFile()) throw new AppError('FILE_UNREADABLE', { path: basename(path), problem: 'it is not a file' });
  if (info.size > mostBytes)
    throw new AppError('NET_UNKNOWN_FORMAT', { path: basename(path), problem: 'it is larger than 2 GiB' });
  return readFile(path).catch((error: Error) => {
    throw new AppError('FILE_UNREADABLE', { path: basename(path), problem: error.message }, { cause: error });
  });
}

/** RIFE's files do not say how many channels their inputs have: two pictures and a plane with the time. */
function guessInputChannels(param: string): Record<string, number> {
  return /^rife\.Warp\s/m.test(param) ? { in2: 1 } : {};
}

function foundImport(
  net: ImportedNet,
  format: FoundNet['format'],
  name: string,
  options: ReadNetOptions,
  reason: string,
): FoundNet {
  const model = net.draft.toBytes();
  const description = describeModel(model, name);
  const read = tryRead(model, name, description);
  return {
    name,
    format,
    model,
    description,
    layers: net.layers,
    multipleOf: net.multipleOf,
    convention: net.convention,
    conventionReason: options.convention ? 'It is known for this net.' : reason,
    uses: usesOf(description, read, findStylePorts(model, description)),
    obstacle: read.obstacle,
  };
}

function foundOnnx(model: Uint8Array, name: string, options: ReadNetOptions): FoundNet {
  const description = describeModel(model, name);
  const read = tryRead(model, name, description);
  const ports = findStylePorts(model, description);
  const guess = guessConvention(description, ports);
  return {
    name,
    format: 'ONNX',
    model,
    description,
    layers: read.found ? layersOf(description, read.found) : [],
    multipleOf: read.found ? findMultiple(model, name, description, read.found) : 1,
    convention: options.convention ?? guess.convention,
    conventionReason: options.convention ? 'It is known for this net.' : guess.reason,
    uses: usesOf(description, read, ports),
    obstacle: read.obstacle,
  };
}

type Attempt = { readonly found?: ReadModel; readonly obstacle?: string };

/** Sizes for inputs that the file leaves open: pictures get `side`, everything else one. */
export function probeDims(description: ModelDescription, side = probeSide): Record<string, number[]> {
  return Object.fromEntries(
    description.inputs.map(({ name, dims }) => [
      name,
      dims.map((dim, axis) => {
        if (typeof dim === 'number') return dim;
        if (dims.length !== 4 || axis === 0) return 1;
        const channels = dims[3] === 3 && dims[1] !== 3 ? 3 : 1;
        return axis === channels ? 3 : side;
      }),
    ]),
  );
}

/** Damage is passed on; an operator without a rule only means that the net cannot be differentiated. */
function tryRead(model: Uint8Array, name: string, description: ModelDescription): Attempt {
  try {
    return { found: fromModel(model, { name, inputDims: probeDims(description) }) };
  } catch (error) {
    if (error instanceof AppError && error.code === 'NET_UNSUPPORTED')
      return { obstacle: String(error.details.what ?? error.message) };
    throw error;
  }
}

function layersOf(description: ModelDescription, read: ReadModel): NetLayer[] {
  const inputs = new Set(read.inputs.map(input => input.name));
  return description.layers.flatMap(name => {
    const value = read.values.get(name);
    const isMap =
      value && value.op !== 'Constant' && value.type === 'float32' && value.dims.length === 4 && !inputs.has(name);
    return isMap ? [{ name, channels: value.dims[1]! }] : [];
  });
}

const multiples = [1, 2, 4, 8, 16, 32, 64];

/** The smallest step of sides at which the net works and keeps the proportion of input and output. */
function findMultiple(model: Uint8Array, name: string, description: ModelDescription, read: ReadModel): number {
  const isOpen = description.inputs.some(({ dims }) => dims.length === 4 && typeof dims[2] !== 'number');
  const drawn = Object.entries(read.outputs).find(([, value]) => value.dims.length === 4 && value.dims[2]! > 8);
  if (!isOpen || !drawn || !drawsPicture(read)) return 1;
  const factor = drawn[1].dims[2]! / probeSide;
  if (!Number.isInteger(factor)) return 1;
  const works = (multiple: number): boolean => {
    // An odd number of steps, so that a larger step would not fit by chance.
    const side = multiple * (2 * Math.ceil(48 / multiple) + 1);
    try {
      const { outputs } = fromModel(model, { name, inputDims: probeDims(description, side) });
      return outputs[drawn[0]]?.dims[2] === factor * side;
    } catch {
      return false;
    }
  };
  return multiples.find(works) ?? 1;
}

function drawsPicture(read: ReadModel): boolean {
  return Object.values(read.outputs).some(
    ({ dims }) => dims.length === 4 && dims[1]! <= 4 && dims[2]! >= probeSide / 2,
  );
}

function usesOf(description: ModelDescription, { found }: Attempt, ports: StylePorts | undefined): NetInfo['uses'] {
  const pictures = description.inputs.filter(
    ({ dims }) => dims.length === 4 && (dims[1] === 3 || typeof dims[1] !== 'number'),
  );
  const openDims = (dims: readonly (number | string)[]): (number | string | undefined)[] => [dims[1], dims[2]];
  const outputs = found
    ? Object.values(found.outputs).map(({ dims }) => dims as readonly (number | string)[])
    : description.outputs.map(({ dims }) => dims);
  const drawn = outputs.find(dims => dims.length === 4 && dims[1] === 3);
  const motion = outputs.find(dims => dims.length === 4 && (dims[1] === 2 || dims[1] === 4));
  // Paints by numbers that no picture gives: another net has to be imported with it.
  if (ports?.code) return [];
  if (ports?.style) {
    const channels = ports.content.channelsLast ? 3 : 1;
    return outputs.some(dims => dims.length === 4 && dims[channels] === 3) ? ['style-fast'] : [];
  }
  if (pictures.length > 1) return motion || drawn ? ['flow'] : [];
  if (drawn && pictures.length === 1) {
    const [, height] = openDims(drawn);
    if (ports?.strength || (description.ops.InstanceNormalization ?? 0) > 0) return ['style-fast'];
    return typeof height === 'number' && height < 1.2 * probeSide ? ['upscale', 'style-fast'] : ['upscale'];
  }
  return found && pictures.length === 1 ? ['style-features', 'dream'] : [];
}

/** What names and operators tell about the pictures that a net was trained on. */
function guessConvention(
  description: ModelDescription,
  ports: StylePorts | undefined,
): { convention: InputConvention; reason: string } {
  const [input] = description.inputs;
  const pixels: InputConvention = { order: 'rgb', scale: 255, mean: [0, 0, 0] };
  const outputs = description.outputs;
  if (input && /^(data|data_0)$/.test(input.name))
    return {
      convention: caffeBgr,
      reason: `An input named "${input.name}" is Caffe's: BGR, 0 to 255, less the mean of ImageNet.`,
    };
  if (description.inputs.some(({ name }) => /^image[12]$/.test(name)))
    return { convention: pixels, reason: 'Inputs named image1 and image2 are those of RAFT: RGB, 0 to 255.' };
  const draws = outputs.some(({ dims }) => dims.length === 4 && (dims[1] === 3 || typeof dims[1] === 'string'));
  if (draws && (description.ops.InstanceNormalization ?? 0) > 0 && description.inputs.length === 1) {
    return {
      convention: pixels,
      reason: 'A net that draws with instance normalisation is a fast-neural-style net: RGB, 0 to 255.',
    };
  }
  if (ports?.style) return { convention: plainRgb, reason: 'Nets that are shown a style picture take RGB, 0 to 1.' };
  if (/MobilenetV[12]/.test(description.layers.join(' ')))
    return {
      convention: { order: 'rgb', scale: 2, mean: [1, 1, 1] },
      reason: "Layers named MobilenetV… are TensorFlow's: RGB, -1 to 1.",
    };
  if (/pytorch/i.test(description.producer) && outputs.some(({ dims }) => dims.length === 2)) {
    // One deviation for the three channels, the mean of torchvision's.
    const deviation = 0.226;
    return {
      convention: { order: 'rgb', scale: 1 / deviation, mean: [0.485, 0.456, 0.406].map(mean => mean / deviation) },
      reason: 'A classifier from PyTorch takes RGB less the mean of ImageNet, divided by its deviation.',
    };
  }
  return { convention: plainRgb, reason: 'Nothing says otherwise: RGB, 0 to 1.' };
}
