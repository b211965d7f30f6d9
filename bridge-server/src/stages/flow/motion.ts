import type { Frame } from '../../frame/frame';
import type { Notice } from '#protocol/report';
import type { StageContext } from '../../pipeline/stage';
import type { FlowPair, FlowProvider } from './provider';
import { lightBetween, relight, type Light } from '../light';
import { consistency, type Consistency } from '../occlusion';
import { doubtFlow } from './doubt';

/** Everything that a stage wants to know about what happened between two frames. */
export type Motion = FlowPair & {
  /** For `warpBackward(a, backward)`, on b's grid. */
  readonly intoB: Consistency;
  /** For `warpBackward(b, forward)`, on a's grid. */
  readonly intoA: Consistency;
  /** What the light did meanwhile, from a to b. */
  readonly light: Light;
  /** Why the flow is not to be used; then nothing in `intoA` and `intoB` is reliable. */
  readonly doubt?: string;
};

export type MotionSource = {
  readonly name: string;
  /**
   * The motion between two frames of one size, remembered by their indices. Broken flow comes back with a reliability
   * of 0 everywhere, and is reported once a pair as `flow-doubtful` between neighbours: further apart two frames may well
   * have nothing in common.
   */
  between(a: Frame, b: Frame): Promise<Motion>;
  close(): Promise<void>;
};

export type MotionOptions = {
  readonly stage: string;
  readonly notice: (notice: Notice) => void;
  /** Pairs that are remembered. */
  readonly limit?: number;
  /** Where motion is kept for longer, if the frames are those of the clip. */
  readonly flows?: StageContext['flows'];
};

export function createMotionSource(
  provider: FlowProvider,
  { stage, notice, limit = 4, flows }: MotionOptions,
): MotionSource {
  const known = new Map<string, Promise<Motion>>();
  const search = async (a: Frame, b: Frame): Promise<FlowPair> => {
    if (!flows) return flowInLight(provider, a, b);
    const key = () => ({ provider: provider.name, from: a.index, to: b.index, width: b.width, height: b.height });
    // A provider knows its name when it has found its net: after the first pair.
    return (await flows.read(key())) ?? (await flowInLight(provider, a, b).then(pair => flows.write(key(), pair)));
  };
  const compute = async (a: Frame, b: Frame): Promise<Motion> => {
    const pair = await search(a, b);
    const intoB = consistency(pair.backward, pair.forward, b);
    const intoA = consistency(pair.forward, pair.backward, a);
    const light = lightBetween(a, b, pair);
    const doubt = doubtFlow(lit(a, light), b, pair);
    if (doubt === undefined) return { ...pair, intoA, intoB, light };
    if (Math.abs(b.index - a.index) <= 1)
      notice({
        kind: 'flow-doubtful',
        stage,
        frame: b.index,
        text: `Between frames ${a.index} and ${b.index} ${doubt}; they were treated as unrelated.`,
      });
    return { ...pair, intoA: distrusted(intoA), intoB: distrusted(intoB), light: sameLight, doubt };
  };
  return {
    name: provider.name,
    between(a, b) {
      const key = `${a.index}:${b.index}:${a.width}x${a.height}`;
      const ready = known.get(key);
      if (ready) return ready;
      const motion = compute(a, b);
      known.set(key, motion);
      motion.catch(() => known.delete(key));
      if (known.size > limit) known.delete(known.keys().next().value!);
      return motion;
    },
    close: () => provider.close(),
  };
}

const sameLight: Light = { gain: [1, 1, 1], offset: [0, 0, 0] };

/** Searches of flow put up with less than this; more would pass for motion. */
const [steadyGain, steadyOffset] = [0.03, 0.01];
const isSteady = ({ gain, offset }: Light) =>
  gain.every(value => Math.abs(value - 1) < steadyGain) && offset.every(value => Math.abs(value) < steadyOffset);

/** The frame in another light, where that is another. */
const lit = (frame: Frame, light: Light): Frame =>
  isSteady(light) ? frame : { ...frame, rgb: relight(frame.rgb, light) };

/** Flow between two frames; in a fade or a flash it is searched again with the light of the first made that of the second. */
async function flowInLight(provider: FlowProvider, a: Frame, b: Frame): Promise<FlowPair> {
  const pair = await provider.flow(a, b);
  const light = lightBetween(a, b, pair);
  return isSteady(light) ? pair : provider.flow(lit(a, light), b);
}

function distrusted(maps: Consistency): Consistency {
  return { ...maps, reliability: new Float32Array(maps.reliability.length), unreliableShare: 1 };
}
