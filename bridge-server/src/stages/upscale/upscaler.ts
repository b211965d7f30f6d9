import { AppError } from '#protocol/errors';
import { floatTensor, floatsOf, type Tensor } from '../../frame/tensor';
import { describeModel, fromModel, toModel } from '../../graph/model';
import type { Value } from '../../graph/value';
import { receptiveField } from '../../nets/receptive-field';
import type { NetSource } from '../../pipeline/stage';
import type { Net } from '../../runtime/runtime';

/**
 * A net that enlarges, with the geometry found by running it: it takes `tile + 2 pad` and gives `scale x tile`.
 * waifu2x nets convolve without padding inside, so what they lose at the border is fed to them as surroundings.
 */
export type Upscaler = {
  readonly name: string;
  readonly net: Net;
  readonly scale: number;
  readonly pad: number;
  /** Pixels of surroundings beyond `pad`, for nets that pad with zeros inside and so are wrong near a tile's edge. */
  readonly overlap: number;
  /** It gives what must be added to the picture enlarged by repeating pixels (Real-CUGAN 4x as ncnn has it). */
  readonly givesDifference: boolean;
  /** Sides and places of tiles are multiples of it. */
  readonly multiple: number;
  /** Whether it can be compiled for a size of tile. */
  readonly isReadable: boolean;
};

/** [3, height, width], 0..1 */
export type Planes = { readonly pixels: Float32Array; readonly width: number; readonly height: number };

export function createPlanes(width: number, height: number): Planes {
  return { pixels: new Float32Array(3 * width * height), width, height };
}

/** What enlarging needs of a stage's context. */
export type EnlargeContext = {
  readonly nets: NetSource;
  readonly signal: AbortSignal;
  /** Called after each tile with the share that is done. */
  readonly done: (share: number) => void;
};

/** Both are multiples of the steps of every usual net (strides, windows of transformers). */
const probeSides = [96, 128] as const;
/** waifu2x cunet halves its maps twice (methods 7.1). */
const validMultiple = 4;
/** Nets that pad inside tell nothing about their steps: 32 holds for windows of 8 and 16 and for five halvings. */
const paddedMultiple = 32;
/** Surroundings given to nets that pad inside, where they cannot be counted. */
const usualOverlap = 32;
/** Deep nets see hundreds of pixels far, and hardly look at the furthest: more than this would cost more than it mends. */
const mostOverlap = 64;

/** One tile through the net; `pixels` belongs to the net afterwards. */
export async function runNet(net: Net, pixels: Float32Array, width: number, height: number): Promise<Planes> {
  const [input, output] = [net.inputs[0].name, net.outputs[0].name];
  const out = await net.run(
    { [input]: floatTensor(pixels, [1, 3, height, width]) },
    { fetch: [output], give: [input] },
  );
  const tensor = out[output] as Tensor;
  return { pixels: floatsOf(tensor), width: tensor.dims[3], height: tensor.dims[2] };
}

const opened = new WeakMap<Net, Upscaler>();

/** @throws AppError NET_NOT_FOUND, NET_UNSUPPORTED when the net's output is no multiple of its input */
export async function openUpscaler(nets: NetSource, name: string): Promise<Upscaler> {
  const net = await nets.compiled(`upscale:${name}`, () => nets.bytes(name));
  const known = opened.get(net);
  if (known) return known;
  const probes: Planes[] = [];
  for (const side of probeSides)
    probes.push(await runNet(net, new Float32Array(3 * side * side).fill(0.5), side, side));
  const sides = probes.map(({ width }) => width);
  const scale = (sides[1] - sides[0]) / (probeSides[1] - probeSides[0]);
  const pad = (probeSides[0] - sides[0] / scale) / 2;
  if (!Number.isInteger(scale) || scale < 1 || !Number.isInteger(pad) || pad < 0)
    throw new AppError('NET_UNSUPPORTED', {
      name,
      what: `a picture of ${sides[0]} pixels for one of ${probeSides[0]}`,
    });
  const isPadded = pad === 0;
  const grey = probes[0].pixels.reduce((sum, value) => sum + value, 0) / probes[0].pixels.length;
  const probe = graphAt(await nets.bytes(name), name, probeSides[0], probeSides[0]);
  const field = probe && receptiveField(probe.output, probe.picture);
  const upscaler: Upscaler = {
    name,
    net,
    scale,
    pad,
    // Plain grey comes out as grey, or as no difference.
    givesDifference: Math.abs(grey) < 0.25,
    overlap: isPadded ? Math.min(mostOverlap, field ?? usualOverlap) : 0,
    multiple: isPadded ? paddedMultiple : validMultiple,
    isReadable: probe !== undefined,
  };
  opened.set(net, upscaler);
  return upscaler;
}

/**
 * The net compiled for one size of tile, so that it may be done in half precision; one with operators that are not known
 * here (a cubic Resize, say, for which the table of ops has no gradient) stays as it is: right, in single precision.
 */
export function openAt(up: Upscaler, nets: NetSource, width: number, height: number): Promise<Net> {
  if (!up.isReadable) return Promise.resolve(up.net);
  return nets.compiled(
    `upscale:${up.name}:${width}x${height}`,
    async () => {
      const { output } = graphAt(await nets.bytes(up.name), up.name, width, height) as NetGraph;
      return toModel({ outputs: { output } });
    },
    { mayHalve: true },
  );
}

type NetGraph = { readonly picture: Value; readonly output: Value };

/** @returns undefined for a net with operators that are not known here */
function graphAt(bytes: Uint8Array, name: string, width: number, height: number): NetGraph | undefined {
  const { inputs, outputs } = describeModel(bytes, name);
  const output = outputs[0].name;
  try {
    const net = fromModel(bytes, { name, layers: [output], inputDims: { [inputs[0].name]: [1, 3, height, width] } });
    return { picture: net.inputs[0], output: net.outputs[output] };
  } catch (error) {
    if (error instanceof AppError && error.code === 'NET_UNSUPPORTED') return undefined;
    throw error;
  }
}
