import { numbers, type OpName } from '../graph/shapes';
import { topological } from '../graph/value';
import type { Value } from '../graph/value';

/** How a place of a map sees the picture: pixels from one place to the next, and pixels seen to each side. */
type Sight = { readonly step: number; readonly reach: number };

const pointwise: ReadonlySet<string> = new Set<OpName>([
  ...([
    'Abs',
    'Add',
    'Cast',
    'Clip',
    'Concat',
    'Div',
    'Elu',
    'Exp',
    'Identity',
    'LeakyRelu',
    'Log',
    'Max',
    'Min',
  ] as const),
  ...(['Mul', 'Neg', 'Pad', 'PRelu', 'Pow', 'Reciprocal', 'Relu', 'Sigmoid', 'Slice', 'Sqrt', 'Sub', 'Tanh'] as const),
]);
/** Averages of a whole map: not of a place. They are shared between tiles (`shared-means.ts`). */
const averages: ReadonlySet<string> = new Set<OpName>(['GlobalAveragePool', 'ReduceMean']);
/** Places to each side that enlarging takes, by its kind. */
const resizeReach: Readonly<Record<string, number>> = { nearest: 0.5, linear: 1, cubic: 2 };

/**
 * How far from a pixel the picture still matters to what a net draws there, in pixels of the picture.
 * @param picture the net's input [1, C, H, W]
 * @returns undefined for a net with parts that do not see by place (transformers)
 */
export function receptiveField(output: Value, picture: Value): number | undefined {
  const sights = new Map<Value, Sight>([[picture, { step: 1, reach: 0 }]]);
  for (const value of topological([output])) {
    const seen = value.inputs.map(input => sights.get(input)).filter(sight => sight !== undefined);
    if (seen.length === 0 || averages.has(value.op)) continue;
    const { step } = seen[0];
    const sight = sightOf(value, { step, reach: Math.max(...seen.map(({ reach }) => reach)) });
    if (sight === undefined) return undefined;
    sights.set(value, sight);
  }
  const sight = sights.get(output);
  return sight && Math.ceil(sight.reach);
}

function sightOf(value: Value, { step, reach }: Sight): Sight | undefined {
  const { op, attrs, inputs, dims } = value;
  if (pointwise.has(op)) return { step, reach };
  switch (op) {
    case 'Conv':
    case 'ConvTranspose':
    case 'MaxPool':
    case 'AveragePool': {
      const kernel = attrs.kernel_shape === undefined ? inputs[1].dims.slice(2) : numbers(attrs, 'kernel_shape');
      const dilations = attrs.dilations === undefined ? [1, 1] : numbers(attrs, 'dilations');
      const pads = numbers(attrs, 'pads');
      // To the side that the padding leaves longer.
      const places = Math.max(
        ...kernel.map((size, axis) => Math.max(pads[axis], (size - 1) * dilations[axis] - pads[axis])),
      );
      const [stride] = numbers(attrs, 'strides');
      return op === 'ConvTranspose'
        ? { step: step / stride, reach: reach + (step * places) / stride }
        : { step: step * stride, reach: reach + step * places };
    }
    case 'Resize': {
      const places = resizeReach[String(attrs.mode)];
      return { step: (step * inputs[0].dims[2]) / dims[2], reach: reach + step * places };
    }
    case 'DepthToSpace':
      return { step: (step * inputs[0].dims[2]) / dims[2], reach };
    case 'SpaceToDepth':
      return { step: (step * inputs[0].dims[2]) / dims[2], reach: reach + step };
    default:
      return undefined;
  }
}
