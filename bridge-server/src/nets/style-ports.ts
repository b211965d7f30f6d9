import { fromModel, type ModelDescription, type ModelPort } from '../graph/model';

export type PicturePort = ModelPort & { readonly channelsLast: boolean };

/** What a net that paints in a style takes. */
export type StylePorts = {
  readonly content: PicturePort;
  /** The picture to paint like; absent for a net that knows one style. */
  readonly style?: PicturePort;
  /** How much of the style is wanted, 0..1. */
  readonly strength?: ModelPort;
  /** A style as numbers, which another net makes of a picture. */
  readonly code?: ModelPort;
};

/**
 * Which input of a net is what, told by sizes and names; where names say nothing, by the sizes of what it draws: a net
 * for any style draws as large as its content, however large the style picture is.
 * @returns undefined for a net with inputs that no style net has
 */
export function findStylePorts(model: Uint8Array, { inputs, outputs }: ModelDescription): StylePorts | undefined {
  const pictures = inputs.map(toPicture).filter(port => port !== undefined);
  const others = inputs.filter(port => !pictures.some(({ name }) => name === port.name));
  const [strength, ...moreStrengths] = others.filter(port => isScalar(port) && strengthNames.test(port.name));
  const [code, ...moreCodes] = others.filter(port => !isScalar(port));
  const known = [strength, code].filter(port => port !== undefined).length;
  if (known < others.length || moreStrengths.length + moreCodes.length > 0) return undefined;
  const rest = { ...(strength ? { strength } : {}), ...(code ? { code } : {}) };
  if (pictures.length === 1) return { content: pictures[0], ...rest };
  if (pictures.length !== 2 || code !== undefined || outputs.length === 0) return undefined;
  const style = styleAmong(model, pictures, strength, outputs[0].name);
  if (style === undefined) return undefined;
  return { content: pictures[1 - style], style: pictures[style], ...rest };
}

const styleNames = /style|reference|(^|[._-])s$/i;
const strengthNames = /alpha|strength|weight|ratio|interpolat/i;

/** What is smaller is no picture but a list of numbers. */
const leastSide = 8;

function toPicture(port: ModelPort): PicturePort | undefined {
  if (port.dims.length !== 4) return undefined;
  const [, first, second, last] = port.dims;
  const channelsLast = last === 3 && first !== 3;
  const sides = channelsLast ? [first, second] : [second, last];
  const isLarge = sides.every(side => typeof side !== 'number' || side >= leastSide);
  const hasColours = channelsLast || first === 3 || typeof first !== 'number';
  return isLarge && hasColours ? { ...port, channelsLast } : undefined;
}

const isScalar = ({ dims }: ModelPort) => dims.length <= 1 && dims.every(dim => dim === 1 || typeof dim !== 'number');

/** Which of two pictures is the style: 0, 1, or undefined where neither is. */
function styleAmong(
  model: Uint8Array,
  pictures: readonly PicturePort[],
  strength: ModelPort | undefined,
  output: string,
): number | undefined {
  const named = pictures.map(({ name }) => styleNames.test(name));
  if (named[0] !== named[1]) return named[0] ? 0 : 1;
  const sides = [96, 64];
  const inputDims = {
    ...Object.fromEntries(pictures.map((port, at) => [port.name, pictureDims(port, sides[at], sides[at])])),
    ...(strength ? { [strength.name]: strength.dims.map(() => 1) } : {}),
  };
  try {
    const drawn = fromModel(model, { inputDims, anySize: true }).outputs[output].dims;
    const content = sides.findIndex(side => drawn.length === 4 && drawn.filter(dim => dim === side).length === 2);
    return content < 0 ? undefined : 1 - content;
  } catch {
    // Two frames of a film must be of one size.
    return undefined;
  }
}

/** The sizes of a port that is fed a picture. */
export function pictureDims({ channelsLast }: PicturePort, height: number, width: number): number[] {
  return channelsLast ? [1, height, width, 3] : [1, 3, height, width];
}
