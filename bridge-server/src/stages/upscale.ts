import { AppError } from '#protocol/errors';
import type { Frame } from '../frame/frame';
import { floatTensor, floatsOf, type Tensor } from '../frame/tensor';
import type { NetSource, Stage, StageContext } from '../pipeline/stage';
import type { Net } from '../runtime/runtime';
import { resizeFrame } from './resize';
import { cutTile, placeTile, planTiles, turn, turnBack } from './tiles';

export type UpscaleStageParams = {
  /** Catalogue names: `enlarge` doubles (or more), `clean` removes noise at the same size. Either may be absent. */
  readonly enlarge?: string;
  readonly clean?: string;
  readonly tta: boolean;
  /** 0 chooses by memory. */
  readonly tilePx: number;
  /** Final size, reached by repetition and then exactly by Lanczos. */
  readonly width: number;
  readonly height: number;
};

/**
 * A net that enlarges, with the geometry found by running it: it takes `tile + 2 pad` and gives `scale x tile`.
 * waifu2x nets convolve without padding inside, so what they lose at the border is fed to them as surroundings.
 */
type Upscaler = {
  readonly net: Net;
  readonly scale: number;
  readonly pad: number;
  /** Pixels of surroundings beyond `pad`, for nets that pad with zeros inside and so are wrong near a tile's edge. */
  readonly overlap: number;
};

/** Tiles of waifu2x cunet must be multiples of 4 (methods 7.1); the probe sizes are too. */
const tileMultiple = 4;
const probeSides = [96, 128] as const;
/** Surroundings given to nets that pad inside: more than the receptive field of the usual residual nets' last layers. */
const innerPaddingOverlap = 24;
/** Activations of upconv_7 and cunet at full size take about this much per input pixel (engine reference, section 7). */
const bytesPerPixel = 2600;
const tileMemoryBytes = 900e6;

async function runOn(net: Net, pixels: Float32Array, width: number, height: number): Promise<{ pixels: Float32Array; width: number; height: number }> {
  const out = await net.run({ [net.inputs[0].name]: floatTensor(pixels, [1, 3, height, width]) }, { fetch: [net.outputs[0].name] });
  const tensor = out[net.outputs[0].name] as Tensor;
  return { pixels: floatsOf(tensor), width: tensor.dims[3], height: tensor.dims[2] };
}

const opened = new WeakMap<Net, Upscaler>();

async function openUpscaler(nets: NetSource, name: string): Promise<Upscaler> {
  const net = await nets.compiled(`upscale:${name}`, () => nets.bytes(name));
  const known = opened.get(net);
  if (known) return known;
  const sides: number[] = [];
  for (const side of probeSides) sides.push((await runOn(net, new Float32Array(3 * side * side).fill(0.5), side, side)).width);
  const scale = (sides[1] - sides[0]) / (probeSides[1] - probeSides[0]);
  const pad = (probeSides[0] - sides[0] / scale) / 2;
  if (!Number.isInteger(scale) || scale < 1 || !Number.isInteger(pad) || pad < 0) {
    throw new AppError('NET_UNSUPPORTED', { name, what: `a picture of ${sides[0]} pixels for one of ${probeSides[0]}` });
  }
  const upscaler = { net, scale, pad, overlap: pad === 0 ? innerPaddingOverlap : 0 };
  opened.set(net, upscaler);
  return upscaler;
}

function tileSide(wanted: number): number {
  return wanted > 0 ? wanted : Math.floor(Math.sqrt(tileMemoryBytes / bytesPerPixel) / tileMultiple) * tileMultiple;
}

/** [3, H, W] through the net, tile by tile. The result does not depend on the tile size but for rounding. */
async function enlarge(up: Upscaler, rgb: Float32Array, width: number, height: number, params: UpscaleStageParams, signal: AbortSignal): Promise<Float32Array> {
  const border = up.pad + up.overlap;
  const out = new Float32Array(3 * width * up.scale * height * up.scale);
  for (const tile of planTiles(width, height, tileSide(params.tilePx), tileMultiple)) {
    signal.throwIfAborted();
    const input = cutTile(rgb, 3, width, height, tile, border);
    const [inWidth, inHeight] = [tile.width + 2 * border, tile.height + 2 * border];
    const sum = new Float32Array(3 * tile.width * up.scale * tile.height * up.scale);
    const ways = params.tta ? 8 : 1;
    for (let way = 0; way < ways; way++) {
      const transposed = (way & 4) !== 0;
      const turned = way === 0 ? input : turn(input, 3, inWidth, inHeight, way);
      const result = await runOn(up.net, turned, transposed ? inHeight : inWidth, transposed ? inWidth : inHeight);
      const straight = way === 0 ? result.pixels : turnBack(result.pixels, 3, result.width, result.height, way);
      addCropped(sum, straight, tile.width * up.scale, tile.height * up.scale, up.overlap * up.scale, 1 / ways);
    }
    placeTile(out, 3, width * up.scale, height * up.scale, tile, sum, up.scale);
  }
  for (let i = 0; i < out.length; i++) out[i] = Math.min(1, Math.max(0, out[i]));
  return out;
}

