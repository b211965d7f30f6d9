import { styleParams } from '#protocol/effects/style';
import type { StageServices } from '../pipeline/stage-chain';
import type { FigureSampler, PaintedShot } from '../pipeline/task-run';
import { createFlowProvider } from '../stages/flow';
import { createMeter, toReportFigures } from '../stages/measure';
import { createStyleDistance } from '../stages/stylize/style-distance';

/** Two frames in a row are looked at, so many times in a shot ... */
const looks = 8;
/** ... but never further apart than this, nor all the time. */
const [leastStride, largestStride] = [4, 24];
/** Longer side at which frames are compared: figures must not cost more than a small part of the painting. */
const comparedSide = 640;

export type SamplerContext = {
  readonly services: StageServices;
  readonly signal: AbortSignal;
};

/** Measures a painted shot while it comes into being, in samples. */
export function createFigureSampler(
  { stages, span, notice, log }: PaintedShot,
  { services, signal }: SamplerContext,
): FigureSampler {
  const style = stages.find(node => node.stage === 'stylize');
  const flow = createFlowProvider('classical', { signal });
  const meter = createMeter({
    flow,
    ...(style ? { styleLoss: createStyleDistance(services, styleParams.parse(style.params)) } : {}),
    maxSide: comparedSide,
    signal,
    notice,
    known: [...log.known.values()],
  });
  const frames = span.last - span.first + 1;
  const stride = Math.min(largestStride, Math.max(leastStride, Math.floor(frames / looks)));
  let last = Math.max(-1, ...log.known.keys());
  return {
    async add(painted, content, defects) {
      if (painted.index <= last) return;
      last = painted.index;
      const looked = (painted.index - span.first) % stride < 2;
      const shotStart = content.shotStart === true;
      await log.add(painted.index, await meter.add(painted, content, { shotStart, looked, defects }));
    },
    figures: () => toReportFigures(meter.measured()),
    close: async () => flow.close(),
  };
}
