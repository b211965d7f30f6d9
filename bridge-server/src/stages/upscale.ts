import { AppError } from '#protocol/errors';
import type { Frame } from '../frame/frame';
import type { Stage, StageContext } from '../pipeline/stage';
import { resizeFrame } from './resize';
import { enlarge, type EnlargeOptions } from './upscale/enlarge';
import { openUpscaler, type EnlargeContext, type Upscaler } from './upscale/upscaler';

export type UpscaleStageParams = EnlargeOptions & {
  /**
   * Catalogue names: `enlarge` doubles (or more); `clean` removes noise, what it enlarges is made smaller again. Either
   * may be absent.
   */
  readonly enlarge?: string;
  readonly clean?: string;
  /** Final size, reached by repetition and then exactly by Lanczos. */
  readonly width: number;
  readonly height: number;
};

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
async function pass(up: Upscaler, frame: Frame, options: EnlargeOptions, ctx: EnlargeContext): Promise<Frame> {
  const { width, height } = frame;
  const colour = fillBehindAlpha(frame, up.pad + up.overlap);
  const { pixels: rgb, ...size } = await enlarge(up, { pixels: colour, width, height }, options, ctx);
  if (!frame.alpha) return { ...frame, ...size, rgb };
  const area = size.width * size.height;
  const alpha = isPlain(frame.alpha)
    ? new Float32Array(area).fill(frame.alpha[0])
    : (await enlarge(up, { pixels: greyPlanes(frame.alpha), width, height }, options, ctx)).pixels.slice(0, area);
  return { ...frame, ...size, rgb, alpha };
}

/** Enlarges and cleans one frame to exactly `params.width` x `params.height`. */
export async function upscaleFrame(
  frame: Frame,
  params: UpscaleStageParams,
  { nets, signal, progress }: Pick<StageContext, 'nets' | 'signal' | 'progress'>,
): Promise<Frame> {
  const ctx = {
    nets,
    signal,
    done: (share: number) => progress({ frame: frame.index, done: Math.round(100 * share), total: 100 }),
  };
  let result = frame;
  if (params.clean) {
    const cleaned = await pass(await openUpscaler(nets, params.clean), result, params, ctx);
    result = resizeFrame(cleaned, result.width, result.height);
  }
  if (params.enlarge) {
    const up = await openUpscaler(nets, params.enlarge);
    if (up.scale === 1)
      throw new AppError('NET_UNSUPPORTED', { name: params.enlarge, what: 'an output as large as its input' });
    while (result.width < params.width || result.height < params.height) result = await pass(up, result, params, ctx);
  }
  return result.width === params.width && result.height === params.height
    ? result
    : resizeFrame(result, params.width, params.height);
}

/** waifu2x and other nets that enlarge (nagadomi/waifu2x, MIT): each frame on its own, so nothing can flicker that did not before. */
export const upscale: Stage<UpscaleStageParams> = async function* (input, params, ctx) {
  for await (const frame of input) yield await upscaleFrame(frame, params, ctx);
};
