import { floatTensor, floatsOf } from '../../frame/tensor';
import type { Tensor } from '../../frame/tensor';
import { cropWindow, shiftCount, windowOf } from '../../nets/picture';
import type { Canvas, PictureBasis, Shift } from '../../nets/picture';
import { hyperCount, lossTerms } from '../../nets/style-step';
import type { LossTerm, LossWeights } from '../../nets/style-step';
import type { DeviceTensor, Net } from '../../runtime/runtime';
import { createLbfgs } from './lbfgs';
import { createStopRule, hyperAt } from './schedule';

/** Everything compiled for pictures of one size. */
export type Easel = {
  readonly canvas: Canvas;
  readonly basis: PictureBasis;
  readonly optimiser: 'adam' | 'lbfgs';
  /** Steps in one run of `step`. */
  readonly stepsPerRun: number;
  readonly masked: boolean;
  readonly step: Net;
  readonly decode: Net;
  readonly content: Net;
};

/** All planes are [C, H, W] of the easel's picture size. */
export type PaintOrder = {
  readonly start: Float32Array;
  readonly photograph: Float32Array;
  /** Inputs of the style targets, as `styleTargetTensors` makes them, and of the anchor. */
  readonly targets: Readonly<Record<string, Tensor>>;
  readonly weights: LossWeights;
  /** Where the picture is held to, and how firmly ([H, W], 0..1). */
  readonly temporal?: { readonly target: Float32Array; readonly weight: Float32Array };
  /** [H, W], 0..1: the part whose statistics count; needs a masked easel. */
  readonly mask?: Float32Array;
  readonly steps: number;
  /** Adam's step size in units of the unknowns. */
  readonly rate: number;
  /** Second moments from an earlier picture of the same size, and how many steps they have seen. */
  readonly carried?: { readonly moments: Float32Array; readonly steps: number };
  readonly random: () => number;
};

export type Painted = {
  /** [3, H, W], not clamped */
  readonly image: Float32Array;
  /** Unweighted terms, averaged over the last steps. */
  readonly losses: Readonly<Record<LossTerm, number>>;
  readonly steps: number;
  /** Adam's second moments, for the next picture. */
  readonly moments?: Float32Array;
};

export type PaintHooks = {
  readonly signal: AbortSignal;
  /** Called after each run; `picture` decodes what is there so far. */
  readonly onStep?: (done: number, picture: () => Promise<Float32Array>) => Promise<void>;
};

/** Adam's in units of the unknowns (feature-nets.md 2.2 and 2.7). */
export const adamRates = { fourier: 0.05, pixels: 0.02 } as const;

/** Steps over whose losses the reported ones are averaged: one step sees the picture at one shift only. */
const reportedSteps = 8;

/** Optimises a picture. @throws AppError CANCELLED, NET_RUN_FAILED, OUT_OF_MEMORY */
export function paint(easel: Easel, order: PaintOrder, hooks: PaintHooks): Promise<Painted> {
  return easel.optimiser === 'adam' ? paintWithAdam(easel, order, hooks) : paintWithLbfgs(easel, order, hooks);
}

type State = Record<'z' | 'm' | 'v' | 'average', Tensor | DeviceTensor>;
const stateNames = ['z', 'm', 'v', 'average'] as const;

async function paintWithAdam(easel: Easel, order: PaintOrder, hooks: PaintHooks): Promise<Painted> {
  const { basis, stepsPerRun, step: net } = easel;
  const dims = [1, 3, basis.rows, basis.columns];
  const zeros = () => floatTensor(new Float32Array(3 * basis.rows * basis.columns), dims);
  const runs = Math.ceil(order.steps / stepsPerRun);
  const schedule = { steps: runs * stepsPerRun, rate: order.rate, carriedSteps: order.carried?.steps ?? 0 };
  const feeds = createFeeds(easel, order);
  const shifts = planShifts(order.random, runs);
  const history: number[][] = [];
  let state: State = {
    z: zeros(),
    m: zeros(),
    v: order.carried ? floatTensor(order.carried.moments, dims) : zeros(),
    average: zeros(),
  };
  const release = () => Object.values(state).forEach(tensor => 'device' in tensor && net.free(tensor));
  try {
    for (let run = 0; run < runs; run++) {
      hooks.signal.throwIfAborted();
      const hyper = Float32Array.from(
        Array.from({ length: stepsPerRun }, (_, k) => hyperAt(schedule, run * stepsPerRun + k)).flat(),
      );
      const outputs = await net.run(
        { ...(await feeds.at(shifts[run])), ...state, hyper: floatTensor(hyper, [stepsPerRun, hyperCount]) },
        { keepOnDevice: stateNames.map(name => `${name}.next`) },
      );
      release();
      state = Object.fromEntries(stateNames.map(name => [name, outputs[`${name}.next`]])) as State;
      history.push(...lossRows(outputs.losses as Tensor));
      await hooks.onStep?.((run + 1) * stepsPerRun, () => decode(easel, order, state.z));
    }
    const image = await decode(easel, order, state.average);
    const moments = 'device' in state.v ? floatsOf(await net.read(state.v)) : floatsOf(state.v);
    return { image, losses: meanLosses(history), steps: history.length, moments };
  } finally {
    release();
  }
}

