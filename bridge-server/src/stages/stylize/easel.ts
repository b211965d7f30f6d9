import { readFeatureNet } from '../../nets/feature-net';
import type { FeatureNet } from '../../nets/feature-net';
import { createBasis, planCanvas } from '../../nets/picture';
import type { PictureKind } from '../../nets/picture';
import { contentFeatures, decodePicture, inputsOf, styleStep } from '../../nets/style-step';
import type { StyleLossKind } from '../../nets/style-loss';
import { toModel } from '../../graph/model';
import type { NetSource } from '../../pipeline/stage';
import type { Easel } from './paint';

export type EaselOptions = {
  readonly net: string;
  readonly width: number;
  readonly height: number;
  readonly loss: StyleLossKind;
  readonly picture: PictureKind;
  readonly optimiser: 'adam' | 'lbfgs';
  readonly masked: boolean;
};

/** Nets that run a few times a frame give their memory back to the steps between them. */
const seldom = { keepMemory: false };
/** Each run on a device costs copies of the state to it and back (engine reference, section 5). */
const stepsPerRunOnDevice = 5;

export type FeatureSource = { readonly name: string; load(): Promise<FeatureNet> };

/** Reads a feature net once, when first needed. */
export function createFeatureSource(nets: NetSource, name: string): FeatureSource {
  let loading: Promise<FeatureNet> | undefined;
  return { name, load: () => (loading ??= nets.bytes(name).then(bytes => readFeatureNet(name, bytes))) };
}

/** Compiles what painting at one size needs. @throws AppError NET_NOT_FOUND, NET_LAYER_UNKNOWN, NET_LOAD_FAILED, OUT_OF_MEMORY */
export async function openEasel(nets: NetSource, features: FeatureSource, options: EaselOptions): Promise<Easel> {
  const { optimiser, masked, loss, picture } = options;
  const canvas = planCanvas(options.width, options.height);
  const basis = createBasis(picture, canvas);
  const stepsPerRun = optimiser === 'adam' && nets.provider !== 'cpu' ? stepsPerRunOnDevice : 1;
  const { windowWidth, windowHeight } = canvas;
  const shape = { windowWidth, windowHeight, rows: basis.rows, columns: basis.columns };
  const size = `${windowWidth}x${windowHeight}`;
  const update = optimiser === 'adam' ? 'adam' : 'gradient';
  const step = await nets.compiled(
    `style-step:${features.name}:${size}:${loss}:${update}:${stepsPerRun}:${masked ? 'masked' : 'whole'}`,
    async () => {
      const outputs = styleStep(await features.load(), { ...shape, loss, update, steps: stepsPerRun, masked });
      return toModel({ inputs: inputsOf(outputs), outputs });
    },
    { mayHalve: true, keepOnDevice: update === 'adam' ? ['z.next', 'm.next', 'v.next', 'average.next'] : [] },
  );
  const decode = await nets.compiled(
    `style-picture:${size}`,
    async () => toModel({ outputs: decodePicture(shape) }),
    seldom,
  );
  const content = await nets.compiled(
    `style-content:${features.name}:${size}`,
    async () => toModel({ outputs: contentFeatures(await features.load(), windowWidth, windowHeight) }),
    { ...seldom, mayHalve: true },
  );
  return { canvas, basis, optimiser, stepsPerRun, masked, step, decode, content };
}
