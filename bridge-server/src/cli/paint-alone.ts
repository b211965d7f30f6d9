import type { ClipInfo } from '#protocol/clip';
import type { Preset } from '#protocol/preset';
import { planChain } from '../effects/chain';
import type { Frame } from '../frame/frame';
import { lossyCodecOf, throughCodec } from '../media/through-codec';
import { chainStages, type StageServices } from '../pipeline/stage-chain';
import { createStyleDistance } from '../stages/stylize/style-distance';
import { stageTable } from '../worker/stage-table';

/** Pairs of neighbouring frames that are painted alone: few, each costs as much as the first frame of a shot. */
const alonePairs = 2;

export type AloneOptions = {
  readonly preset: Preset;
  /** The clip that the result was made from. */
  readonly clip: ClipInfo;
  /** Frames that are compared. */
  readonly frames: number;
  /** What they are compared with. */
  readonly result: ClipInfo;
  readonly services: StageServices;
  readonly seed: number;
  readonly signal: AbortSignal;
};

/** Numbers of the frames to paint alone: pairs spread over the clip, none at its beginning, which had no other before it. */
export function aloneFrames(frames: number): Set<number> {
  const at = new Set<number>();
  for (let pair = 0; pair < alonePairs; pair++) {
    const first = Math.max(1, Math.round(((pair + 0.5) * frames) / alonePairs) - 1);
    for (const frame of [first, first + 1]) if (frame < frames) at.add(frame);
  }
  return at;
}

/** What a preset does to each frame of a clip by itself, for a result of a certain size. */
export function presetAlone(preset: Preset, { width, height }: Pick<ClipInfo, 'width' | 'height'>): Preset {
  const effects = preset.effects.filter(({ effect }) => effect !== 'retime');
  return { ...preset, effects, output: { ...preset.output, rate: 'source', size: { width, height } } };
}

/**
 * Paints single frames of a clip as a preset would, each as if there were no other, in the size of the result and brought
 * through its codec. Frames that are not wanted: undefined.
 */
export function createPaintAlone(options: AloneOptions): (source: Frame) => Promise<Frame | undefined> {
  const { preset, clip, result, services, seed, signal } = options;
  const wanted = aloneFrames(options.frames);
  const codec = lossyCodecOf(result);
  const machine = { provider: services.nets.provider };
  const { stages } = planChain(presetAlone(preset, result), clip, { first: 0, last: 0 }, machine);
  return async source => {
    if (!wanted.has(source.index)) return undefined;
    const one = async function* () {
      yield { ...source, shotStart: true };
    };
    const nothing = () => undefined;
    const events = { notice: nothing, step: nothing, store: nothing };
    const chain = chainStages(one(), { nodes: stages, table: stageTable, services, signal, seed, ahead: 0, events });
    for await (const frame of chain.frames) {
      const painted = { ...frame, index: source.index };
      return codec ? throughCodec(painted, codec, signal) : painted;
    }
    return undefined;
  };
}

/** The distance to the style of a preset, if it has one. */
export function styleOf(preset: Preset, services: StageServices): ((frame: Frame) => Promise<number>) | undefined {
  const style = preset.effects.find(({ effect }) => effect === 'style');
  return style?.effect === 'style' ? createStyleDistance(services, style.params) : undefined;
}
