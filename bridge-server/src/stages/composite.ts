import { AppError } from '#protocol/errors';
import type { Frame } from '../frame/frame';
import type { Stage, StageContext } from '../pipeline/stage';
import { createKeyer, type KeyStageParams } from './key';
import { fillUnknown } from './key/fill';
import { parseColour } from './key/screen';
import { resizeFrame } from './resize';

/** Shows as much of the picture's middle as fits the frame's shape. */
function coverWith(picture: Frame, width: number, height: number): Float32Array {
  const scale = Math.max(width / picture.width, height / picture.height);
  const [w, h] = [
    Math.max(width, Math.round(picture.width * scale)),
    Math.max(height, Math.round(picture.height * scale)),
  ];
  const large = resizeFrame(picture, w, h).rgb;
  const [x0, y0] = [Math.floor((w - width) / 2), Math.floor((h - height) / 2)];
  const out = new Float32Array(3 * width * height);
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < height; y++) {
      const from = (c * h + y0 + y) * w + x0;
      out.set(large.subarray(from, from + width), (c * height + y) * width);
    }
  }
  return out;
}

function plain(colour: readonly number[], width: number, height: number): Float32Array {
  const out = new Float32Array(3 * width * height);
  colour.forEach((value, c) => out.fill(value, c * width * height, (c + 1) * width * height));
  return out;
}

/** What lies behind each frame in turn; frames of a clip follow from its beginning, as the range's own do. */
type Plate = (frame: Frame, original: Frame) => Promise<Float32Array>;

/** @throws AppError PARAMETER_WRONG when the picture or clip is missing */
async function openPlate(params: KeyStageParams, ctx: StageContext, { width, height }: Frame): Promise<Plate> {
  switch (params.over) {
    case 'image': {
      const picture = coverWith(await ctx.image(given(params.plateImage, 'key-plate-image')), width, height);
      return async () => picture;
    }
    case 'clip':
      return clipPlate(given(params.plateClip, 'key-plate-clip'), params.screenFrame, ctx);
    case 'source':
      return async (_, original) => original.rgb;
    default: {
      const colour = plain(parseColour(params.plateColour), width, height);
      return async () => colour;
    }
  }
}

function given<T>(value: T | undefined, name: string): T {
  if (value === undefined)
    throw new AppError('PARAMETER_WRONG', { name, value: 'nothing', problem: 'what lies behind is missing' });
  return value;
}

/** @param first frame of the keyed clip that shows the plate's first one */
function clipPlate(clip: string, first: number, ctx: StageContext): Plate {
  let reader: AsyncIterator<Frame> | undefined;
  let next = 0;
  let length = Infinity;
  const open = (from: number) => {
    reader = ctx.clip(clip, from)[Symbol.asyncIterator]();
    next = from;
  };
  return async ({ index, width, height }) => {
    for (;;) {
      const wanted = (index - first) % length;
      if (!reader) open(0);
      while (next <= wanted) {
        const read = await (reader as AsyncIterator<Frame>).next();
        if (read.done) break;
        if (next++ === wanted) return coverWith(read.value, width, height);
      }
      // It ended, or the wanted frame lies behind: from the beginning.
      if (next <= wanted) length = Math.max(1, next);
      await reader?.return?.();
      reader = undefined;
    }
  };
}

/** front x alpha + back x (1 - alpha), on the sRGB-encoded values as the hosts do. */
function over(front: Float32Array, back: Float32Array, alpha: Float32Array): Float32Array {
  const out = new Float32Array(front.length);
  const area = alpha.length;
  for (let c = 0; c < 3; c++) {
    for (let i = 0; i < area; i++)
      out[c * area + i] = front[c * area + i] * alpha[i] + back[c * area + i] * (1 - alpha[i]);
  }
  return out;
}

/**
 * Puts the painted subject over what shall lie behind it (or the painted background behind the subject). The matte is
 * made again from the clip at full size, so that edges have the clip's detail however small the painting was done.
 */
export const composite: Stage<KeyStageParams> = async function* (input, params, ctx) {
  const keyer = await createKeyer(params, ctx);
  let source: AsyncIterator<Frame> | undefined;
  let plate: Plate | undefined;
  for await (const painted of input) {
    ctx.signal.throwIfAborted();
    source ??= ctx.clip(params.clip, painted.index)[Symbol.asyncIterator]();
    const read = await source.next();
    if (read.done) throw new RangeError(`the clip ends before frame ${painted.index}`);
    const original = resizeFrame(read.value, painted.width, painted.height);
    const { matte, subject } = await keyer({ ...original, index: painted.index });
    const { width, height } = painted;
    const frame = { index: painted.index, width, height, ...(painted.shotStart ? { shotStart: true } : {}) };
    if (params.apply === 'background') {
      // The subject stays as it was filmed, less the screen's tint.
      const known = matte.map(value => (value > 0.3 ? value : 0));
      yield { ...frame, rgb: over(fillUnknown(subject, known, width, height), painted.rgb, matte) };
      continue;
    }
    if (params.over === 'alpha') {
      yield { ...frame, rgb: painted.rgb, alpha: matte };
      continue;
    }
    plate ??= await openPlate(params, ctx, painted);
    yield { ...frame, rgb: over(painted.rgb, await plate(painted, original), matte) };
  }
};
