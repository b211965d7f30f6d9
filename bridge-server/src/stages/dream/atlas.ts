import { dreamParams } from '#protocol/effects/dream';
import { AppError } from '#protocol/errors';
import type { Frame } from '../../frame/frame';
import type { NetSource, StageContext } from '../../pipeline/stage';
import { blur } from '../blur';
import { resizeFrame } from '../resize';
import { openDreamer, openDreamNet } from './dreamer';
import { octaveSizes } from './octaves';

/** One picture of an atlas: what a layer, or one channel of it, makes of a picture. */
export type AtlasTile = {
  readonly layer: string;
  /** Of the layer. */ readonly channels: number;
  readonly channel?: number;
};

export type Atlas = {
  /** From the first layer (or channel) to the last. */
  readonly tiles: readonly AtlasTile[];
  paint(tile: AtlasTile): Promise<Frame>;
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
 * What every layer of a net (or every channel of a layer) sees in a picture. Dreamt in frequencies through robust views:
 * a thumbnail shows the forms that a layer knows, not the noise that also moves it.
 * @throws AppError NET_NOT_FOUND, NET_LAYER_UNKNOWN; `paint` CANCELLED too
 */
export async function openAtlas(
  { net, channelsOf, image }: AtlasOptions,
  ctx: Pick<StageContext, 'nets' | 'image' | 'signal' | 'random'>,
): Promise<Atlas> {
  const file = await openDreamNet(net, ctx);
  // A tile's nets are never used again: kept, the memory of their runs would add up to gigabytes.
  const compiled: NetSource['compiled'] = (key, build, options) =>
    ctx.nets.compiled(key, build, { ...options, keepMemory: false });
  const forOneTile = { ...ctx, nets: { ...ctx.nets, compiled } };
  const of = file.maps.find(({ name }) => name === channelsOf);
  if (channelsOf !== undefined && !of)
    throw new AppError('NET_LAYER_UNKNOWN', {
      name: net,
      layer: channelsOf,
      known: file.layers.map(({ name }) => name).join(', '),
    });
  const box = of ? channelTile : layerTile;
  const start = image ? fitted(image, box) : noise(box, ctx.random(0));
  const size = { width: start.width, height: start.height };
  const tiles = of
    ? Array.from({ length: of.channels }, (_, channel) => ({ layer: of.name, channels: of.channels, channel }))
    : file.layers.map(({ name, channels }) => ({ layer: name, channels }));
  return {
    tiles,
    async paint({ layer, channel }: AtlasTile) {
      const params = dreamParams.parse({
        net,
        objectives: [{ layer, ...(channel === undefined ? {} : { channels: [channel, channel] }) }],
        octaves: of ? 3 : 2,
        picture: 'fourier',
        robust: true,
        jitter: 8,
      });
      const dreamer = await openDreamer(params, forOneTile, file);
      const detail = await dreamer.dream(start.rgb, size, {
        octaves: octaveSizes(size, params.octaves, params.octaveScale),
        iterations: image ? 10 : 16,
        stepSize: params.stepSize * (image ? 1 : 2),
        random: ctx.random(1),
      });
      return { index: 0, ...size, rgb: start.rgb.map((value, i) => Math.min(1, Math.max(0, value + detail[i]))) };
    },
  };
}
