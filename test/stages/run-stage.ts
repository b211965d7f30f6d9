import type { Frame } from '../../bridge-server/src/frame/frame';
import type { Stage, StageContext } from '../../bridge-server/src/pipeline/stage';

export async function* streamOf(frames: readonly Frame[]): AsyncIterable<Frame> {
  yield* frames;
}

/** All that a stage makes of these frames. */
export async function runStage<Params>(
  stage: Stage<Params>,
  frames: readonly Frame[],
  params: Params,
  ctx: StageContext,
): Promise<Frame[]> {
  const out: Frame[] = [];
  for await (const frame of stage(streamOf(frames), params, ctx)) out.push(frame);
  return out;
}
