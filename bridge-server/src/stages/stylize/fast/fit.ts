import { createHash } from 'node:crypto';
import { floatTensor, floatsOf, scalarTensor } from '../../../frame/tensor';
import type { Tensor } from '../../../frame/tensor';
import { input, selectionMatrix } from '../../../graph/build';
import { fromModel, toModel } from '../../../graph/model';
import { applyNet } from '../../../graph/substitute';
import type { Value } from '../../../graph/value';
import { fastStyleChannels } from '../../../nets/fast-style';
import { fastStyleTrainingStep, trainingShiftPx } from '../../../nets/fast-style-training';
import { inputsOf } from '../../../nets/style-step';
import { fitKey, type FitOrder } from '#protocol/effects/style';
import { createRandom } from '../../../pipeline/random';
import type { StageContext } from '../../../pipeline/stage';
import type { Net } from '../../../runtime/runtime';
import type { FeatureSource } from '../easel';
import { styleTargets } from '../targets';
import type { FastStyle } from './guide';
import { fallenLeaves } from './leaves';

export type FactorsOrder = FitOrder & {
  /** What the guide says, to begin with. */
  readonly style: FastStyle;
  /** For which the work is reported. */
  readonly frame: number;
};

/** Adam's step size at the start; it falls to nothing. Factors are around 1. */
const rate = 0.06;
const betas = [0.9, 0.99] as const;
/** Side of what is judged, as in training. */
const sidePx = 192;
const wholePx = sidePx + trainingShiftPx;

/**
 * Fits the norms' factors and offsets to a style, by steps of training that change nothing else: what the guide, which
 * has seen few pictures, does not know. It is done on made-up pictures, so that all shots, stills and jobs of a style
 * are painted alike, and found again by whoever needs it next.
 * @throws AppError CANCELLED, NET_RUN_FAILED, OUTPUT_UNWRITABLE
 */
export async function fitFactors(
  ctx: StageContext,
  features: FeatureSource,
  order: FactorsOrder,
): Promise<Float32Array> {
  const hashes: string[] = [];
  for (const name of [order.net, features.name])
    hashes.push(
      createHash('sha256')
        .update(await ctx.nets.bytes(name))
        .digest('hex'),
    );
  const key = fitKey(order, ctx.nets.provider, hashes);
  const known = await ctx.fits?.read(key);
  if (known) return known;
  const fitted = await fit(ctx, features, order);
  await ctx.fits?.write(key, fitted);
  return fitted;
}

async function fit(
  ctx: StageContext,
  features: FeatureSource,
  { net: name, style, steps, frame }: FactorsOrder,
): Promise<Float32Array> {
  ctx.progress({ frame, done: 0, total: steps, phase: 'fit' });
  const net = await compiledStep(ctx, features, name);
  const targets = styleTargets('w2', style.statistics);
  // Not the stage's own numbers: a still and its job shall find the same.
  const random = createRandom(0, 'fit', 0);
  const cuts = Array.from({ length: trainingShiftPx + 1 }, (_, shift) => cutMatrices(shift));
  const pick = () => cuts[Math.floor(random() * cuts.length)];
  const factors = Float32Array.from(style.factors);
  const [m, v] = [new Float64Array(factors.length), new Float64Array(factors.length)];
  for (let step = 1; step <= steps; step++) {
    ctx.signal.throwIfAborted();
    const results = (await net.run({
      ...targets,
      image: floatTensor(fallenLeaves(wholePx, style.palette, random), [1, 3, wholePx, wholePx]),
      rows: pick().rows,
      columns: pick().columns,
      contentWeight: scalarTensor(style.contentWeight),
      style: floatTensor(Float32Array.from(factors), [2, fastStyleChannels]),
    })) as Record<string, Tensor>;
    const slope = floatsOf(results['gradient.style']);
    const pace = rate * (1 - (step - 1) / steps);
    for (let i = 0; i < factors.length; i++) {
      m[i] = betas[0] * m[i] + (1 - betas[0]) * slope[i];
      v[i] = betas[1] * v[i] + (1 - betas[1]) * slope[i] ** 2;
      factors[i] -= (pace * (m[i] / (1 - betas[0] ** step))) / (Math.sqrt(v[i] / (1 - betas[1] ** step)) + 1e-8);
    }
    ctx.progress({ frame, done: step, total: steps, phase: 'fit' });
  }
  return factors;
}

function compiledStep(ctx: StageContext, features: FeatureSource, name: string): Promise<Net> {
  return ctx.nets.compiled(`fast-fit:${name}`, async () => {
    const bytes = await ctx.nets.bytes(name);
    const style = input('style', [2, fastStyleChannels]);
    const paint = (image: Value) => {
      const net = fromModel(bytes, { name, layers: ['painted'], anySize: true, inputDims: { image: image.dims } });
      return applyNet(net, { image, style }, ['painted'], { name }).get('painted') as Value;
    };
    const outputs = fastStyleTrainingStep(await features.load(), sidePx, paint, { style });
    return toModel({ inputs: inputsOf(outputs), outputs });
  });
}

/** Which part of a picture is judged. */
function cutMatrices(shift: number): { readonly rows: Tensor; readonly columns: Tensor } {
  const rows = Float32Array.from(selectionMatrix(sidePx, wholePx, row => row + shift).data as Float32Array);
  const columns = new Float32Array(wholePx * sidePx);
  for (let column = 0; column < sidePx; column++) columns[(column + shift) * sidePx + column] = 1;
  return { rows: floatTensor(rows, [sidePx, wholePx]), columns: floatTensor(columns, [wholePx, sidePx]) };
}
