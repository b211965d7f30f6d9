import { AppError } from '#protocol/errors';
import { add, concat, constant, mul, slice } from '../graph/build';
import { describeModel, fromModel } from '../graph/model';
import type { ReadModel } from '../graph/model';
import { applyNet } from '../graph/substitute';
import type { Value } from '../graph/value';

/**
 * How a net is used as a judge of style: which layers, what it wants to be fed, and how much the content counts.
 * The choices were made by eye, net by net (feature-nets.md, section 3).
 */
export type FeatureRecipe = {
  /** For messages and cache keys. */
  readonly name: string;
  readonly style: readonly string[];
  readonly content: string;
  /** What a picture of a landscape needs; faces need about three times as much. */
  readonly contentWeight: number;
  /** The net's input is `scale * x + offset` per channel of x (RGB 0..1), the channels turned round for BGR. */
  readonly scale: number;
  readonly offset: readonly [number, number, number];
  readonly bgr: boolean;
};

const caffeMean = (scale: number, blue: number, green: number, red: number) =>
  ({ scale, offset: [-blue, -green, -red], bgr: true }) as const;
const plain = { scale: 1, offset: [0, 0, 0], bgr: false } as const;
const plusMinusOne = { scale: 2, offset: [-1, -1, -1], bgr: false } as const;

const mobileNet = (name: string, prefix: string): FeatureRecipe => ({
  name,
  // The expanded maps: the linear bottlenecks, and layers deeper than the tenth, add red and green grain.
  style: ['Conv', ...[1, 3, 6, 10].map(block => `expanded_conv_${block}/expand`)].map(
    layer => `${prefix}${layer}/Relu6`,
  ),
  content: `${prefix}expanded_conv_5/add`,
  contentWeight: 0.015,
  ...plusMinusOne,
});

/** In the order in which they are tried on a net whose name says nothing. */
export const featureRecipes: readonly FeatureRecipe[] = [
  // The embedded cut, and the same net under its own names.
  {
    name: 'openimages',
    style: ['Conv', 'ec1/expand', 'ec3/expand', 'ec6/expand', 'ec10/expand'],
    content: 'ec5/add',
    contentWeight: 0.015,
    ...plusMinusOne,
  },
  mobileNet('openimages', 'FeatureExtractor/MobilenetV2/'),
  mobileNet('mobilenet_v2', 'MobilenetV2/'),
  {
    name: 'vgg19',
    style: ['relu1_1', 'relu2_1', 'relu3_1', 'relu4_1', 'relu5_1'],
    content: 'relu4_2',
    contentWeight: 0.05,
    ...caffeMean(256, 103.939, 116.779, 123.68),
  },
  {
    name: 'vgg19',
    style: ['conv1_1', 'conv2_1', 'conv3_1', 'conv4_1', 'conv5_1'],
    content: 'conv4_2',
    contentWeight: 0.05,
    ...caffeMean(256, 103.939, 116.779, 123.68),
  },
  // Folds mean and channel order into its first layer.
  {
    name: 'wct16x',
    style: ['relu1_1', 'relu2_1', 'relu3_1', 'relu4_1', 'relu5_1'],
    content: 'relu4_1',
    contentWeight: 0.05,
    ...plain,
  },
  { name: 'vgg19-3', style: ['relu1_1', 'relu2_1', 'relu3_1'], content: 'relu3_1', contentWeight: 0.04, ...plain },
  {
    name: 'googlenet',
    style: ['conv1/7x7_s2', 'conv2/3x3', 'inception_3a/output', 'inception_3b/output', 'inception_4b/output'],
    content: 'inception_3b/output',
    contentWeight: 0.15,
    ...caffeMean(255, 104, 117, 123),
  },
  {
    name: 'squeezenet',
    style: ['conv1', 'fire2/concat', 'fire3/concat', 'fire5/concat', 'fire7/concat'],
    content: 'fire5/concat',
    contentWeight: 0.12,
    ...caffeMean(255, 104, 117, 123),
  },
  {
    name: 'squeezenet',
    style: ['conv1', 'fire2', 'fire3', 'fire5', 'fire7'],
    content: 'fire5',
    contentWeight: 0.12,
    ...caffeMean(255, 104, 117, 123),
  },
];

/**
 * The recipe for a net: the first whose layers the net has, one of the net's own name before the others.
 * @throws AppError NET_LAYER_UNKNOWN when the net has no recipe's layers
 */
export function chooseRecipe(name: string, layers: ReadonlySet<string>): FeatureRecipe {
  const fitting = featureRecipes.filter(recipe => [...recipe.style, recipe.content].every(layer => layers.has(layer)));
  const chosen = fitting.find(recipe => name.toLowerCase().startsWith(recipe.name)) ?? fitting[0];
  if (chosen === undefined) {
    const known = [...new Set(featureRecipes.map(recipe => recipe.style[0]))].join(', ');
    throw new AppError('NET_LAYER_UNKNOWN', {
      name,
      layer: `that a style loss knows, beginning with one of ${known}`,
      known: [...layers].slice(0, 20).join(', '),
    });
  }
  return chosen;
}

/** A net that judges pictures. */
export type FeatureNet = {
  readonly recipe: FeatureRecipe;
  /** The recipe's layers by name, from a picture [1, 3, H, W] in RGB 0..1. */
  readonly features: (image: Value) => ReadonlyMap<string, Value>;
};

/**
 * A net from its file, cut at the layers that its recipe needs.
 * @throws AppError NET_DAMAGED, NET_UNSUPPORTED, NET_LAYER_UNKNOWN
 */
export function readFeatureNet(name: string, bytes: Uint8Array): FeatureNet {
  const { inputs, layers } = describeModel(bytes, name);
  const recipe = chooseRecipe(name, new Set(layers));
  const wanted = [...new Set([...recipe.style, recipe.content])];
  // Read once a size, however many steps of a graph use it: the weights are many megabytes.
  const bySize = new Map<string, ReadModel>();
  return {
    recipe,
    features(image) {
      const size = image.dims.join('x');
      const net =
        bySize.get(size) ??
        fromModel(bytes, { name, layers: wanted, anySize: true, inputDims: { [inputs[0].name]: image.dims } });
      bySize.set(size, net);
      // Padding repeats the edge: zeros teach a dark or bright frame, which on video would also move along with the
      // paint (methods reference 1.5).
      return applyNet(net, { [inputs[0].name]: toNetInput(image, recipe) }, wanted, { name, padding: 'replicate' });
    },
  };
}

/** From RGB 0..1 to what the net was trained on. @param image [1, 3, H, W] */
export function toNetInput(image: Value, recipe: FeatureRecipe): Value {
  const ordered = recipe.bgr
    ? concat(
        [2, 1, 0].map(channel => slice(image, 1, channel, channel + 1)),
        1,
      )
    : image;
  if (recipe.scale === 1 && recipe.offset.every(offset => offset === 0)) return ordered;
  return add(mul(ordered, recipe.scale), constant(recipe.offset, [1, 3, 1, 1]));
}
