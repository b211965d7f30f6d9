import { AppError } from '#protocol/errors';
import { add, concat, constant, input, mul, reshape, slice, transpose } from '../graph/build';
import { sizeOf } from '../frame/tensor';
import { describeModel, fromModel } from '../graph/model';
import { applyNet, substitute } from '../graph/substitute';
import { dimsText, isConstant, sameDims, topological } from '../graph/value';
import type { Value } from '../graph/value';
import { toConvention } from './dream-net';
import type { InputConvention } from './input-convention';
import { findStylePorts, pictureDims } from './style-ports';
import type { PicturePort, StylePorts } from './style-ports';

/** A style net that is not ours, as it came. */
export type ForeignStyleNet = {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly convention: InputConvention;
  readonly ports: StylePorts;
};

/** @throws AppError NET_UNSUPPORTED when a picture, or a picture and a style picture, are not all that it takes */
export function readForeignStyleNet(name: string, bytes: Uint8Array, convention: InputConvention): ForeignStyleNet {
  const description = describeModel(bytes, name);
  const ports = findStylePorts(bytes, description);
  if (ports?.code)
    throw new AppError('NET_UNSUPPORTED', {
      name,
      what: `a style as ${sizeOf(ports.code.dims.map(Number))} numbers (${ports.code.name}): import it together with the net that makes them of a picture`,
    });
  if (ports === undefined) {
    const inputs = description.inputs.map(each => each.name).join(', ');
    throw new AppError('NET_UNSUPPORTED', {
      name,
      what: `the inputs ${inputs} where a style net takes a picture, or a picture and one to paint like`,
    });
  }
  return { name, bytes, convention, ports };
}

type Size = { readonly width: number; readonly height: number };

export type PaintedByCode = {
  /** [1, 3, H, W], RGB, not clamped; from `image` and, for nets that take a style picture, the input `style` [count]. */
  readonly painted: Value;
  /** For nets that take a style picture: [count], from `picture` alone. */
  readonly code?: Value;
};

/**
 * A net that takes any style is taken apart: what it makes of the style picture alone is the style's code, computed once;
 * the rest paints frames by it.
 * @param image [1, 3, H, W], RGB 0..1
 * @param styleSize of the style picture, the input `picture` [1, 3, H, W], RGB 0..1
 * @param strength 0..1, for nets that know it
 * @throws AppError NET_UNSUPPORTED when it does not give a picture as large as the one it takes
 */
export function foreignStyle(
  { name, bytes, convention, ports }: ForeignStyleNet,
  image: Value,
  styleSize: Size,
  strength: number,
): PaintedByCode {
  const picture = input('picture', [1, 3, styleSize.height, styleSize.width]);
  const fed: readonly (readonly [PicturePort, Value])[] = [
    [ports.content, image],
    ...(ports.style ? [[ports.style, picture] as const] : []),
  ];
  const feeds = Object.fromEntries(fed.map(([port, value]) => [port.name, toPort(value, port, convention)]));
  if (ports.strength) {
    const dims = ports.strength.dims.map(() => 1);
    feeds[ports.strength.name] = constant([strength], dims);
  }
  const inputDims = Object.fromEntries(Object.entries(feeds).map(([port, value]) => [port, value.dims]));
  const given = describeModel(bytes, name).outputs[0].name;
  const net = fromModel(bytes, { name, layers: [given], anySize: true, inputDims });
  const out = applyNet(net, feeds, [given], { name }).get(given) as Value;
  const [, , height, width] = image.dims;
  if (!sameDims(out.dims, pictureDims(ports.content, height, width)))
    throw new AppError('NET_UNSUPPORTED', {
      name,
      what: `a picture ${dimsText(out.dims)} for one ${dimsText(image.dims)}`,
    });
  const painted = fromPort(out, ports.content, convention);
  return ports.style ? takeApart(painted, image, name) : { painted };
}

function toPort(image: Value, { channelsLast }: PicturePort, convention: InputConvention): Value {
  const converted = toConvention(image, convention);
  return channelsLast ? transpose(converted, [0, 2, 3, 1]) : converted;
}

function fromPort(out: Value, { channelsLast }: PicturePort, { order, scale, mean }: InputConvention): Value {
  const planes = channelsLast ? transpose(out, [0, 3, 1, 2]) : out;
  const plain = mul(add(planes, constant([...mean], [1, mean.length, 1, 1])), 1 / scale);
  if (order !== 'bgr') return plain;
  return concat(
    [2, 1, 0].map(channel => slice(plain, 1, channel, channel + 1)),
    1,
  );
}

/** Cuts where what the image has no part in meets what it has. */
function takeApart(painted: Value, image: Value, name: string): PaintedByCode {
  const ofImage = new Set<Value>([image]);
  const border = new Set<Value>();
  for (const value of topological([painted])) {
    if (!value.inputs.some(each => ofImage.has(each))) continue;
    ofImage.add(value);
    for (const each of value.inputs) if (!ofImage.has(each) && !isConstant(each)) border.add(each);
  }
  const parts = [...border];
  if (parts.length === 0) throw new AppError('NET_UNSUPPORTED', { name, what: 'a style picture that changes nothing' });
  const code = concat(
    parts.map(part => reshape(part, [sizeOf(part.dims)])),
    0,
  );
  const style = input('style', code.dims);
  let from = 0;
  const replacements = parts.map(part => {
    const to = from + sizeOf(part.dims);
    const taken = reshape(slice(style, 0, from, to), part.dims);
    from = to;
    return [part, taken] as const;
  });
  return { painted: substitute([painted], new Map(replacements))[0], code };
}
