import type { Frame } from '../../frame/frame';
import type { FlowPair } from './provider';
import { consistency } from '../occlusion';
import { resizeFlow, warpBackward } from '../warp';
import { disHere, disQuick } from './dis';
import { smallGrey, type Grey } from './small-grey';

/** Pictures are judged at about this width: a flow that is wrong is wrong at every size. */
const judgedWidth = 192;
/** Most of the picture does not agree with itself: a cut, or no flow at all. Methods of Ruder's video code restart there too. */
const unreliableAbove = 0.6;

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
  for (const flow of [forward, backward])
    for (let i = 0; i < flow.length; i++) if (!(Math.abs(flow[i]) < 1e6)) broken++;
  if (broken > 0.01 * (forward.length + backward.length)) return 'the flow holds values that are not numbers';

  const [smallA, smallB] = [smallGrey(a, judgedWidth), smallGrey(b, judgedWidth)];
  const small = resizeFlow(backward, a, smallA);
  const own = residual(smallA, smallB, small);
  // What a search that needs no weights finds at this size; it costs a few milliseconds.
  const found = disHere(smallA.grey, smallB.grey, smallA.width, smallA.height, disQuick);
  const best = residual(smallA, smallB, found.backward);
  if (own > 2 * best + 2) {
    return `the flow leaves ${own.toFixed(1)} grey levels unexplained where a plain search leaves ${best.toFixed(1)}`;
  }
  const { unreliableShare } = consistency(small, resizeFlow(forward, a, smallA), smallA, { edgesCount: false });
  if (unreliableShare > unreliableAbove)
    return `the flow contradicts itself on ${Math.round(100 * unreliableShare)} % of the picture`;
  return undefined;
}
