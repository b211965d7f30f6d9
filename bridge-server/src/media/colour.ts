/** Weights of red and blue in luma. Source: ITU-T H.273, table 4 (matrix coefficients). */
const lumaWeights: Readonly<Record<string, readonly [red: number, blue: number]>> = {
  bt709: [0.2126, 0.0722],
  smpte170m: [0.299, 0.114],
  bt470bg: [0.299, 0.114],
  fcc: [0.3, 0.11],
  smpte240m: [0.212, 0.087],
  bt2020nc: [0.2627, 0.0593],
  // Constant luminance is decoded as if it were not: a tolerable error for a rare tag.
  bt2020c: [0.2627, 0.0593],
};

export type YuvMatrix = { readonly red: number; readonly blue: number };

/**
 * The luma weights of a clip. A clip that does not say is taken for BT.709 from 720 lines up and for BT.601 below, as
 * players and editors do.
 */
export function yuvMatrix(tag: string, codedHeight: number): YuvMatrix {
  const [red, blue] = lumaWeights[tag] ?? lumaWeights[codedHeight >= 720 ? 'bt709' : 'smpte170m'];
  return { red, blue };
}

/** Offsets and scales that turn integer samples into luma 0..1 and chroma -0.5..0.5. Source: ITU-T H.273, equations 20 to 30. */
export type SampleRange = {
  readonly lumaZero: number;
  readonly lumaSpan: number;
  readonly chromaZero: number;
  readonly chromaSpan: number;
};

export function sampleRange(range: 'tv' | 'pc', depth: number): SampleRange {
  const unit = 2 ** (depth - 8);
  if (range === 'tv')
    return { lumaZero: 16 * unit, lumaSpan: 219 * unit, chromaZero: 128 * unit, chromaSpan: 224 * unit };
  const top = 2 ** depth - 1;
  return { lumaZero: 0, lumaSpan: top, chromaZero: 128 * unit, chromaSpan: top };
}

type Curve = (value: number) => number;
type Matrix3 = readonly [number, number, number, number, number, number, number, number, number];

/** Chromaticities to BT.709, white D65 throughout. Source: computed from ITU-T H.273, table 2. */
const toBt709: Readonly<Record<string, Matrix3>> = {
  bt2020: [
    1.6604910021, -0.5876411388, -0.0728498633, -0.1245504745, 1.1328998971, -0.0083494226, -0.0181507634, -0.100578898,
    1.1187296614,
  ],
  smpte432: [
    1.2249401763, -0.2249401763, 0, -0.0420569547, 1.0420569547, 0, -0.0196375546, -0.0786360456, 1.0982736001,
  ],
};

/** Source: ITU-R BT.1886 with a black level of zero. */
const displayGamma: Curve = value => value ** 2.4;
const inverseDisplayGamma: Curve = value => value ** (1 / 2.4);

/** Source: SMPTE ST 2084 (ITU-R BT.2100, table 4). @returns candela per square metre / 10000 */
const perceptualQuantiser: Curve = value => {
  const root = value ** (1 / 78.84375);
  return (Math.max(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125);
};

/** Source: ITU-R BT.2100, table 5 (inverse of the camera's curve). @returns scene light 0..1 */
const hybridLogGamma: Curve = value =>
  value <= 0.5 ? (value * value) / 3 : (Math.exp((value - 0.55991073) / 0.17883277) + 0.28466892) / 12;

/** Diffuse white of graphics in HDR. Source: ITU-R BT.2408. */
const referenceWhiteNits = 203;
/** Light above this, relative to diffuse white, is the brightest that is still told apart: 1000 nits. */
const peak = 1000 / referenceWhiteNits;

/** Leaves shadows and skin as they are and rolls the rest off toward 1 at `peak` (Reinhard's extended curve above a knee). */
function toneMap(value: number): number {
  const knee = 0.6;
  if (value <= knee) return value;
  const over = (value - knee) / (1 - knee);
  const limit = (peak - knee) / (1 - knee);
  return knee + (1 - knee) * ((over * (1 + over / (limit * limit))) / (1 + over));
}

const tableSize = 4096;

function table(curve: Curve): Float32Array {
  return Float32Array.from({ length: tableSize + 1 }, (_, index) => curve(index / tableSize));
}

function lookUp(values: Float32Array, at: number): number {
  const position = (at > 0 ? (at < 1 ? at : 1) : 0) * tableSize;
  const index = position < tableSize ? position | 0 : tableSize - 1;
  return values[index] + (values[index + 1] - values[index]) * (position - index);
}

export type PictureColour = { readonly primaries: string; readonly transfer: string };

/**
 * Says whether a clip's RGB is already what stages expect. Primaries of old standard-definition video differ from
 * BT.709 by less than editors correct for, so they pass as they are, as do the SDR curves among each other.
 */
export function isSdrBt709({ primaries, transfer }: PictureColour): boolean {
  return !(primaries in toBt709) && !['smpte2084', 'arib-std-b67', 'linear'].includes(transfer);
}

/**
 * Makes a function that turns planar RGB of other primaries or of HDR into BT.709 for a usual display, in place.
 * HDR (PQ, HLG) is tone-mapped by the brightest channel, so that hues stay.
 */
export function convertToBt709({ primaries, transfer }: PictureColour): (rgb: Float32Array) => void {
  const matrix = toBt709[primaries] ?? [1, 0, 0, 0, 1, 0, 0, 0, 1];
  const isHdr = transfer === 'smpte2084' || transfer === 'arib-std-b67';
  const toLight = table(
    transfer === 'smpte2084'
      ? value => (perceptualQuantiser(value) * 10_000) / referenceWhiteNits
      : transfer === 'arib-std-b67'
        ? hybridLogGamma
        : transfer === 'linear'
          ? value => value
          : displayGamma,
  );
  const fromLight = table(inverseDisplayGamma);
  return rgb => {
    const size = rgb.length / 3;
    for (let index = 0; index < size; index++) {
      let [r, g, b] = [
        lookUp(toLight, rgb[index]),
        lookUp(toLight, rgb[size + index]),
        lookUp(toLight, rgb[2 * size + index]),
      ];
      if (transfer === 'arib-std-b67') {
        // The display's own curve, for 1000 nits. Source: ITU-R BT.2100, table 5 (OOTF, gamma 1.2).
        const luminance = 0.2627 * r + 0.678 * g + 0.0593 * b;
        const gain = peak * Math.max(luminance, 1e-6) ** 0.2;
        [r, g, b] = [r * gain, g * gain, b * gain];
      }
      let red = matrix[0] * r + matrix[1] * g + matrix[2] * b;
      let green = matrix[3] * r + matrix[4] * g + matrix[5] * b;
      let blue = matrix[6] * r + matrix[7] * g + matrix[8] * b;
      if (isHdr) {
        const brightest = Math.max(red, green, blue);
        const gain = brightest > 0 ? toneMap(brightest) / brightest : 1;
        [red, green, blue] = [red * gain, green * gain, blue * gain];
      }
      rgb[index] = lookUp(fromLight, red);
      rgb[size + index] = lookUp(fromLight, green);
      rgb[2 * size + index] = lookUp(fromLight, blue);
    }
  };
}
