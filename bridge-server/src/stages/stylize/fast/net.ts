import { floatTensor, floatsOf, scalarTensor } from '../../../frame/tensor';
import type { Tensor } from '../../../frame/tensor';
import { add, averagePool, concat, constant, input, mul, resizeBilinear, slice, sub } from '../../../graph/build';
import { describeModel, fromModel, toModel } from '../../../graph/model';
import type { ModelDescription } from '../../../graph/model';
import { applyNet } from '../../../graph/substitute';
import { dimsText, sameDims } from '../../../graph/value';
import type { Value } from '../../../graph/value';
import { toConvention } from '../../../nets/dream-net';
import type { InputConvention } from '../../../nets/dream-net';
import { holdNorms } from '../../../nets/held-norms';
import { cropWindow, planCanvas, windowOf } from '../../../nets/picture';
import type { NetSource } from '../../../pipeline/stage';
import { AppError } from '#protocol/errors';

type Size = { readonly width: number; readonly height: number };

/** The net that is embedded: takes any style. */
export const embeddedFastNet = 'fast-style';

/** What norms go by: means and deviations, [2, channels]. */
export type NormStatistics = Float32Array;

export type FastOrder = {
  /** [3, H, W] */
  readonly photograph: Float32Array;
  /** For nets that take any style: factors and offsets of the norms. */
  readonly style?: Float32Array;
  /** What the frames before have left; absent on the first of a shot. */
  readonly statistics?: NormStatistics;
  /** How much of the frame's own statistics is taken when there are earlier ones, 0..1. */
  readonly share: number;
};

/** A feed-forward style net at one size. */
export type FastNet = {
  paint(order: FastOrder): Promise<{ readonly painted: Float32Array; readonly statistics: NormStatistics }>;
};

/** Whether a net is told the style, as the embedded one is, or knows one only. */
export function takesStyle(net: ModelDescription): boolean {
  return ['image', 'style', 'features', 'painters'].every(name => net.inputs.some(each => each.name === name));
}

const noShift = { x: 0, y: 0 };

/**
 * Compiles a net for one size, with norms that can be held (`nets/held-norms.ts`) and a border that is thrown away.
 * @throws AppError NET_NOT_FOUND, NET_DAMAGED, NET_UNSUPPORTED when it takes two pictures or gives another size
 */
export async function openFastNet(nets: NetSource, name: string, size: Size): Promise<FastNet> {
  const canvas = planCanvas(size.width, size.height);
  const dims = [1, 3, canvas.windowHeight, canvas.windowWidth] as const;
  const compiled = await nets.compiled(
    `fast-style:${name}:${dims.join('x')}`,
    async () => buildAt(await nets.bytes(name), name, dims, await nets.convention(name)),
    { pixels: dims[2] * dims[3], mayHalve: true },
  );
  const statisticsInfo = compiled.inputs.find(each => each.name === 'statistics');
  const holds = statisticsInfo !== undefined;
  const channels = holds ? Number(statisticsInfo.dims[1]) : 0;
  const hasStyle = compiled.inputs.find(each => each.name === 'style');
  return {
    async paint({ photograph, style, statistics, share }) {
      const feeds: Record<string, Tensor> = { image: windowOf(photograph, 3, canvas, noShift) };
      if (hasStyle && style) feeds.style = floatTensor(style, hasStyle.dims.map(Number));
      if (holds) {
        feeds.statistics = floatTensor(statistics ?? new Float32Array(2 * channels), [2, channels]);
        feeds.share = scalarTensor(statistics ? share : 1);
      }
      const out = (await compiled.run(feeds)) as Record<string, Tensor>;
      return {
        painted: cropWindow(floatsOf(out.painted), 3, canvas, noShift),
        statistics: holds ? floatsOf(out['statistics.next']) : new Float32Array(0),
      };
    },
  };
}

/** The net as a graph: `image` RGB 0..1, perhaps `style`, `statistics` and `share`; gives `painted` RGB and `statistics.next`. */
function buildAt(
  bytes: Uint8Array,
  name: string,
  dims: readonly [number, number, number, number],
  convention: InputConvention,
): Uint8Array {
  const description = describeModel(bytes, name);
  const image = input('image', dims);
  const painted = takesStyle(description)
    ? ownNet(bytes, name, image)
    : foreignNet(bytes, name, image, description, convention);
  const held = holdNorms(painted);
  return toModel({ outputs: held ? { painted: held.image, 'statistics.next': held.statistics } : { painted } });
}

function ownNet(bytes: Uint8Array, name: string, image: Value): Value {
  const net = fromModel(bytes, { name, layers: ['painted'], anySize: true, inputDims: { image: image.dims } });
  return withTones(applyNet(net, { image }, ['painted'], { name }).get('painted') as Value, image);
}

/** As in training: averaged over such squares a painting has the colours of the photograph in the style's. */
const toneSquarePx = 16;

/** What training asks for, made sure: of a style that the net does not know well it may take bright skies for green. */
function withTones(painted: Value, image: Value): Value {
  const [, , height, width] = image.dims;
  return add(painted, resizeBilinear(averagePool(sub(image, painted), toneSquarePx), height, width));
}

/** The usual fast-neural-style nets: one picture in, one of its size out, in the same convention. */
function foreignNet(
  bytes: Uint8Array,
  name: string,
  image: Value,
  { inputs, outputs }: ModelDescription,
  convention: InputConvention,
): Value {
  if (inputs.length !== 1)
    throw new AppError('NET_UNSUPPORTED', {
      name,
      what: `${inputs.length} inputs (${inputs.map(each => each.name).join(', ')}) where a style net takes one picture`,
    });
  const [taken, given] = [inputs[0].name, outputs[0].name];
  const net = fromModel(bytes, { name, layers: [given], anySize: true, inputDims: { [taken]: image.dims } });
  const out = applyNet(net, { [taken]: toConvention(image, convention) }, [given], { name }).get(given) as Value;
  if (!sameDims(out.dims, image.dims))
    throw new AppError('NET_UNSUPPORTED', {
      name,
      what: `a picture ${dimsText(out.dims)} for one ${dimsText(image.dims)}`,
    });
  return fromConvention(out, convention);
}

function fromConvention(out: Value, { order, scale, mean }: InputConvention): Value {
  const plain = mul(add(out, constant([...mean], [1, mean.length, 1, 1])), 1 / scale);
  if (order !== 'bgr') return plain;
  return concat(
    [2, 1, 0].map(channel => slice(plain, 1, channel, channel + 1)),
    1,
  );
}
