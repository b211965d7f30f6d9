import { floatTensor, floatsOf, scalarTensor } from '../../../frame/tensor';
import type { Tensor } from '../../../frame/tensor';
import { input, selectionMatrix } from '../../../graph/build';
import { fromModel, toModel } from '../../../graph/model';
import { applyNet } from '../../../graph/substitute';
import type { Value } from '../../../graph/value';
import { fastStyleChannels } from '../../../nets/fast-style';
import { fastStyleTrainingStep, trainingShiftPx } from '../../../nets/fast-style-training';
import { inputsOf } from '../../../nets/style-step';
import type { StageContext } from '../../../pipeline/stage';
import type { Net } from '../../../runtime/runtime';
import type { FeatureSource } from '../easel';

export type FitOrder = {
  /** Catalogue name of the net that paints. */
  readonly net: string;
  /** [3, H, W], in the colours of the style. */
  readonly photograph: Float32Array;
  readonly size: { readonly width: number; readonly height: number };
  /** [2, channels]: what the guide says, to begin with. */
  readonly factors: Float32Array;
  readonly targets: Readonly<Record<string, Tensor>>;
  readonly contentWeight: number;
  readonly steps: number;
  readonly frame: number;
};

/** Adam's step size at the start; it falls to nothing. Factors are around 1. */
const rate = 0.02;
const betas = [0.9, 0.99] as const;
/** Sides of the crops that are judged, as in training; a smaller frame gives smaller ones. */
const usualSidePx = 192;
const leastSidePx = 48;
/** Squares of the feature net's deepest layer. */
const gridPx = 16;

/**
 * Fits only the norms' factors and offsets to a style and to one frame, by steps of training on parts of that frame: what
 * the guide, which has seen few pictures, does not know.
 * @returns the factors as they came when the frame is too small to be judged
 * @throws AppError CANCELLED, NET_RUN_FAILED
 */
export async function fitFactors(ctx: StageContext, features: FeatureSource, order: FitOrder): Promise<Float32Array> {
  const { width, height } = order.size;
  const room = Math.min(width, height) - trainingShiftPx;
  const side = Math.min(usualSidePx, Math.floor(room / gridPx) * gridPx);
  if (side < leastSidePx) return order.factors;
  const whole = side + trainingShiftPx;
  const { steps } = order;
  const net = await compiledStep(ctx, features, order.net, side);
  const random = ctx.random(order.frame);
  const cuts = Array.from({ length: trainingShiftPx + 1 }, (_, shift) => cutMatrices(side, whole, shift));
  const pick = (count: number) => Math.floor(random() * count);
  const factors = Float32Array.from(order.factors);
  const [m, v] = [new Float64Array(factors.length), new Float64Array(factors.length)];
  for (let step = 1; step <= steps; step++) {
    ctx.signal.throwIfAborted();
    const crop = cropOf(order, pick(width - whole + 1), pick(height - whole + 1), whole);
    const results = (await net.run({
      ...order.targets,
      image: floatTensor(crop, [1, 3, whole, whole]),
      rows: cuts[pick(cuts.length)].rows,
      columns: cuts[pick(cuts.length)].columns,
      contentWeight: scalarTensor(order.contentWeight),
      style: floatTensor(Float32Array.from(factors), [2, fastStyleChannels]),
    })) as Record<string, Tensor>;
    const slope = floatsOf(results['gradient.style']);
    const pace = rate * (1 - (step - 1) / steps);
    for (let i = 0; i < factors.length; i++) {
      m[i] = betas[0] * m[i] + (1 - betas[0]) * slope[i];
      v[i] = betas[1] * v[i] + (1 - betas[1]) * slope[i] ** 2;
      factors[i] -= (pace * (m[i] / (1 - betas[0] ** step))) / (Math.sqrt(v[i] / (1 - betas[1] ** step)) + 1e-8);
    }
    ctx.progress({ frame: order.frame, done: step, total: steps });
  }
  return factors;
}

function compiledStep(ctx: StageContext, features: FeatureSource, name: string, side: number): Promise<Net> {
  return ctx.nets.compiled(`fast-fit:${name}:${side}`, async () => {
    const bytes = await ctx.nets.bytes(name);
    const style = input('style', [2, fastStyleChannels]);
    const paint = (image: Value) => {
      const net = fromModel(bytes, { name, layers: ['painted'], anySize: true, inputDims: { image: image.dims } });
      return applyNet(net, { image, style }, ['painted'], { name }).get('painted') as Value;
    };
    const outputs = fastStyleTrainingStep(await features.load(), side, paint, { style });
    return toModel({ inputs: inputsOf(outputs), outputs });
  });
}

function cropOf({ photograph, size }: FitOrder, left: number, top: number, side: number): Float32Array {
  const out = new Float32Array(3 * side * side);
  for (let c = 0; c < 3; c++)
    for (let y = 0; y < side; y++) {
      const from = (c * size.height + top + y) * size.width + left;
      out.set(photograph.subarray(from, from + side), (c * side + y) * side);
    }
  return out;
}

/** Which part of a crop is judged. */
function cutMatrices(side: number, whole: number, shift: number): { readonly rows: Tensor; readonly columns: Tensor } {
  const rows = Float32Array.from(selectionMatrix(side, whole, row => row + shift).data as Float32Array);
  const columns = new Float32Array(whole * side);
  for (let column = 0; column < side; column++) columns[(column + shift) * side + column] = 1;
  return { rows: floatTensor(rows, [side, whole]), columns: floatTensor(columns, [whole, side]) };
}