/** L-BFGS on the host. The picture is not shifted: curvature must come from one and the same function. */
async function paintWithLbfgs(easel: Easel, order: PaintOrder, hooks: PaintHooks): Promise<Painted> {
  const { basis, step: net } = easel;
  const dims = [1, 3, basis.rows, basis.columns];
  const feeds = await createFeeds(easel, order).at({ x: 0, y: 0 });
  const stop = createStopRule({ minimum: Math.ceil(order.steps / 2) });
  const lbfgs = createLbfgs();
  const history: number[][] = [];
  let z: Float32Array = new Float32Array(3 * basis.rows * basis.columns);
  for (let step = 0; step < order.steps; step++) {
    hooks.signal.throwIfAborted();
    const outputs = await net.run({ ...feeds, z: floatTensor(z, dims) });
    history.push(...lossRows(outputs.losses as Tensor));
    z = lbfgs.next(z, floatsOf(outputs.gradient as Tensor));
    const now = z;
    await hooks.onStep?.(step + 1, () => decode(easel, order, floatTensor(now, dims)));
    if (stop.add(history[history.length - 1][0])) break;
  }
  return {
    image: await decode(easel, order, floatTensor(z, dims)),
    losses: meanLosses(history),
    steps: history.length,
  };
}

/** Content features cost a fifth of a step for each shift: few steps make do with few shifts. */
const stepsPerShift = 5;
const leastShifts = 4;

/** A different part of the net's grid at each run, each part equally often. */
function planShifts(random: () => number, count: number): Shift[] {
  const all = Array.from({ length: shiftCount ** 2 }, (_, i) => ({ x: i % shiftCount, y: Math.floor(i / shiftCount) }));
  const shuffled = (shifts: readonly Shift[]) => {
    const deck = [...shifts];
    for (let i = deck.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [deck[i], deck[j]] = [deck[j], deck[i]];
    }
    return deck;
  };
  const used = shuffled(all).slice(0, Math.max(leastShifts, Math.ceil(count / stepsPerShift)));
  const shifts: Shift[] = [];
  while (shifts.length < count) shifts.push(...shuffled(used));
  return shifts.slice(0, count);
}

/** What a run is fed at a shift; what is kept of the photograph is computed once for each. */
function createFeeds(easel: Easel, order: PaintOrder) {
  const { canvas, basis } = easel;
  const area = canvas.width * canvas.height;
  const contents = new Map<string, Record<string, Tensor>>();
  const temporal = order.temporal ?? { target: order.start, weight: new Float32Array(area) };
  const weights = floatTensor(
    Float32Array.from(lossTerms, term => order.weights[term]),
    [lossTerms.length],
  );
  return {
    async at(shift: Shift): Promise<Record<string, Tensor>> {
      const key = `${shift.x},${shift.y}`;
      let content = contents.get(key);
      if (content === undefined) {
        const image = windowOf(order.photograph, 3, canvas, shift);
        content = (await easel.content.run({ image })) as Record<string, Tensor>;
        contents.set(key, content);
      }
      return {
        ...basis.matrices(shift),
        gain: basis.gain,
        palette: basis.palette,
        base: windowOf(order.start, 3, canvas, shift),
        temporal: windowOf(temporal.target, 3, canvas, shift),
        temporalWeight: windowOf(temporal.weight, 1, canvas, shift),
        ...(easel.masked ? { mask: windowOf(order.mask ?? new Float32Array(area).fill(1), 1, canvas, shift) } : {}),
        ...content,
        weights,
        ...order.targets,
      };
    },
  };
}

async function decode(easel: Easel, order: PaintOrder, z: Tensor | DeviceTensor): Promise<Float32Array> {
  const { canvas, basis } = easel;
  const middle: Shift = { x: 0, y: 0 };
  const host = 'device' in z ? await easel.step.read(z) : z;
  const outputs = await easel.decode.run({
    z: host,
    ...basis.matrices(middle),
    gain: basis.gain,
    palette: basis.palette,
    base: windowOf(order.start, 3, canvas, middle),
  });
  return cropWindow(floatsOf(outputs.image as Tensor), 3, canvas, middle);
}

function lossRows(losses: Tensor): number[][] {
  const [steps, columns] = losses.dims;
  const numbers = Array.from(floatsOf(losses));
  return Array.from({ length: steps }, (_, step) => numbers.slice(step * columns, (step + 1) * columns));
}

function meanLosses(history: readonly (readonly number[])[]): Record<LossTerm, number> {
  const last = history.slice(-reportedSteps);
  const mean = (column: number) => last.reduce((sum, row) => sum + row[column], 0) / last.length;
  return Object.fromEntries(lossTerms.map((term, i) => [term, mean(i + 1)])) as Record<LossTerm, number>;
}
