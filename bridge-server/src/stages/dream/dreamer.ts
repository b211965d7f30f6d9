import { AppError } from '#protocol/errors';
import type { DreamParams } from '#protocol/effects/dream';
import type { Frame } from '../../frame/frame';
import { floatTensor, floatsOf, scalarTensor, type Tensor } from '../../frame/tensor';
import { toModel } from '../../graph/model';
import { readDreamNet, type DreamNetFile } from '../../nets/dream-net';
import { dreamStep, guideInput, guidePositions } from '../../nets/dream-step';
import type { StageContext } from '../../pipeline/stage';
import type { Net } from '../../runtime/runtime';
import { resizeFrame } from '../resize';
import { zoomPlanes, type Size } from './octaves';

export type DreamOptions = {
  /** Octaves to work on, the largest last. */
  readonly octaves: readonly Size[];
  readonly iterations: number;
  /** Mean change of a pixel per step, in grey levels of 255. */
  readonly stepSize: number;
  readonly random: () => number;
  /** [3, H, W], what was dreamt before, to be continued. */
  readonly detail?: Float32Array;
  /** [H, W], 0..1: how much each pixel may change. */
  readonly free?: Float32Array;
  readonly onStep?: (done: number, total: number) => void;
};

/** Dreams into pictures with one net and one set of objectives. */
export type Dreamer = {
  /** @returns what is to be added to `rgb`, [3, H, W] */
  dream(rgb: Float32Array, size: Size, options: DreamOptions): Promise<Float32Array>;
};

/** Copies to a device and back cost more there than the steps themselves; on a CPU one step per run can be stopped and shown. */
const stepsPerRunOnDevice = 5;
const guideSide = 224;

/** @throws AppError NET_NOT_FOUND, NET_LAYER_UNKNOWN, IMAGE_UNREADABLE */
export async function openDreamer(params: DreamParams, ctx: Pick<StageContext, 'nets' | 'image' | 'signal'>): Promise<Dreamer> {
  const { nets, signal } = ctx;
  const file = readDreamNet(params.net, await nets.bytes(params.net), await nets.convention(params.net));
  for (const { layer } of params.objectives) {
    if (!file.layers.some(({ name }) => name === layer)) {
      throw new AppError('NET_LAYER_UNKNOWN', { name: params.net, layer, known: file.layers.slice(0, 60).map(({ name }) => name).join(', ') });
    }
  }
  const guides = params.guide ? await guideVectors(file, params, await ctx.image(params.guide), ctx) : [];
  const stepsPerRun = nets.provider === 'cpu' ? 1 : stepsPerRunOnDevice;

  const stepNet = (size: Size, steps: number): Promise<Net> => {
    const { objectives, smoothing, keepLowest, normaliseChannels } = params;
    const options = { ...size, objectives, smoothing, keepLowest, normaliseChannels, guided: guides.length > 0, steps };
    return nets.compiled(`dream:${params.net}:${JSON.stringify(options)}`, async () => toModel({ outputs: dreamStep(file.pick, options) }), {
      pixels: size.width * size.height,
    });
  };

  return {
    async dream(rgb, size, options) {
      const { octaves, iterations, random } = options;
      const carried = options.detail;
      let detail: Float32Array = new Float32Array(3 * octaves[0].width * octaves[0].height);
      let detailSize = octaves[0];
      const total = octaves.length * iterations;
      for (const [index, octave] of octaves.entries()) {
        const base = zoomPlanes(rgb, 3, size, octave);
        // What was carried in keeps its own sharpness: only what the octaves add is enlarged from one to the next.
        if (carried) zoomPlanes(carried, 3, size, octave).forEach((value, i) => (base[i] += value));
        const before = zoomPlanes(detail, 3, detailSize, octave);
        let image: Float32Array = base.map((value, i) => value + before[i]);
        const free = options.free ? zoomPlanes(options.free, 1, size, octave) : new Float32Array(octave.width * octave.height).fill(1);
        for (let done = 0; done < iterations; ) {
          signal.throwIfAborted();
          const steps = Math.min(stepsPerRun, iterations - done);
          const net = await stepNet(octave, steps);
          const shifts = Array.from({ length: steps }, () => [shift(random, params.jitter), shift(random, params.jitter)] as const);
          const feeds: Record<string, Tensor> = {
            image: floatTensor(image, [1, 3, octave.height, octave.width]),
            free: floatTensor(free, [1, 1, octave.height, octave.width]),
            step: scalarTensor(options.stepSize / 255),
            rows: indexTable(shifts.map(([dy]) => dy), octave.height),
            columns: indexTable(shifts.map(([, dx]) => dx), octave.width),
            rowsBack: indexTable(shifts.map(([dy]) => -dy), octave.height),
            columnsBack: indexTable(shifts.map(([, dx]) => -dx), octave.width),
          };
          guides.forEach((guide, i) => (feeds[guideInput(i)] = guide));
          image = floatsOf((await net.run(feeds))['image.next'] as Tensor);
          done += steps;
          options.onStep?.(index * iterations + done, total);
        }
        detail = image.map((value, i) => value - base[i]);
        detailSize = octave;
      }
      const added = zoomPlanes(detail, 3, detailSize, size);
      return carried ? added.map((value, i) => value + carried[i]) : added;
    },
  };
}

/** Whole pixels, -jitter to jitter, the same odds for each. */
function shift(random: () => number, jitter: number): number {
  return jitter === 0 ? 0 : Math.floor(random() * (2 * jitter + 1)) - jitter;
}

/** For each step the order in which rows (or columns) are read, so that position p shows what was at p - shift. */
function indexTable(shifts: readonly number[], length: number): Tensor {
  const data = new BigInt64Array(shifts.length * length);
  shifts.forEach((by, step) => {
    for (let p = 0; p < length; p++) data[step * length + p] = BigInt((((p - by) % length) + length) % length);
  });
  return { type: 'int64', dims: [shifts.length, length], data };
}

/** Each objective's layer in the guide picture, as `guidePositions` vectors spread evenly over it. */
async function guideVectors(file: DreamNetFile, params: DreamParams, picture: Frame, ctx: Pick<StageContext, 'nets'>): Promise<Tensor[]> {
  const scale = guideSide / Math.min(picture.width, picture.height);
  const guide = resizeFrame(picture, Math.round(picture.width * scale), Math.round(picture.height * scale));
  const size = { width: guide.width, height: guide.height };
  const names = params.objectives.map(({ layer }) => layer);
  const net = await ctx.nets.compiled(
    `dream-guide:${params.net}:${size.width}x${size.height}:${names.join()}`,
    async () => toModel({ outputs: file.taps(size, names) }),
    { pixels: size.width * size.height },
  );
  const layers = await net.run({ image: floatTensor(guide.rgb, [1, 3, size.height, size.width]) });
  return names.map(name => {
    const layer = layers[name] as Tensor;
    const [, channels, height, width] = layer.dims;
    const values = floatsOf(layer);
    const out = new Float32Array(channels * guidePositions);
    for (let p = 0; p < guidePositions; p++) {
      const at = Math.floor((p * height * width) / guidePositions);
      for (let c = 0; c < channels; c++) out[c * guidePositions + p] = values[c * height * width + at];
    }
    return floatTensor(out, [channels, guidePositions]);
  });
}
