import { AppError } from '#protocol/errors';
import type { KeyParams } from '#protocol/effects/key';
import type { Frame } from '../frame/frame';
import type { Stage, StageContext } from '../pipeline/stage';
import { fillUnknown } from './key/fill';
import { finishMatte, matteFrom, screenShare, shrinkMatte, withoutScreen } from './key/matte';
import { findScreen, parseColour, screenOf, type Screen } from './key/screen';
import { resizePlanes } from './resize';

export type KeyStageParams = KeyParams & {
  /** The clip that is keyed, by its SHA-256. */
  readonly clip: string;
  /** The clip's frame in which an automatic key looks for the screen: one for the whole clip, so that nothing jumps. */
  readonly screenFrame: number;
};

/** Below this share of the subject a pixel's colour is no longer trusted and is continued from its surroundings. */
const trustedShare = 0.3;

/** The subject of one frame: its matte at the frame's own size, and its colours without the screen's tint. */
export type Keyed = { readonly matte: Float32Array; readonly subject: Float32Array };

/** What keys a clip's frames, set up once per task. */
export type Keyer = (frame: Frame) => Promise<Keyed>;

/** @throws AppError PARAMETER_WRONG when no screen is found or no matte clip is given, CLIP_NOT_FOUND */
export async function createKeyer(params: KeyStageParams, ctx: Pick<StageContext, 'clip' | 'signal'>): Promise<Keyer> {
  if (params.source === 'matte') return matteKeyer(params, ctx);
  const screen = params.colour === 'auto' ? await screenOfClip(params, ctx) : screenOf(...parseColour(params.colour));
  return async frame => {
    const { width, height } = frame;
    const matte = matteFrom(screenShare(frame, screen), width, height, params);
    const subject = withoutScreen(frame, matte, screen, params.spill / 100);
    return { matte, subject: params.spill > 0 ? withInnerHue(subject, matte, width, height) : subject };
  };
}

/** From this share on the matte calls a pixel nothing but subject. */
const solidShare = 0.98;
/** Lines of a frame for each pixel of its edge: lens and chroma subsampling blur the border by about this much. */
const linesPerEdgePixel = 180;

/**
 * Gives edges the hue of the solid subject next to them and keeps their own brightness: a mixture cannot be undone
 * exactly where the matte is a guess, and what remains would be a coloured fringe.
 */
function withInnerHue(subject: Float32Array, matte: Float32Array, width: number, height: number): Float32Array {
  const area = width * height;
  const band = Math.max(2, Math.round(height / linesPerEdgePixel));
  const solid = shrinkMatte(matte, width, height, band).map(value => (value >= solidShare ? 1 : 0));
  const inner = fillUnknown(subject, solid, width, height);
  const out = subject.slice();
  const brightness = (planes: Float32Array, i: number) => 0.2126 * planes[i] + 0.7152 * planes[area + i] + 0.0722 * planes[2 * area + i];
  for (let i = 0; i < area; i++) {
    if (solid[i] === 1) continue;
    const own = Math.max(0, (matte[i] - 0.2) / 0.8);
    const innerLevel = brightness(inner, i);
    const gain = innerLevel > 1e-4 ? (innerLevel * (1 - own) + brightness(subject, i) * own) / innerLevel : 1;
    for (let c = 0; c < 3; c++) out[c * area + i] = Math.min(1, inner[c * area + i] * gain);
  }
  return out;
}

async function screenOfClip(params: KeyStageParams, ctx: Pick<StageContext, 'clip'>): Promise<Screen> {
  for await (const frame of ctx.clip(params.clip, params.screenFrame)) {
    const screen = findScreen(frame);
    if (screen) return screen;
    break;
  }
  throw new AppError('PARAMETER_WRONG', { name: 'key-colour', value: 'auto', problem: 'no green or blue screen was found in the first frame; pick its colour' });
}

/** A supplied matte: its brightness is the subject's share. Read in step with the frames. */
function matteKeyer(params: KeyStageParams, ctx: Pick<StageContext, 'clip'>): Keyer {
  if (!params.matteClip) throw new AppError('PARAMETER_WRONG', { name: 'key-matte-clip', value: 'nothing', problem: 'a matte clip is needed' });
  const clip = params.matteClip;
  let reader: AsyncIterator<Frame> | undefined;
  let next = -1;
  return async frame => {
    if (!reader || frame.index !== next) {
      await reader?.return?.();
      reader = ctx.clip(clip, frame.index)[Symbol.asyncIterator]();
    }
    next = frame.index + 1;
    const read = await reader.next();
    if (read.done) throw new AppError('PARAMETER_WRONG', { name: 'key-matte-clip', value: clip, problem: `it ends before frame ${frame.index}` });
    const { width, height, rgb } = read.value;
    const area = width * height;
    const grey = Float32Array.from({ length: area }, (_, i) => 0.2126 * rgb[i] + 0.7152 * rgb[area + i] + 0.0722 * rgb[2 * area + i]);
    const wanted = resizePlanes(grey, 1, width, height, frame.width, frame.height).map(value => Math.min(1, Math.max(0, value)));
    return { matte: finishMatte(wanted, frame.width, frame.height, params), subject: frame.rgb };
  };
}

/**
 * Takes the screen away before anything is painted: what is to be painted is continued smoothly over the rest, and the
 * matte travels as alpha, where it steers style statistics and the temporal mask.
 */
export const key: Stage<KeyStageParams> = async function* (input, params, ctx) {
  const keyer = await createKeyer(params, ctx);
  for await (const frame of input) {
    ctx.signal.throwIfAborted();
    const { matte, subject } = await keyer(frame);
    if (params.view === 'matte') {
      const rgb = new Float32Array(3 * matte.length);
      for (let c = 0; c < 3; c++) rgb.set(matte, c * matte.length);
      yield { ...frame, rgb, alpha: undefined };
      continue;
    }
    const wanted = params.apply === 'subject' ? matte : matte.map(value => 1 - value);
    const known = wanted.map(value => (value > trustedShare ? value : 0));
    const rgb = fillUnknown(params.apply === 'subject' ? subject : frame.rgb, known, frame.width, frame.height);
    yield { ...frame, rgb, alpha: wanted };
  }
};
