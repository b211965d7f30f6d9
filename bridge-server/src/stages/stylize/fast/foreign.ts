import { floatTensor, floatsOf } from '../../../frame/tensor';
import type { Tensor } from '../../../frame/tensor';
import type { Frame } from '../../../frame/frame';
import { input } from '../../../graph/build';
import { toModel } from '../../../graph/model';
import type { Value } from '../../../graph/value';
import { foreignStyle, readForeignStyleNet } from '../../../nets/foreign-style';
import type { ForeignStyleNet } from '../../../nets/foreign-style';
import type { PicturePort } from '../../../nets/style-ports';
import type { StageContext } from '../../../pipeline/stage';
import type { StyleParams } from '#protocol/effects/style';
import { resizeFrame } from '../../resize';
import { usedStyles } from '../targets';
import { openFastNet } from './net';
import type { FastNet } from './net';

type Size = { readonly width: number; readonly height: number };

export type ForeignPainter = {
  readonly net: FastNet;
  /** The styles as the net is told them; empty for a net of one style. */
  readonly code: Float32Array;
  /** Whether the strength is the net's own matter. */
  readonly knowsStrength: boolean;
};

/** A net without a strength paints fully at this one, and above. */
export const fullStrength = 60;
/** Steps of the usual encoders divide it. */
const styleGridPx = 16;
/** Sides of style pictures for which such nets are made. */
const styleSides = [128, 1024] as const;
/** The style's code does not depend on the content; some is needed to take the net apart. */
const anyContent = [1, 3, 64, 64] as const;

/**
 * Compiles a net of the user for one size; several styles are averaged in the net's own terms.
 * @throws AppError NET_NOT_FOUND, NET_DAMAGED, NET_UNSUPPORTED, FILE_NOT_FOUND, IMAGE_UNREADABLE, PARAMETER_WRONG
 */
export async function openForeignPainter(
  ctx: Pick<StageContext, 'nets' | 'image'>,
  name: string,
  params: StyleParams,
  size: Size,
): Promise<ForeignPainter> {
  const foreign = readForeignStyleNet(name, await ctx.nets.bytes(name), await ctx.nets.convention(name));
  const strength = Math.min(1, params.strength / fullStrength);
  const { style: port } = foreign.ports;
  const knowsStrength = foreign.ports.strength !== undefined;
  const code = port ? await codeOf(ctx, foreign, port, params, strength) : { numbers: new Float32Array(0), size };
  const key = [name, ...(port ? [`${code.size.width}x${code.size.height}`] : []), ...(knowsStrength ? [strength] : [])];
  const net = await openFastNet(
    ctx.nets,
    key.join(':'),
    size,
    async image => foreignStyle(foreign, image, code.size, strength).painted,
  );
  return { net, code: code.numbers, knowsStrength };
}

/** What the net makes of the styles. All are shown to it at the size of the first, so that their codes are alike. */
async function codeOf(
  ctx: Pick<StageContext, 'nets' | 'image'>,
  foreign: ForeignStyleNet,
  port: PicturePort,
  params: StyleParams,
  strength: number,
): Promise<{ readonly numbers: Float32Array; readonly size: Size }> {
  const used = usedStyles(params.styles);
  const total = used.reduce((sum, style) => sum + style.weight, 0);
  const pictures: Frame[] = [];
  for (const { image } of used) pictures.push(await ctx.image(image));
  const size = styleSize(port, pictures[0], params.strokePx);
  const net = await ctx.nets.compiled(
    `fast-code:${foreign.name}:${size.width}x${size.height}:${strength}`,
    async () => {
      const { code } = foreignStyle(foreign, input('image', anyContent), size, strength);
      return toModel({ outputs: { code: code as Value } });
    },
  );
  let numbers: Float32Array | undefined;
  for (const [at, picture] of pictures.entries()) {
    const { rgb } = resizeFrame(picture, size.width, size.height);
    const results = (await net.run({ picture: floatTensor(rgb, [1, 3, size.height, size.width]) })) as Record<
      string,
      Tensor
    >;
    const own = floatsOf(results.code);
    numbers ??= new Float32Array(own.length);
    for (let i = 0; i < own.length; i++) numbers[i] += (used[at].weight / total) * own[i];
  }
  return { numbers: numbers as Float32Array, size };
}

/** Where the file leaves it open, the stroke's length says how large the style picture is shown. */
function styleSize({ dims, channelsLast }: PicturePort, picture: Size, strokePx: number): Size {
  const [height, width] = channelsLast ? [dims[1], dims[2]] : [dims[2], dims[3]];
  const longer = Math.min(styleSides[1], Math.max(styleSides[0], strokePx));
  const factor = longer / Math.max(picture.width, picture.height);
  const onGrid = (side: number) => Math.max(styleGridPx, Math.round((side * factor) / styleGridPx) * styleGridPx);
  return {
    width: typeof width === 'number' ? width : onGrid(picture.width),
    height: typeof height === 'number' ? height : onGrid(picture.height),
  };
}
