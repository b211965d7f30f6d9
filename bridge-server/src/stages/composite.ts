import type { Frame } from '../frame/frame';
import type { Stage, StageContext } from '../pipeline/stage';
import { createKeyer, type KeyStageParams } from './key';
import { fillUnknown } from './key/fill';
import { parseColour } from './key/screen';
import { resizeFrame } from './resize';

/** Shows as much of the picture's middle as fits the frame's shape. */
function coverWith(picture: Frame, width: number, height: number): Float32Array {
  const scale = Math.max(width / picture.width, height / picture.height);
  const [w, h] = [Math.max(width, Math.round(picture.width * scale)), Math.max(height, Math.round(picture.height * scale))];
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

async function plateOf(params: KeyStageParams, ctx: StageContext, width: number, height: number): Promise<Float32Array | undefined> {
  if (params.over === 'colour') return plain(parseColour(params.plateColour), width, height);
  if (params.over === 'image' && params.plateImage) return coverWith(await ctx.image(params.plateImage), width, height);
  return undefined;
}

/** front x alpha + back x (1 - alpha), on the sRGB-encoded values as the hosts do. */
function over(front: Float32Array, back: Float32Array, alpha: Float32Array): Float32Array {
  const out = new Float32Array(front.length);
  const area = alpha.length;
  for (let c = 0; c < 3; c++) {
    for (let i = 0; i < area; i++) out[c * area + i] = front[c * area + i] * alpha[i] + back[c * area + i] * (1 - alpha[i]);
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
  let plate: Float32Array | undefined;
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
    plate ??= await plateOf(params, ctx, width, height);
    yield { ...frame, rgb: over(painted.rgb, params.over === 'source' ? original.rgb : (plate ?? plain([0, 0, 0], width, height)), matte) };
  }
};
