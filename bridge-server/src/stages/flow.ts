import type { Frame } from '../frame/frame';
import type { NetSource } from '../pipeline/stage';
import { AppError } from '#protocol/errors';
import type { Notice } from '#protocol/report';
import { createClassicalFlow } from './flow/classical';
import { writeFlo } from './flow/flo-file';
import { flowPicture } from './flow/flow-picture';
import { openNetFlow, type NetFlow } from './flow/net-flow';
import type { FlowPair, FlowProvider } from './flow/provider';

export type { FlowPair, FlowProvider };

/** `auto` chooses, `classical` needs no weights, `net` is the best net installed, anything else the name of a net. */
export type FlowKind = 'auto' | 'classical' | 'net' | (string & {});

export type FlowContext = {
  readonly nets?: NetSource;
  readonly signal?: AbortSignal;
  /** Hears that a net failed and the classical search went on in its place. */
  readonly notice?: (notice: Notice) => void;
};

/** Nets that are tried for `net`, in this order: RAFT has to be pulled, RIFE is always there but made for pictures, not for motion. */
export const flowNets = ['raft-small', 'rife-v4.6-flow'] as const;
/** Nets that `auto` prefers to the classical search. */
const autoNets = ['raft-small'] as const;

/**
 * A net takes a second and more for a pair on a CPU, where the classical search takes a twentieth and is as close to
 * the truth at the small motion of video; on a GPU the net is quick, and better where things move far.
 */
export function createFlowProvider(kind: FlowKind, ctx: FlowContext): FlowProvider {
  const { nets, signal } = ctx;
  if (kind === 'classical' || nets === undefined) return createClassicalFlow({ signal });
  if (kind === 'auto')
    return nets.provider === 'cpu' ? createClassicalFlow({ signal }) : createNetFlow(nets, autoNets, ctx, true);
  return createNetFlow(nets, kind === 'net' ? flowNets : [kind], ctx, false);
}

/** What a net may die of while it runs; too little memory is answered by whoever can work smaller. */
const isNetFailure = (error: unknown) => error instanceof AppError && error.code === 'NET_RUN_FAILED';

/**
 * Opens its net with the first pair. With `orClassical` a net that is not installed is no failure. A net that fails
 * while it runs is given up for the classical search: flow is a help, and no job ends for want of it.
 */
function createNetFlow(
  nets: NetSource,
  names: readonly string[],
  { signal, notice }: FlowContext,
  orClassical: boolean,
): FlowProvider {
  let name = names[0];
  let opened: Promise<NetFlow | FlowProvider> | undefined;
  const open = async (): Promise<NetFlow | FlowProvider> => {
    let missing: unknown;
    for (const candidate of names) {
      try {
        const net = await openNetFlow(nets, candidate);
        name = candidate;
        return net;
      } catch (error) {
        if (!(error instanceof AppError && error.code === 'NET_NOT_FOUND')) throw error;
        missing ??= error;
      }
    }
    if (!orClassical) throw missing;
    return classical();
  };
  const classical = () => {
    name = 'classical';
    return createClassicalFlow({ signal });
  };
  return {
    get name() {
      return name;
    },
    async flow(a, b) {
      if (signal?.aborted) throw new AppError('CANCELLED');
      opened ??= open();
      const source = await opened;
      if ('flow' in source) return source.flow(a, b);
      try {
        return { forward: await source.oneWay(a, b), backward: await source.oneWay(b, a) };
      } catch (error) {
        if (!isNetFailure(error)) throw error;
        const text = `The net ${name} failed (${(error as AppError).message}); motion was searched without it.`;
        notice?.({ kind: 'fallback', stage: 'flow', frame: b.index, text });
        const search = classical();
        opened = Promise.resolve(search);
        return search.flow(a, b);
      }
    },
    async close() {
      const source = await opened?.catch(() => undefined);
      if (source && 'close' in source) await source.close();
    },
  };
}

export type FlowFile = {
  readonly direction: 'forward' | 'backward';
  /** A Middlebury .flo file. */
  readonly bytes: Uint8Array;
  /** The same as colours. */
  readonly picture: Frame;
};

/** What `reverie flow` writes: the motion from `a` to `b`, and with `both` the way back. @throws AppError SHAPE_MISMATCH */
export async function computeFlowFiles(
  a: Frame,
  b: Frame,
  provider: FlowProvider,
  { both = false } = {},
): Promise<FlowFile[]> {
  const { forward, backward } = await provider.flow(a, b);
  const file = (direction: FlowFile['direction'], flow: Float32Array): FlowFile => ({
    direction,
    bytes: writeFlo(flow, a),
    picture: flowPicture(flow, a),
  });
  return both ? [file('forward', forward), file('backward', backward)] : [file('forward', forward)];
}
