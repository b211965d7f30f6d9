import type { Frame } from '../../frame/frame';
import { floatTensor, floatsOf, type Tensor } from '../../frame/tensor';
import type { NetSource } from '../../pipeline/stage';
import type { Net, TensorInfo } from '../../runtime/runtime';
import { AppError } from '#protocol/errors';
import { resizePlanes } from '../resize';
import { resizeFlow, warpBackward, type Size } from '../warp';
import { assertSameSize } from './dis';

/** What a net that looks at two pictures gives back. */
export type PairNet = {
  readonly net: Net;
  readonly first: string;
  readonly second: string;
  /** Input for the moment between the two pictures, if it has one. */
  readonly time?: TensorInfo;
  readonly output: string;
  /** `flow`: 2 channels, motion from the first picture to the second. `flows`: 4, from the moment to either. `frame`: 3, the picture itself. */
  readonly gives: 'flow' | 'flows' | 'frame';
  /** The one size that it takes, if it takes one only. */
  readonly fixed?: Size;
  /** Blue first. */
  readonly bgr?: boolean;
};

/**
 * Finds out by its shapes what a net with two picture inputs is: RAFT and its kin, RIFE and its kin, or an imported one.
 * @throws AppError NET_UNSUPPORTED when it is none of these
 */
export function describePairNet(net: Net, name: string): PairNet {
  const pictures = net.inputs.filter(
    input => input.dims.length === 4 && (input.dims[1] === 3 || typeof input.dims[1] === 'string'),
  );
  const time = net.inputs.find(input => !pictures.includes(input));
  if (pictures.length !== 2 || net.inputs.length - pictures.length > 1) {
    throw new AppError('NET_UNSUPPORTED', { name, what: `${net.inputs.length} inputs instead of two pictures` });
  }
  const channels = (info: TensorInfo) => (info.dims.length === 4 ? info.dims[1] : undefined);
  // Full size first: RAFT's `flow_low` has two channels as well.
  const byName = (wanted: RegExp) => net.outputs.filter(output => wanted.test(output.name));
  const flow =
    byName(/flow/i)
      .filter(output => channels(output) === 2)
      .sort((a, b) => a.name.length - b.name.length)[0] ?? net.outputs.find(output => channels(output) === 2);
  const flows = net.outputs.find(output => channels(output) === 4);
  const frame = net.outputs.find(output => channels(output) === 3) ?? (time ? net.outputs[0] : undefined);
  const [height, width] = [pictures[0].dims[2], pictures[0].dims[3]];
  const base = {
    net,
    first: pictures[0].name,
    second: pictures[1].name,
    ...(time ? { time } : {}),
    ...(typeof height === 'number' && typeof width === 'number' && height > 0 && width > 0
      ? { fixed: { width, height } }
      : {}),
  };
  if (flow) return { ...base, output: flow.name, gives: 'flow' };
  if (flows) return { ...base, output: flows.name, gives: 'flows' };
  if (frame) return { ...base, output: frame.name, gives: 'frame' };
  throw new AppError('NET_UNSUPPORTED', { name, what: 'no output of 2, 3 or 4 channels' });
}

/** @throws AppError NET_NOT_FOUND, NET_UNSUPPORTED, NET_LOAD_FAILED */
export async function openPairNet(nets: NetSource, name: string): Promise<PairNet> {
  const pair = describePairNet(await nets.compiled(`pair:${name}`, () => nets.bytes(name)), name);
  return { ...pair, bgr: (await nets.convention(name)).order === 'bgr' };
}

/** Sides that every known net of this kind takes: RAFT wants multiples of 8 and at least 128, RIFE multiples of 32. */
const multiple = { flow: 8, flows: 32, frame: 32 } as const;
const leastSide = 128;

type Prepared = { readonly planes: Float32Array; readonly size: Size };