function addCropped(sum: Float32Array, pixels: Float32Array, width: number, height: number, crop: number, weight: number): void {
  const [fullWidth, fullHeight] = [width + 2 * crop, height + 2 * crop];
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < height; y++) {
      const from = (c * fullHeight + y + crop) * fullWidth + crop;
      const to = (c * height + y) * width;
      for (let x = 0; x < width; x++) sum[to + x] += weight * pixels[from + x];
    }
  }
}

/**
 * Colour behind fully transparent pixels, taken from the nearest visible ones by repeated dilation, so that the net
 * does not draw a fringe of whatever the file held there.
 */
function fillBehindAlpha(frame: Frame, rounds: number): Float32Array {
  const { width, height, alpha } = frame;
  const rgb = frame.rgb.slice();
  if (!alpha) return rgb;
  let known = Uint8Array.from(alpha, value => (value > 0 ? 1 : 0));
  const area = width * height;
  for (let round = 0; round < rounds; round++) {
    const next = known.slice();
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const at = y * width + x;
        if (known[at]) continue;
        let [count, r, g, b] = [0, 0, 0, 0];
        for (let dy = -1; dy <= 1; dy++) {
          for (let dx = -1; dx <= 1; dx++) {
            const [nx, ny] = [x + dx, y + dy];
            if (nx < 0 || ny < 0 || nx >= width || ny >= height || !known[ny * width + nx]) continue;
            const from = ny * width + nx;
            count++;
            r += rgb[from];
            g += rgb[area + from];
            b += rgb[2 * area + from];
          }
        }
        if (count === 0) continue;
        rgb[at] = r / count;
        rgb[area + at] = g / count;
        rgb[2 * area + at] = b / count;
        next[at] = 1;
      }
    }
    known = next;
  }
  return rgb;
}

function greyPlanes(alpha: Float32Array): Float32Array {
  const out = new Float32Array(3 * alpha.length);
  for (let c = 0; c < 3; c++) out.set(alpha, c * alpha.length);
  return out;
}

const isPlain = (alpha: Float32Array) => alpha.every(value => value === alpha[0]);

/** One pass of a net over colour and, where it varies, alpha (as grey: nagadomi's way). */
async function pass(up: Upscaler, frame: Frame, params: UpscaleStageParams, signal: AbortSignal): Promise<Frame> {
  const { width, height } = frame;
  const rgb = await enlarge(up, fillBehindAlpha(frame, up.pad + up.overlap), width, height, params, signal);
  const size = { width: width * up.scale, height: height * up.scale };
  if (!frame.alpha) return { ...frame, ...size, rgb };
  const area = size.width * size.height;
  const alpha = isPlain(frame.alpha)
    ? new Float32Array(area).fill(frame.alpha[0])
    : (await enlarge(up, greyPlanes(frame.alpha), width, height, params, signal)).subarray(0, area);
  return { ...frame, ...size, rgb, alpha };
}

/** Enlarges and cleans one frame to exactly `params.width` x `params.height`. */
export async function upscaleFrame(frame: Frame, params: UpscaleStageParams, ctx: Pick<StageContext, 'nets' | 'signal'>): Promise<Frame> {
  let result = frame;
  if (params.clean) result = await pass(await openUpscaler(ctx.nets, params.clean), result, params, ctx.signal);
  if (params.enlarge) {
    const up = await openUpscaler(ctx.nets, params.enlarge);
    if (up.scale === 1) throw new AppError('NET_UNSUPPORTED', { name: params.enlarge, what: 'an output as large as its input' });
    while (result.width < params.width || result.height < params.height) result = await pass(up, result, params, ctx.signal);
  }
  return result.width === params.width && result.height === params.height ? result : resizeFrame(result, params.width, params.height);
}

/** waifu2x and other nets that enlarge (nagadomi/waifu2x, MIT): each frame on its own, so nothing can flicker that did not before. */
export const upscale: Stage<UpscaleStageParams> = async function* (input, params, ctx) {
  for await (const frame of input) yield await upscaleFrame(frame, params, ctx);
};
