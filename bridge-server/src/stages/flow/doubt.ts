import type { Frame } from '../../frame/frame';
import type { FlowPair } from './provider';
import { consistency } from '../occlusion';
import { resizePlanes } from '../resize';
import { resizeFlow, warpBackward, type Size } from '../warp';
import { disHere, disQuick } from './dis';

/** Pictures are judged at about this width: a flow that is wrong is wrong at every size. */
const judgedWidth = 192;
/** Most of the picture does not agree with itself: a cut, or no flow at all. Methods of Ruder's video code restart there too. */
const unreliableAbove = 0.6;

export type Grey = Size & { readonly grey: Float32Array };

/** Luma of a frame, 0..255, small enough that a search takes a millisecond or two. */
export function smallGrey(frame: Frame, width = judgedWidth): Grey {
  const factor = Math.min(1, width / frame.width);
  const size = { width: Math.max(16, Math.round(frame.width * factor)), height: Math.max(16, Math.round(frame.height * factor)) };
  const small = resizePlanes(frame.rgb, 3, frame.width, frame.height, size.width, size.height);
  const area = size.width * size.height;
  const grey = new Float32Array(area);
  for (let p = 0; p < area; p++) grey[p] = 76.245 * small[p] + 149.685 * small[area + p] + 29.07 * small[2 * area + p];
  return { ...size, grey };
}

/** Mean absolute difference between `b` and `a` fetched along `flow`, in grey levels; pixels from outside left out. */
function residual(a: Grey, b: Grey, flow: Float32Array): number {
  const { image, inside } = warpBackward(a.grey, flow, a);
  let sum = 0;
  let count = 0;
  for (let p = 0; p < inside.length; p++) {
    if (inside[p] === 0) continue;
    sum += Math.abs(image[p] - b.grey[p]);
    count++;
  }
  return count < inside.length / 10 ? Infinity : sum / count;
}

/**
 * Looks whether a flow can be what moved `a` to `b`, whoever made it.
 * @returns why it is not to be used, or undefined
 */
export function doubtFlow(a: Frame, b: Frame, { forward, backward }: FlowPair): string | undefined {
  let broken = 0;
  for (const flow of [forward, backward]) for (let i = 0; i < flow.length; i++) if (!(Math.abs(flow[i]) < 1e6)) broken++;
  if (broken > 0.01 * (forward.length + backward.length)) return 'the flow holds values that are not numbers';

  const [smallA, smallB] = [smallGrey(a), smallGrey(b)];
  const small = resizeFlow(backward, a, smallA);
  const own = residual(smallA, smallB, small);
  // What a search that needs no weights finds at this size; it costs a few milliseconds.
  const found = disHere(smallA.grey, smallB.grey, smallA.width, smallA.height, disQuick);
  const best = residual(smallA, smallB, found.backward);
  if (own > 2 * best + 2) {
    return `the flow leaves ${own.toFixed(1)} grey levels unexplained where a plain search leaves ${best.toFixed(1)}`;
  }
  const { unreliableShare } = consistency(small, resizeFlow(forward, a, smallA), smallA, { edgesCount: false });
  if (unreliableShare > unreliableAbove) return `the flow contradicts itself on ${Math.round(100 * unreliableShare)} % of the picture`;
  return undefined;
}
