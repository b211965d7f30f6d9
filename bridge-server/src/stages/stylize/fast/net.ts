import { floatTensor, floatsOf, scalarTensor } from '../../../frame/tensor';
import type { Tensor } from '../../../frame/tensor';
import { add, averagePool, input, resizeBilinear, sub } from '../../../graph/build';
import { fromModel, toModel } from '../../../graph/model';
import type { ModelDescription } from '../../../graph/model';
import { applyNet } from '../../../graph/substitute';
import type { Value } from '../../../graph/value';
import { holdNorms } from '../../../nets/held-norms';
import { cropWindow, planCanvas, windowOf } from '../../../nets/picture';
import type { NetSource } from '../../../pipeline/stage';

type Size = { readonly width: number; readonly height: number };

/** What norms go by (`nets/held-norms.ts`). */
export type NormStatistics = Float32Array;

export type FastOrder = {
  /** [3, H, W] */
  readonly photograph: Float32Array;
  /** For nets that take any style: factors and offsets of the norms, or the code of a style picture. */
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

/** Whether a net is told the style as the embedded one is. */
export function isOwnNet(net: ModelDescription): boolean {
  return ['image', 'style', 'features', 'painters'].every(name => net.inputs.some(each => each.name === name));
}

const noShift = { x: 0, y: 0 };

/**
 * Compiles a net for one size, with norms that can be held (`nets/held-norms.ts`) and a border that is thrown away.
 * @param key the net's name and all else that `build` depends on
 * @param build a picture RGB from the input `image`, RGB 0..1, perhaps told the input `style`
 * @throws AppError NET_NOT_FOUND, NET_DAMAGED, NET_UNSUPPORTED
 */
export async function openFastNet(
  nets: NetSource,
  key: string,
  size: Size,
  build: (image: Value) => Promise<Value>,
): Promise<FastNet> {
  const canvas = planCanvas(size.width, size.height);
  const dims = [1, 3, canvas.windowHeight, canvas.windowWidth] as const;
  const compiled = await nets.compiled(
    `fast-style:${key}:${dims.join('x')}`,
    async () => {
      const painted = await build(input('image', dims));
      const held = holdNorms(painted);
      return toModel({ outputs: held ? { painted: held.image, 'statistics.next': held.statistics } : { painted } });
    },
    { mayHalve: true },
  );
  const dimsOf = (name: string) => compiled.inputs.find(each => each.name === name)?.dims.map(Number);
  const [styleDims, statisticsDims] = [dimsOf('style'), dimsOf('statistics')];
  return {
    async paint({ photograph, style, statistics, share }) {
      const feeds: Record<string, Tensor> = { image: windowOf(photograph, 3, canvas, noShift) };
      if (styleDims && style) feeds.style = floatTensor(style, styleDims);
      if (statisticsDims) {
        feeds.statistics = floatTensor(statistics ?? new Float32Array(statisticsDims[0]), statisticsDims);
        feeds.share = scalarTensor(statistics ? share : 1);
      }
      const out = (await compiled.run(feeds)) as Record<string, Tensor>;
      return {
        painted: cropWindow(floatsOf(out.painted), 3, canvas, noShift),
        statistics: statisticsDims ? floatsOf(out['statistics.next']) : new Float32Array(0),
      };
    },
  };
}

/** The net that is embedded, told a style by the factors and offsets of its norms. */
export function openOwnNet(nets: NetSource, name: string, size: Size): Promise<FastNet> {
  return openFastNet(nets, name, size, async image => ownNet(await nets.bytes(name), name, image));
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
