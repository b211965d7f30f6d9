import {
  addAll,
  averagePool,
  concat,
  constant,
  conv,
  input,
  matmul,
  meanAll,
  mul,
  reshape,
  square,
  sub,
} from '../graph/build';
import { gradient } from '../graph/gradient';
import { makeValue } from '../graph/value';
import type { Value } from '../graph/value';
import type { FeatureNet } from './feature-net';
import {
  chromaOf,
  contentLoss,
  featureStatistics,
  palettePlanes,
  rangeLoss,
  styleLayerLoss,
  styleTargetInputs,
  variationLoss,
} from './style-loss';
import { paletteLayer } from './style-statistics';
import type { Outputs } from './style-step';

/** The loss sees the painted crop at a random place: a net that is judged at one phase of the judge's grid learns to weave on it. */
export const trainingShiftPx = 16;

/** Weights beside 1 for each style layer and the input `contentWeight`. */
const paletteWeight = 0.3;
const variationWeight = 2;
/**
 * The photograph comes in the colours of the style already: averaged over squares of this side, the painting keeps them.
 * Without this a net learns hues by brightness (green hair) and a darker frame around the picture.
 */
const toneSquarePx = 16;
const toneWeight = 20;
/** Hues are kept over smaller squares too: coloured fringes at outlines are no brushwork. */
const chromaSquarePx = 4;
const chromaWeight = 10;
const rangeWeight = 20;
const weaveWeight = 1;

export const trainingTerms = ['style', 'content', 'palette', 'tone', 'chroma', 'weave', 'variation', 'range'] as const;

/**
 * One step of training on one picture, without the optimiser: losses and their gradients.
 * Inputs: image [1, 3, side + shift, side + shift] in the colours of the style; rows [side, side + shift] and columns
 * [side + shift, side], which cut out what is judged; contentWeight []; the style's targets (`styleTargetInputs`).
 * Outputs: losses [9], the total and the terms; `gradient.<name>` of each variable.
 * @param paint the net: a picture from a picture, computed from the variables
 */
export function fastStyleTrainingStep(
  net: FeatureNet,
  sidePx: number,
  paint: (image: Value) => Value,
  variables: Readonly<Record<string, Value>>,
): Outputs {
  const whole = sidePx + trainingShiftPx;
  const image = input('image', [1, 3, whole, whole]);
  const rows = input('rows', [sidePx, whole]);
  const columns = input('columns', [whole, sidePx]);
  const cut = (planes: Value) => matmul(matmul(rows, planes), columns);
  const painted = cut(paint(image));
  // Gradients are taken toward the painted picture first, so that its copy can be the twin through which none flows.
  const still = makeValue({ ...painted });
  const [seen, twin] = [painted, still].map(picture => net.features(picture));
  const layerLosses = net.recipe.style.map(layer => {
    const planes = seen.get(layer) as Value;
    const target = styleTargetInputs('w2', `style.${layer}`, planes.dims[1]);
    return reshape(styleLayerLoss('w2', featureStatistics(planes, twin.get(layer) as Value), target), []);
  });
  const stillPalettes = palettePlanes(still);
  const palettes = palettePlanes(painted).map(({ pool, planes }, at) => {
    const target = styleTargetInputs('w2', `style.${paletteLayer(pool)}`, 3);
    return reshape(styleLayerLoss('w2', featureStatistics(planes, stillPalettes[at].planes), target), []);
  });
  const photograph = cut(image);
  const content = net.features(photograph).get(net.recipe.content) as Value;
  const terms: Record<(typeof trainingTerms)[number], Value> = {
    style: addAll(layerLosses),
    content: reshape(contentLoss(seen.get(net.recipe.content) as Value, content), []),
    palette: mul(addAll(palettes), 1 / palettes.length),
    tone: meanSquare(sub(averagePool(painted, toneSquarePx), averagePool(photograph, toneSquarePx))),
    chroma: meanSquare(chromaOf(averagePool(sub(painted, photograph), chromaSquarePx))),
    weave: weaveLoss(painted),
    variation: variationLoss(painted),
    range: rangeLoss(painted),
  };
  const total = addAll([
    terms.style,
    mul(terms.content, input('contentWeight', [])),
    mul(terms.palette, paletteWeight),
    mul(terms.tone, toneWeight),
    mul(terms.chroma, chromaWeight),
    mul(terms.weave, weaveWeight),
    mul(terms.variation, variationWeight),
    mul(terms.range, rangeWeight),
  ]);
  const names = Object.keys(variables);
  const slopes = gradient(painted, Object.values(variables), gradient(total, [painted])[0]);
  return {
    losses: concat(
      [total, ...trainingTerms.map(term => terms[term])].map(each => reshape(each, [1])),
      0,
    ),
    ...Object.fromEntries(names.map((name, at) => [`gradient.${name}`, slopes[at]])),
  };
}

const meanSquare = (value: Value): Value => meanAll(square(value));

/** Second differences, across and down at once. */
const secondDifferences = [1, -2, 1, -2, 4, -2, 1, -2, 1];

/**
 * Mean square of second differences across and down, two pixels apart: hardly anything at outlines and in broad strokes,
 * much in a weave of four to six pixels, with which nets like to fill flat skies.
 */
function weaveLoss(image: Value): Value {
  const kernel = constant([...secondDifferences, ...secondDifferences, ...secondDifferences], [3, 1, 3, 3]);
  return meanSquare(conv(image, kernel, undefined, { group: 3, dilations: 2 }));
}
