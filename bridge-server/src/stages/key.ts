import { AppError } from '#protocol/errors';
import type { KeyParams } from '#protocol/effects/key';
import type { Frame } from '../frame/frame';
import { lumaOf } from '../frame/plane';
import type { Stage, StageContext } from '../pipeline/stage';
import { fillUnknown } from './key/fill';
import { finishMatte } from './key/matte';
import { pullKey } from './key/pull';
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
  return async frame => pullKey(frame, screen, params);
}

/** Frames in which the screen is looked for: a clip may begin with black or with a slate. */
const searchedFrames = 100;

async function screenOfClip(params: KeyStageParams, ctx: Pick<StageContext, 'clip' | 'signal'>): Promise<Screen> {
  let searched = 0;
  for await (const frame of ctx.clip(params.clip, params.screenFrame)) {
    ctx.signal.throwIfAborted();
    const screen = findScreen(frame);
    if (screen) return screen;
    if (++searched === searchedFrames) break;
  }
  throw new AppError('PARAMETER_WRONG', {
    name: 'key-colour',
    value: 'auto',
    problem: `no green or blue screen was found in the first ${searched} frames; pick its colour`,
  });
}

/** A supplied matte: its brightness is the subject's share. Read in step with the frames. */
function matteKeyer(params: KeyStageParams, ctx: Pick<StageContext, 'clip'>): Keyer {
  if (!params.matteClip)
    throw new AppError('PARAMETER_WRONG', {
      name: 'key-matte-clip',
      value: 'nothing',
      problem: 'a matte clip is needed',
    });
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
    if (read.done)
      throw new AppError('PARAMETER_WRONG', {
        name: 'key-matte-clip',
        value: clip,
        problem: `it ends before frame ${frame.index}`,
      });
    const { width, height, rgb } = read.value;
    const wanted = resizePlanes(lumaOf(rgb), 1, width, height, frame.width, frame.height).map(value =>
      Math.min(1, Math.max(0, value)),
    );
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
