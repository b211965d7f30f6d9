import { AppError } from '#protocol/errors';
import { dreamTilePx, type DreamParams } from '#protocol/effects/dream';
import type { Frame } from '../../frame/frame';
import { floatTensor, floatsOf, scalarTensor, type Tensor } from '../../frame/tensor';
import { toModel } from '../../graph/model';
import { readDreamNet, type DreamNetFile } from '../../nets/dream-net';
import { dreamMove, dreamStep, dreamTile, guideInput, guidePositions } from '../../nets/dream-step';
import type { StageContext } from '../../pipeline/stage';
import type { Net } from '../../runtime/runtime';
import { resizeFrame } from '../resize';
import { octavePictures, zoomPlanes, type Size } from './octaves';
import { shiftedTiles, tiledGradient } from './tiled';
import { viewFeeds } from './views';

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
  readonly onStep?: (step: DreamProgress) => void;
};

export type DreamProgress = {
  readonly done: number;
  readonly total: number;
  /** Of the octave that is worked on, and in its size: the picture as it was, and as it is dreamt by now. */
  readonly size: Size;
  readonly base: Float32Array;
  readonly image: Float32Array;
};

/** Dreams into pictures with one net and one set of objectives. */
export type Dreamer = {
  /** @returns what is to be added to `rgb`, [3, H, W] */
  dream(rgb: Float32Array, size: Size, options: DreamOptions): Promise<Float32Array>;
};

/** Copies to a device and back cost more there than the steps themselves; on a CPU one step per run can be stopped and shown. */
const stepsPerRunOnDevice = 5;
const guideSide = 224;

/** @throws AppError NET_NOT_FOUND, NET_DAMAGED */
export async function openDreamNet(name: string, { nets }: Pick<StageContext, 'nets'>): Promise<DreamNetFile> {
  return readDreamNet(name, await nets.bytes(name), await nets.convention(name));
}

/**
 * @param known the net's file, where it has been read already
 * @throws AppError NET_NOT_FOUND, NET_LAYER_UNKNOWN, IMAGE_UNREADABLE
 */