/** To the size that the net takes: by repeating the edge, or by resampling where the net knows one size only. */
function prepare(rgb: Float32Array, from: Size, pair: PairNet, scale: number): Prepared {
  const planes = pair.bgr ? turned(rgb) : rgb;
  if (pair.fixed) {
    const { width, height } = pair.fixed;
    return { planes: scaled(resizePlanes(planes, 3, from.width, from.height, width, height), scale), size: pair.fixed };
  }
  const step = multiple[pair.gives];
  const round = (side: number) => Math.max(leastSide, Math.ceil(side / step) * step);
  const size = { width: round(from.width), height: round(from.height) };
  const out = new Float32Array(3 * size.width * size.height);
  const [left, top] = offsets(from, size);
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < size.height; y++) {
      const row = c * from.width * from.height + Math.min(from.height - 1, Math.max(0, y - top)) * from.width;
      const to = (c * size.height + y) * size.width;
      for (let x = 0; x < size.width; x++)
        out[to + x] = planes[row + Math.min(from.width - 1, Math.max(0, x - left))] * scale;
    }
  }
  return { planes: out, size };
}

/** The first and the last of three planes exchanged. */
function turned(planes: Float32Array): Float32Array {
  const area = planes.length / 3;
  const out = new Float32Array(planes.length);
  for (let c = 0; c < 3; c++) out.set(planes.subarray(c * area, (c + 1) * area), (2 - c) * area);
  return out;
}

function scaled(planes: Float32Array, scale: number): Float32Array {
  return scale === 1 ? planes : planes.map(value => value * scale);
}

function offsets(from: Size, to: Size): [number, number] {
  return [(to.width - from.width) >> 1, (to.height - from.height) >> 1];
}

/** Cuts the padding off again. */
function crop(planes: Float32Array, channels: number, from: Size, to: Size): Float32Array {
  const [left, top] = offsets(from, to);
  const out = new Float32Array(channels * from.width * from.height);
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < from.height; y++) {
      const row = (c * to.height + y + top) * to.width + left;
      out.set(planes.subarray(row, row + from.width), (c * from.height + y) * from.width);
    }
  }
  return out;
}

function timeTensor(info: TensorInfo, time: number, size: Size): Tensor {
  const dims = info.dims.map((dim, i) =>
    typeof dim === 'number' && dim > 0 ? dim : i === 2 ? size.height : i === 3 ? size.width : 1,
  );
  return floatTensor(new Float32Array(dims.reduce((a, b) => a * b, 1)).fill(time), dims);
}

async function runPair(
  pair: PairNet,
  a: Prepared,
  b: Prepared,
  time: number,
): Promise<{ data: Float32Array; channels: number; size: Size }> {
  const dims = [1, 3, a.size.height, a.size.width];
  const feeds: Record<string, Tensor> = {
    [pair.first]: floatTensor(a.planes, dims),
    [pair.second]: floatTensor(b.planes, dims),
  };
  if (pair.time) feeds[pair.time.name] = timeTensor(pair.time, time, a.size);
  const output = (await pair.net.run(feeds, { fetch: [pair.output] }))[pair.output] as Tensor;
  return { data: floatsOf(output), channels: output.dims[1], size: { width: output.dims[3], height: output.dims[2] } };
}

/** RAFT's kin take 0..255, RIFE's 0..1; of an imported net nobody knows, so both are tried on the first pair. */
const scaleByInput: Readonly<Record<string, number>> = { image1: 255, img0: 1 };

/** How well a motion explains `a` by `b`: mean absolute difference. */
function mismatch(a: Frame, b: Frame, flow: Float32Array): number {
  const { image, inside } = warpBackward(b.rgb, flow, a);
  let sum = 0;
  let count = 0;
  for (let p = 0; p < inside.length; p++) {
    if (inside[p] === 0) continue;
    for (let c = p; c < image.length; c += inside.length) sum += Math.abs(image[c] - a.rgb[c]);
    count++;
  }
  return count === 0 ? Infinity : sum / count;
}

