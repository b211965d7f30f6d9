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
import { createRandom } from '../../../pipeline/random';
import type { StageContext } from '../../../pipeline/stage';
import type { Net } from '../../../runtime/runtime';
import type { FeatureSource } from '../easel';
import { styleTargets } from '../targets';
import type { FastStyle } from './guide';
import { fallenLeaves } from './leaves';

export type FitOrder = {
  /** Catalogue name of the net that paints. */
  readonly net: string;
  /** What the guide says, to begin with. */
  readonly style: FastStyle;
  readonly steps: number;
  /** For which the work is reported. */
  readonly frame: number;
};

/** Raised when the same order gives other factors than before. */
const version = 1;
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
export async function fitFactors(ctx: StageContext, features: FeatureSource, order: FitOrder): Promise<Float32Array> {
  const targets = styleTargets('w2', order.style.statistics);
  const hash = await hashOf(ctx, features, order, targets);
  const known = await ctx.fits?.read(hash);
  if (known) return known;
  const fitted = await fit(ctx, await compiledStep(ctx, features, order.net), order, targets);
  await ctx.fits?.write(hash, fitted);
  return fitted;
}

/** Of all that the factors are made from. */
async function hashOf(
  ctx: StageContext,
  features: FeatureSource,
  { net, style, steps }: FitOrder,
  targets: Readonly<Record<string, Tensor>>,
): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([version, ctx.nets.provider, style.contentWeight, steps]));
  for (const name of [net, features.name]) hash.update(await ctx.nets.bytes(name));
  for (const numbers of [style.factors, ...Object.values(targets).map(({ data }) => data)]) hash.update(numbers);
  return hash.digest('hex');
}

async function fit(
  ctx: StageContext,
  net: Net,
  { style, steps, frame }: FitOrder,
  targets: Readonly<Record<string, Tensor>>,
): Promise<Float32Array> {
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
