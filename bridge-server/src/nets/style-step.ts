import {
  add,
  addAll,
  concat,
  constant,
  conv,
  div,
  input,
  matmul,
  mul,
  padPlanes,
  reshape,
  slice,
  sqrt,
  square,
  sub,
} from '../graph/build';
import { scaledGradient } from '../graph/half-model';
import { floatsOf } from '../frame/tensor';
import type { FeatureNet } from './feature-net';
import { strokeFilter } from './picture';
import { makeValue, topological } from '../graph/value';
import type { Value } from '../graph/value';
import {
  areaHues,
  contentLoss,
  featureStatistics,
  hueLoss,
  layerWeights,
  palettePlanes,
  rangeLoss,
  styleLayerLoss,
  styleTargetInputs,
  temporalLoss,
  variationLoss,
} from './style-loss';
import type { StyleLossKind } from './style-loss';
import { paletteLayer } from './style-statistics';

/** The outputs of a graph by name. */
export type Outputs = Readonly<Record<string, Value>>;

export type StyleStepOptions = {
  readonly windowWidth: number;
  readonly windowHeight: number;
  /** Size of the unknowns, [1, 3, rows, columns]. */
  readonly rows: number;
  readonly columns: number;
  readonly loss: StyleLossKind;
  /** `adam` moves the unknowns; `gradient` returns what L-BFGS on the host needs. */
  readonly update: 'adam' | 'gradient';
  /** Steps in one run: one on a CPU, several where each run costs copies to a device and back. */
  readonly steps: number;
  /** Statistics over the part of the picture that a mask marks. */
  readonly masked: boolean;
};

/** Order of the numbers in the `weights` input and, after the total, in the `losses` output. */
export const lossTerms = ['style', 'content', 'palette', 'variation', 'temporal', 'anchor', 'range', 'hue'] as const;
export type LossTerm = (typeof lossTerms)[number];
export type LossWeights = Readonly<Record<LossTerm, number>>;

/** Prefix of the target inputs of the anchor, a palette of areas (the coarsest pool). */
export const anchorPrefix = 'anchor';

/** Adam's decay of first and second moments (feature-nets.md 2.7). */
export const adamBetas = [0.9, 0.99] as const;
const adamEpsilon = 1e-10;
/** Numbers per step in the `hyper` input: step size over bias correction, bias correction of the second moment, decay of the average. */
export const hyperCount = 3;

/**
 * One or more optimiser steps on a picture as outputs of a graph. Inputs besides those of the style targets
 * (`styleTargetInputs`, prefix `style.<layer>`):
 *   z [1, 3, K, L]; rows [H, K], columns [L, W], gain [3, K, L], palette [3, 3] (see `picture.ts`);
 *   base [1, 3, H, W] the start;
 *   content, hues: what of the photograph is kept (`contentFeatures`); temporal [1, 3, H, W] with temporalWeight
 *   [1, 1, H, W];
 *   anchor.*: palette statistics that the shot should not drift from; mask [1, 1, H, W] when masked;
 *   weights [8] as `lossTerms`; for Adam m, v, average as z, and hyper [steps, 3].
 * Outputs: z, m, v, average (or gradient), and losses [steps, 9]: total and terms, before each step.
 */