export async function openDreamer(
  params: DreamParams,
  ctx: Pick<StageContext, 'nets' | 'image' | 'signal'>,
  known?: DreamNetFile,
): Promise<Dreamer> {
  const { nets, signal } = ctx;
  const file = known ?? (await openDreamNet(params.net, ctx));
  for (const { layer } of params.objectives) {
    if (!file.maps.some(({ name }) => name === layer)) {
      throw new AppError('NET_LAYER_UNKNOWN', {
        name: params.net,
        layer,
        known: file.layers
          .slice(0, 60)
          .map(({ name }) => name)
          .join(', '),
      });
    }
  }
  const guides = params.guide ? await guideVectors(file, params, await ctx.image(params.guide), ctx) : [];
  const guideFeeds = Object.fromEntries(guides.map((guide, i) => [guideInput(i), guide]));
  const stepsPerRun = nets.provider === 'cpu' ? 1 : stepsPerRunOnDevice;

  const compiled = (part: 'step' | 'tile' | 'move', { width, height }: Size, steps = 1): Promise<Net> => {
    const { objectives, smoothing, keepLowest, normaliseChannels, picture, robust } = params;
    const options = {
      width,
      height,
      objectives,
      smoothing,
      keepLowest,
      normaliseChannels,
      picture,
      robust,
      guided: guides.length > 0,
      steps,
    };
    const build = {
      step: () => dreamStep(file.pick, options),
      tile: () => dreamTile(file.pick, options),
      move: () => dreamMove(options),
    }[part];
    return nets.compiled(`dream-${part}:${params.net}:${JSON.stringify(options)}`, async () =>
      toModel({ outputs: build() }),
    );
  };

  type State = Record<string, Tensor>;
  /** `steps` steps at once, and what they leave for the next. */
  async function advance(
    state: State,
    constant: State,
    size: Size,
    steps: number,
    random: () => number,
  ): Promise<State> {
    const tilePx = dreamTilePx(params, size);
    let outputs;
    if (tilePx === 0) {
      const net = await compiled('step', size, steps);
      outputs = await net.run({ ...state, ...constant, ...guideFeeds, ...viewFeeds(size, steps, params, random) });
    } else {
      const tiles = shiftedTiles(size, tilePx, random);
      const net = await compiled('tile', tiles[0]);
      const view = viewFeeds(tiles[0], 1, params, random);
      const dims = [1, 3, tiles[0].height, tiles[0].width];
      const gradient = await tiledGradient(floatsOf(state.image), size, tiles, async tile => {
        signal.throwIfAborted();
        return floatsOf((await net.run({ image: floatTensor(tile, dims), ...guideFeeds, ...view })).gradient as Tensor);
      });
      const move = await compiled('move', size);
      // Frequencies are moved without a look at the picture, which they make anew.
      const { image, ...carried } = state;
      const moved = params.picture === 'fourier' ? carried : { image };
      outputs = await move.run({
        ...moved,
        ...constant,
        gradient: floatTensor(gradient, [1, 3, size.height, size.width]),
      });
    }
    return Object.fromEntries(
      Object.entries(outputs).map(([name, tensor]) => [name.replace('.next', ''), tensor as Tensor]),
    );
  }

  return {
    async dream(rgb, size, options) {
      const { octaves, iterations, random } = options;
      const bases = octavePictures(rgb, 3, size, octaves);
      // What was carried in keeps its own sharpness: only what the octaves add is enlarged from one to the next.
      const carried = options.detail && octavePictures(options.detail, 3, size, octaves);
      const free = octavePictures(options.free ?? new Float32Array(size.width * size.height).fill(1), 1, size, octaves);
      let detail: Float32Array = new Float32Array(3 * octaves[0].width * octaves[0].height);
      let detailSize = octaves[0];
      for (const [index, octave] of octaves.entries()) {
        const planes = [1, 3, octave.height, octave.width];
        const base = carried ? bases[index].map((value, i) => value + carried[index][i]) : bases[index];
        const before = zoomPlanes(detail, 3, detailSize, octave);
        const start = base.map((value, i) => value + before[i]);
        const constant: State = {
          free: floatTensor(free[index], [1, 1, octave.height, octave.width]),
          step: scalarTensor(options.stepSize / 255),
        };
        let state: State = { image: floatTensor(start, planes) };
        if (params.picture === 'fourier') {
          constant.base = state.image;
          for (const name of ['z', 'm', 'v']) state[name] = floatTensor(new Float32Array(start.length), planes);
          state.done = scalarTensor(0);
        }
        const atOnce = dreamTilePx(params, octave) === 0 ? stepsPerRun : 1;
        for (let done = 0; done < iterations;) {
          signal.throwIfAborted();
          const steps = Math.min(atOnce, iterations - done);
          state = await advance(state, constant, octave, steps, random);
          done += steps;
          options.onStep?.({
            done: index * iterations + done,
            total: octaves.length * iterations,
            size: octave,
            base: bases[index],
            image: floatsOf(state.image),
          });
        }
        detail = floatsOf(state.image).map((value, i) => value - base[i]);
        detailSize = octave;
      }
      const added = zoomPlanes(detail, 3, detailSize, size);
      return options.detail ? added.map((value, i) => value + options.detail![i]) : added;
    },
  };
}

/** Each objective's layer in the guide picture, as `guidePositions` vectors spread evenly over it. */
async function guideVectors(
  file: DreamNetFile,
  params: DreamParams,
  picture: Frame,
  ctx: Pick<StageContext, 'nets'>,
): Promise<Tensor[]> {
  const scale = guideSide / Math.min(picture.width, picture.height);
  const guide = resizeFrame(picture, Math.round(picture.width * scale), Math.round(picture.height * scale));
  const size = { width: guide.width, height: guide.height };
  const names = params.objectives.map(({ layer }) => layer);
  const net = await ctx.nets.compiled(
    `dream-guide:${params.net}:${size.width}x${size.height}:${names.join()}`,
    async () => toModel({ outputs: file.taps(size, names) }),
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
