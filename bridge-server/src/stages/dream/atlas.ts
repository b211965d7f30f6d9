import { dreamParams } from '#protocol/effects/dream';
import { AppError } from '#protocol/errors';
import type { Frame } from '../../frame/frame';
import { readDreamNet } from '../../nets/dream-net';
import type { StageContext } from '../../pipeline/stage';
import { blur } from '../blur';
import { resizeFrame } from '../resize';
import { openDreamer } from './dreamer';
import { octaveSizes } from './octaves';

/** One picture of an atlas: what a layer, or one channel of it, makes of a picture. */
export type AtlasTile = {
  readonly layer: string;
  /** Of the layer; or the number of the one channel shown. */
  readonly channels: number;
  readonly picture: Frame;
  readonly done: number;
  readonly total: number;
};

export type AtlasOptions = {
  readonly net: string;
  /** The picture that is dreamt into; soft noise when absent. */
  readonly image?: Frame;
  /** One tile for each channel of this layer instead of one for each layer. */
  readonly channelsOf?: string;
};

/** Small enough for a page of sixty tiles, large enough to recognise what appears (methods 5.7). */
const layerTile = { width: 320, height: 180 } as const;
const channelTile = { width: 128, height: 128 } as const;

/** Grey with soft colour noise: a start in which every layer finds something, and nothing in particular. */
function noise(size: { readonly width: number; readonly height: number }, random: () => number): Frame {
  const area = size.width * size.height;
  const rgb = new Float32Array(3 * area);
  for (let c = 0; c < 3; c++) {
    const plane = blur(
      Float32Array.from({ length: area }, () => random() - 0.5),
      size.width,
      size.height,
      3,
    );
    for (let i = 0; i < area; i++) rgb[c * area + i] = 0.5 + 0.6 * plane[i];
  }
  return { index: 0, ...size, rgb };
}

function fitted(image: Frame, box: { readonly width: number; readonly height: number }): Frame {
  const scale = Math.min(1, Math.max(box.width / image.width, box.height / image.height));
  return resizeFrame(
    image,
    Math.max(64, Math.round(image.width * scale)),
    Math.max(64, Math.round(image.height * scale)),
  );
}

/**
 * What every layer of a net (or every channel of a layer) sees in a picture, one tile at a time, from the first layer
 * to the last.
 * @throws AppError NET_NOT_FOUND, NET_LAYER_UNKNOWN, CANCELLED
 */
export async function* atlas(
  options: AtlasOptions,
  ctx: Pick<StageContext, 'nets' | 'image' | 'signal' | 'random'>,
): AsyncGenerator<AtlasTile> {
  const { net, channelsOf } = options;
  const { layers } = readDreamNet(net, await ctx.nets.bytes(net), await ctx.nets.convention(net));
  const of = layers.find(({ name }) => name === channelsOf);
  if (channelsOf !== undefined && !of)
    throw new AppError('NET_LAYER_UNKNOWN', {
      name: net,
      layer: channelsOf,
      known: layers.map(({ name }) => name).join(', '),
    });
  const box = of ? channelTile : layerTile;
  const start = options.image ? fitted(options.image, box) : noise(box, ctx.random(0));
  const wanted = of
    ? Array.from({ length: of.channels }, (_, channel) => ({
        layer: of.name,
        channels: channel,
        objective: { layer: of.name, channels: [channel, channel] },
      }))
    : layers.map(({ name, channels }) => ({ layer: name, channels, objective: { layer: name } }));
  const size = { width: start.width, height: start.height };
  for (const [index, { layer, channels, objective }] of wanted.entries()) {
    ctx.signal.throwIfAborted();
    const params = dreamParams.parse({ net, objectives: [objective], octaves: of ? 3 : 2, keepLowest: !options.image });
    const dreamer = await openDreamer(params, ctx);
    const detail = await dreamer.dream(start.rgb, size, {
      octaves: octaveSizes(size, params.octaves, params.octaveScale),
      iterations: of || !options.image ? 16 : 10,
      stepSize: params.stepSize * (of || !options.image ? 2 : 1),
      random: ctx.random(1),
    });
    const rgb = start.rgb.map((value, i) => Math.min(1, Math.max(0, value + detail[i])));
    yield { layer, channels, picture: { index: 0, ...size, rgb }, done: index + 1, total: wanted.length };
  }
}