/** Motion to either picture from the moment in the middle, as one: from the first to the second. */
function acrossTheMiddle(flows: Float32Array): Float32Array {
  const half = flows.length / 2;
  return Float32Array.from({ length: half }, (_, i) => flows[half + i] - flows[i]);
}

/**
 * Full motion as it stands in the middle, carried back onto the first picture: F(p) = M(p + F(p) / 2). RIFE has learned
 * moments between two pictures; asked for those at the ends it gives nonsense.
 */
function fromTheMiddle(middle: Float32Array, size: Size): Float32Array {
  let flow = middle;
  for (let i = 0; i < 4; i++)
    flow = warpBackward(
      middle,
      flow.map(value => value / 2),
      size,
    ).image;
  return flow;
}

export type NetFlow = {
  /** Motion from `a` to `b`, [2, H, W]. */
  oneWay(a: Frame, b: Frame): Promise<Float32Array>;
};

/**
 * Flow by a net, for pictures of any size.
 * @throws AppError NET_NOT_FOUND, NET_UNSUPPORTED when the net makes pictures but no flow
 */
export async function openNetFlow(nets: NetSource, name: string): Promise<NetFlow> {
  const pair = await openPairNet(nets, name);
  if (pair.gives === 'frame')
    throw new AppError('NET_UNSUPPORTED', { name, what: 'pictures as its output, not motion' });
  let scale = scaleByInput[pair.first];

  const run = async (a: Frame, b: Frame, by: number): Promise<Float32Array> => {
    const from = { width: a.width, height: a.height };
    const [pa, pb] = [prepare(a.rgb, from, pair, by), prepare(b.rgb, from, pair, by)];
    const { data, channels, size } = await runPair(pair, pa, pb, 0.5);
    const flow = channels === 4 ? acrossTheMiddle(data) : data;
    const full = resizeFlow(flow, size, pa.size);
    return pair.fixed ? resizeFlow(full, pa.size, from) : crop(full, 2, from, pa.size);
  };
  const oneWay = async (a: Frame, b: Frame, by: number) => {
    const flow = await run(a, b, by);
    return pair.gives === 'flows' ? fromTheMiddle(flow, a) : flow;
  };

  return {
    async oneWay(a, b) {
      assertSameSize(a, b);
      if (scale === undefined) {
        const [as255, as1] = [await oneWay(a, b, 255), await oneWay(a, b, 1)];
        const [wrong255, wrong1] = [mismatch(a, b, as255), mismatch(a, b, as1)];
        // Two frames alike decide nothing: ask again with the next pair.
        if (wrong1 < 0.9 * wrong255) scale = 1;
        else if (wrong255 < 0.9 * wrong1) scale = 255;
        return wrong1 < wrong255 ? as1 : as255;
      }
      return oneWay(a, b, scale);
    },
  };
}

/**
 * A frame between two others, made by a net such as RIFE.
 * @param time 0 at `a`, 1 at `b`
 * @throws AppError NET_NOT_FOUND, NET_UNSUPPORTED
 */
export async function openInterpolator(
  nets: NetSource,
  name: string,
): Promise<(a: Frame, b: Frame, time: number) => Promise<Float32Array>> {
  const pair = await openPairNet(nets, name);
  if (pair.gives !== 'frame')
    throw new AppError('NET_UNSUPPORTED', { name, what: 'motion as its output, not pictures' });
  const scale = scaleByInput[pair.first] ?? 1;
  return async (a, b, time) => {
    assertSameSize(a, b);
    const from = { width: a.width, height: a.height };
    const [pa, pb] = [prepare(a.rgb, from, pair, scale), prepare(b.rgb, from, pair, scale)];
    const { data, size } = await runPair(pair, pa, pb, time);
    const picture = pair.fixed
      ? resizePlanes(data, 3, size.width, size.height, from.width, from.height)
      : crop(data, 3, from, size);
    const rgb = pair.bgr ? turned(picture) : picture;
    return rgb.map(value => Math.min(1, Math.max(0, value / scale)));
  };
}
