import { z } from 'zod';
import { choice, imageRefSchema, numeric, toggle, whole } from './parameter';

/** Painting in the manner of one or more pictures. Method `optimise`: Gatys et al., CVPR 2016, with the loss and schedule of `nets/style-loss.ts`. */
export const styleParams = z.object({
  method: choice(['optimise', 'fast'], 'optimise', {
    label: 'style.method',
    help: 'Paint carefully (optimise) or with a ready-made net (fast).',
    level: 'simple',
  }),
  styles: z
    .array(z.object({ image: imageRefSchema, weight: z.number().min(0).max(10).default(1) }))
    .min(1)
    .max(8)
    .default([{ image: { painter: 'starry-night' }, weight: 1 }])
    .meta({
      label: 'style.styles',
      help: 'The pictures to paint like, with weights.',
      control: 'images',
      level: 'simple',
    }),
  strength: numeric(0, 100, 60, {
    label: 'style.strength',
    help: 'How far the painter may leave the photograph.',
    unit: '%',
    level: 'simple',
  }),
  strokePx: numeric(64, 2048, 512, {
    label: 'style.stroke',
    help: "Length of the style picture's longer side in pixels of a frame of 360 lines (or fewer, where fewer are painted): smaller means smaller strokes.",
    unit: 'px',
    level: 'simple',
  }),
  detail: choice(['draft', 'normal', 'fine'], 'normal', {
    label: 'style.detail',
    help: 'How much time goes into a frame.',
    level: 'simple',
  }),
  colour: choice(['style', 'keep', 'match'], 'style', {
    label: 'style.colour',
    help: "Colours of the style picture, of the footage (luminance only), or the style's palette matched to the footage.",
    level: 'simple',
  }),
  stickiness: numeric(0, 100, 60, {
    label: 'style.stickiness',
    help: 'How firmly paint holds on to moving things from frame to frame.',
    unit: '%',
    level: 'simple',
  }),
  workingHeight: whole(0, 2160, 0, {
    label: 'style.workingHeight',
    help: 'Lines that are painted; the rest is scaled up. 0 chooses by the machine.',
    unit: 'px',
  }),
  net: z.string().max(100).default('auto').meta({
    label: 'style.net',
    help: 'The feature net (optimise) or style net (fast).',
    control: 'net',
    level: 'more',
  }),
  iterations: whole(0, 5000, 0, {
    label: 'style.iterations',
    help: 'Steps at full size for the first frame of a shot; 0 follows "detail".',
  }),
  iterationsNext: whole(0, 5000, 0, {
    label: 'style.iterationsNext',
    help: 'Steps for each following frame, fewer where the picture stands still; 0 follows "detail".',
  }),
  scales: whole(1, 6, 3, {
    label: 'style.scales',
    help: 'Sizes of the coarse-to-fine pyramid for the first frame; more where more than 360 lines are painted.',
  }),
  loss: choice(['w2', 'gram', 'moments'], 'w2', {
    label: 'style.loss',
    help: 'What of the style is matched: covariance distance, Gram matrices, or means and deviations.',
  }),
  optimiser: choice(['adam', 'lbfgs'], 'adam', { label: 'style.optimiser', help: 'How the picture is improved.' }),
  picture: choice(['fourier', 'pixels'], 'fourier', {
    label: 'style.picture',
    help: 'Optimise decorrelated frequencies (calmer) or pixels (livelier).',
  }),
  contentWeight: numeric(0, 10, 0, {
    label: 'style.contentWeight',
    help: 'Weight of the content loss; 0 follows "strength".',
  }),
  tvWeight: numeric(0, 1, 0.02, { label: 'style.tvWeight', help: 'Weight of smoothness.' }),
  colourWeight: numeric(0, 5, 0.3, { label: 'style.colourWeight', help: 'Weight of the palette loss.' }),
  longTerm: toggle(true, {
    label: 'style.longTerm',
    help: 'Also hold on to frames further back, for things that were hidden for a moment.',
  }),
  passes: whole(1, 8, 1, { label: 'style.passes', help: 'Passes over the shot, forward and backward in turn.' }),
  flow: choice(['auto', 'classical', 'net'], 'auto', { label: 'style.flow', help: 'What finds the motion.' }),
});
export type StyleParams = z.infer<typeof styleParams>;

/** Steps for one frame: at each size of the pyramid for the first frame of a shot, and for each that follows. */
export type StepCounts = {
  /** At full size. */
  readonly first: number;
  /** At each smaller size. */
  readonly coarse: number;
  /** At most: a frame to which all paint comes as it was takes fewer. */
  readonly next: number;
};

const stepsByDetail: Readonly<Record<StyleParams['detail'], StepCounts>> = {
  draft: { first: 40, coarse: 60, next: 10 },
  normal: { first: 80, coarse: 90, next: 20 },
  fine: { first: 160, coarse: 150, next: 45 },
};

/** What "detail" means, or what was asked for; the estimate of a job counts with it too. */
export function stepCounts(params: StyleParams): StepCounts {
  const usual = stepsByDetail[params.detail];
  const first = params.iterations || usual.first;
  return {
    first,
    coarse: Math.max(1, Math.round((usual.coarse * first) / usual.first)),
    next: params.iterationsNext || usual.next,
  };
}

const plainLines = 360;
/** Also of what may be asked for: a style picture is measured at this size. */
const longestStrokes = 2048;

/**
 * The strokes and the pyramid of a frame of `width` x `height`, which grow with the picture beyond 360 lines: more lines
 * make it finer, and leave it the same picture on every machine.
 */
export function strokesFor(
  { strokePx, scales }: Pick<StyleParams, 'strokePx' | 'scales'>,
  { width, height }: { readonly width: number; readonly height: number },
): Pick<StyleParams, 'strokePx' | 'scales'> {
  const growth = Math.max(1, Math.min(width, height) / plainLines);
  // Sizes of the pyramid are a factor of sqrt(2) apart.
  return {
    strokePx: Math.min(longestStrokes, Math.round(strokePx * growth)),
    scales: scales + Math.round(2 * Math.log2(growth)),
  };
}

/** The embedded net that judges style and content, for which the painters hold statistics. */
export const embeddedFeatureNet = 'openimages';
/** The embedded net for method `fast`: takes any style. */
export const embeddedFastNet = 'fast-style';

/** What method `fast` fits a net to before the first frame. */
export type FitOrder = Pick<StyleParams, 'net' | 'styles' | 'strokePx' | 'strength'> & { readonly steps: number };

/** Raised when the same order gives other factors than before: another fit, or other painters. */
const fitVersion = 2;

/** Painters are known to the net by heart, better than steps could teach; a picture is new to it and gets some, unless it must be quick. */
export function fitOrder({ method, net, detail, styles, strokePx, strength }: StyleParams): FitOrder | undefined {
  const isNew = styles.some(({ image, weight }) => weight > 0 && !('painter' in image));
  const steps = { draft: 0, normal: 60, fine: 150 }[detail];
  if (method !== 'fast' || !isNew || steps === 0) return undefined;
  return { net: net === 'auto' ? embeddedFastNet : net, styles, strokePx, strength, steps };
}

/**
 * What a fit is filed under: whoever plans a job asks with the same words whether it is there.
 * @param nets hashes of the files of the net that paints and the one that judges
 */
export function fitKey(order: FitOrder, provider: string, nets: readonly (string | undefined)[]): string {
  return JSON.stringify([fitVersion, provider, nets, order.styles, order.strokePx, order.strength, order.steps]);
}