export function styleStep(net: FeatureNet, options: StyleStepOptions): Outputs {
  const { windowWidth: width, windowHeight: height, rows, columns } = options;
  const unknowns = (name: string) => input(name, [1, 3, rows, columns]);
  const base = input('base', [1, 3, height, width]);
  const left = input('rows', [height, rows]);
  const right = input('columns', [columns, width]);
  const gain = input('gain', [3, rows, columns]);
  const palette = input('palette', [3, 3]);
  const temporal = {
    target: input('temporal', [1, 3, height, width]),
    weight: input('temporalWeight', [1, 1, height, width]),
  };
  const mask = options.masked ? input('mask', [1, 1, height, width]) : undefined;
  const weights = input('weights', [lossTerms.length]);
  const weightOf = (term: LossTerm) =>
    reshape(slice(weights, 0, lossTerms.indexOf(term), lossTerms.indexOf(term) + 1), []);
  const targets = new Map<string, ReturnType<typeof styleTargetInputs>>();
  const targetOf = (kind: StyleLossKind, prefix: string, channels: number) => {
    const known = targets.get(prefix) ?? styleTargetInputs(kind, prefix, channels);
    targets.set(prefix, known);
    return known;
  };
  let contentTarget: Value | undefined;
  let hueTarget: Value | undefined;

  const toPicture = (z: Value) => {
    const planes = reshape(matmul(matmul(left, mul(z, gain)), right), [3, height * width]);
    return add(base, reshape(matmul(palette, planes), [1, 3, height, width]));
  };

  const look = (image: Value) => ({ features: net.features(image), palettes: palettePlanes(image) });

  /** @param still the same picture, as one through which no gradient flows */
  const termsOf = (image: Value, still: Value): Record<LossTerm, Value> => {
    const [seen, twin] = [look(image), look(still)];
    const featureAt = (layer: string) => seen.features.get(layer) as Value;
    const statisticsOf = (planes: Value, stillPlanes: Value, picture: Value | undefined) =>
      featureStatistics(planes, stillPlanes, picture === undefined ? undefined : layerWeights(picture, planes));
    const style = net.recipe.style.map(layer => {
      const planes = featureAt(layer);
      const statistics = statisticsOf(planes, twin.features.get(layer) as Value, mask);
      return styleLayerLoss(options.loss, statistics, targetOf(options.loss, `style.${layer}`, planes.dims[1]));
    });
    const palettes = seen.palettes.map(({ pool, planes }, i) => {
      const statistics = statisticsOf(planes, twin.palettes[i].planes, mask);
      const lossTo = (prefix: string) => styleLayerLoss('w2', statistics, targetOf('w2', prefix, 3));
      const prefix = `style.${paletteLayer(pool)}`;
      return { style: lossTo(prefix), target: targetOf('w2', prefix, 3), lossTo };
    });
    const areas = palettes[palettes.length - 1];
    const content = featureAt(net.recipe.content);
    contentTarget ??= input('content', content.dims);
    const hues = areaHues(seen.palettes);
    hueTarget ??= input('hues', hues.dims);
    return {
      style: addAll(style),
      content: contentLoss(content, contentTarget),
      palette: mul(addAll(palettes.map(each => each.style)), 1 / palettes.length),
      variation: variationLoss(image),
      range: rangeLoss(image),
      temporal: temporalLoss(image, temporal.target, temporal.weight),
      anchor: areas.lossTo(anchorPrefix),
      hue: hueLoss(hues, hueTarget, areas.target.trace),
    };
  };

  let z: Value = unknowns('z');
  const losses: Value[] = [];
  const gradientAt = () => {
    const terms = termsOf(toPicture(z), toPicture(makeValue({ ...z })));
    const total = addAll(lossTerms.map(term => mul(reshape(terms[term], []), weightOf(term))));
    losses.push(...[total, ...lossTerms.map(term => terms[term])].map(value => reshape(value, [1])));
    return scaledGradient(total, [z])[0];
  };
  const lossTable = () => reshape(concat(losses, 0), [losses.length / (lossTerms.length + 1), lossTerms.length + 1]);
  if (options.update === 'gradient') return { gradient: gradientAt(), losses: lossTable() };

  const hyper = input('hyper', [options.steps, hyperCount]);
  let [m, v, average] = [unknowns('m'), unknowns('v'), unknowns('average')];
  for (let step = 0; step < options.steps; step++) {
    const g = gradientAt();
    const at = (column: number) => reshape(slice(slice(hyper, 0, step, step + 1), 1, column, column + 1), []);
    m = add(mul(m, adamBetas[0]), mul(g, 1 - adamBetas[0]));
    v = add(mul(v, adamBetas[1]), mul(square(g), 1 - adamBetas[1]));
    z = sub(z, div(mul(m, at(0)), add(sqrt(mul(v, at(1))), adamEpsilon)));
    average = add(z, mul(sub(average, z), at(2)));
  }
  return { 'z.next': z, 'm.next': m, 'v.next': v, 'average.next': average, losses: lossTable() };
}

/** What a graph is fed, each name once: twins of a picture bring inputs of their own that are the same input. */
export function inputsOf(outputs: Outputs): Value[] {
  const inputs = topological(Object.values(outputs)).filter(value => value.op === 'Input');
  return [...new Map(inputs.map(value => [value.name, value])).values()];
}

/** The picture itself: inputs as in `styleStep` (z, rows, columns, gain, palette, base), output `image`. */
export function decodePicture(
  options: Pick<StyleStepOptions, 'windowWidth' | 'windowHeight' | 'rows' | 'columns'>,
): Outputs {
  const { windowWidth: width, windowHeight: height, rows, columns } = options;
  const z = input('z', [1, 3, rows, columns]);
  const planes = matmul(
    matmul(input('rows', [height, rows]), mul(z, input('gain', [3, rows, columns]))),
    input('columns', [columns, width]),
  );
  const coloured = reshape(matmul(input('palette', [3, 3]), reshape(planes, [3, height * width])), [
    1,
    3,
    height,
    width,
  ]);
  return { image: add(input('base', [1, 3, height, width]), coloured) };
}

/** What of a photograph a painting is held to. Input `image` [1, 3, H, W], outputs `content` and `hues`. */
export function contentFeatures(net: FeatureNet, width: number, height: number): Outputs {
  const image = input('image', [1, 3, height, width]);
  return { content: net.features(image).get(net.recipe.content) as Value, hues: areaHues(palettePlanes(image)) };
}

function withoutHatching(image: Value): Value {
  const { kernel, reachPx } = strokeFilter();
  const padded = padPlanes(image, reachPx, reachPx, reachPx, reachPx, 'reflect');
  return conv(padded, constant(floatsOf(kernel), kernel.dims), undefined, { group: 3 });
}

/**
 * Statistics of a picture: input `image`, outputs `mean.<layer>` and `covariance.<layer>`, the palette included.
 * @param asStyle without what strokes cannot show (`strokeFilter`)
 */
export function pictureStatistics(net: FeatureNet, width: number, height: number, asStyle: boolean): Outputs {
  const given = input('image', [1, 3, height, width]);
  const image = asStyle ? withoutHatching(given) : given;
  const features = net.features(image);
  const layers = net.recipe.style.map(layer => ({ layer, planes: features.get(layer) as Value }));
  const palettes = palettePlanes(image).map(({ pool, planes }) => ({ layer: paletteLayer(pool), planes }));
  const outputs: Record<string, Value> = {};
  for (const { layer, planes } of [...layers, ...palettes]) {
    const { mean, still } = featureStatistics(planes, planes);
    outputs[`mean.${layer}`] = mean;
    outputs[`covariance.${layer}`] = still;
  }
  return outputs;
}
