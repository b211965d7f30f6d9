import type { KeyParams } from '#protocol/effects/key';
import type { Frame } from '../../frame/frame';
import { luma } from '../../frame/plane';
import { fillUnknown } from './fill';
import { finishMatte, leastAround, median3, paintShape, type MatteParams } from './matte';
import { screenPlate } from './screen-plate';
import type { Screen } from './screen';

export type PullParams = MatteParams & Pick<KeyParams, 'tolerance' | 'softness' | 'despeckle' | 'spill'>;

/**
 * The direction of colour in which a screen stands out most from what people film before it: the screen's chroma
 * divided by how much natural colours vary (brightness most, orange to blue less, green to magenta least), as in
 * Fisher's linear discriminant. Grey of any brightness lies at 0.
 */
export function screenAxis({ red, green, blue }: Screen): [number, number, number] {
  const orange = (red - blue) / Math.SQRT2 / orangeVariance;
  const magenta = (2 * green - red - blue) / Math.sqrt(6) / greenVariance;
  return [
    orange / Math.SQRT2 - magenta / Math.sqrt(6),
    (2 * magenta) / Math.sqrt(6),
    -orange / Math.SQRT2 - magenta / Math.sqrt(6),
  ];
}
/** Variances of colours in photographs along the two axes of chroma, to a factor. */
const orangeVariance = 5;
const greenVariance = 1;

/** Up to this share of the screen's colour a pixel is surely subject and lends its colour to the edges. */
const surelySubject = 0.15;
/** Lines of a frame for each pixel of its edge: lens and chroma subsampling blur the border by about this much. */
const linesPerEdgePixel = 180;

/**
 * The subject and its share of every pixel. A pixel is a mixture a F + (1 - a) S of the screen behind it (S, the plate)
 * and the subject (F, continued from where there is nothing else); a follows from where the pixel lies between both
 * along the screen's axis.
 */
export function pullKey(
  frame: Frame,
  screen: Screen,
  params: PullParams,
): { matte: Float32Array; subject: Float32Array } {
  const { width, height, rgb } = frame;
  const area = width * height;
  const axis = screenAxis(screen);
  const plate = screenPlate(frame, screen, axis);
  const along = (planes: Float32Array, i: number) =>
    axis[0] * planes[i] + axis[1] * planes[area + i] + axis[2] * planes[2 * area + i];

  const solid = new Float32Array(area);
  const share = new Float32Array(area);
  // The colours and the square of what they share with the screen, for its local spread.
  const known = new Float32Array(4 * area);
  known.set(rgb);
  for (let i = 0; i < area; i++) {
    const here = along(rgb, i);
    share[i] = here / along(plate.rgb, i);
    solid[i] = share[i] < surelySubject ? 1 : 0;
    known[3 * area + i] = here * here;
  }
  const band = Math.max(2, Math.round(height / linesPerEdgePixel));
  const inner = fillUnknown(known, leastAround(solid, width, height, band), width, height);

  // Tolerance: how much of the subject may be missing in what is called screen; noise must not show either.
  const none = Math.min(0.3, 0.0016 * params.tolerance + 2 * plate.noise);
  const full = none + Math.max(0.02, (1 - none) * Math.min(1, 0.1 + 0.0105 * params.softness));
  let matte: Float32Array = new Float32Array(area);
  const most = new Float32Array(area);
  for (let i = 0; i < area; i++) {
    const mean = along(inner, i);
    // The subject's nearest colours and their spread: as much like the screen as it gets here.
    most[i] = mean + Math.sqrt(Math.max(0, inner[3 * area + i] - mean * mean));
    const ofSubject = Math.min(0.5, Math.max(-2, most[i] / along(plate.rgb, i)));
    matte[i] = Math.min(1, Math.max(0, ((1 - share[i]) / (1 - ofSubject) - none) / (full - none)));
  }
  if (params.despeckle) matte = closeInside(median3(matte, width, height), width, height, 2 * band);
  const subject = subjectColours(frame, matte, plate.rgb, { inner, most, axis }, params.spill / 100);
  keepHeldOut(subject, rgb, width, height, params.holdout);
  return { matte: finishMatte(matte, width, height, params), subject };
}

/** From these shares on everywhere around it a pixel inside the subject counts as solid, whatever colour it has. */
const insideFrom = 0.5;
const insideTo = 0.85;

/** Lifts what has only subject around it: things of the screen's hue in the middle of a subject are no windows. */
function closeInside(matte: Float32Array, width: number, height: number, reach: number): Float32Array {
  const least = leastAround(matte, width, height, reach);
  return matte.map((value, i) => {
    const t = Math.min(1, Math.max(0, (least[i] - insideFrom) / (insideTo - insideFrom)));
    return Math.max(value, t * t * (3 - 2 * t));
  });
}

/** What a person calls subject has its own colour, also the screen's. */
function keepHeldOut(
  subject: Float32Array,
  rgb: Float32Array,
  width: number,
  height: number,
  holdout: MatteParams['holdout'],
): void {
  if (holdout.length === 0) return;
  const area = width * height;
  const held = new Float32Array(area);
  for (const shape of holdout) paintShape(held, width, height, shape, 1);
  for (let i = 0; i < 3 * area; i++) if (held[i % area] === 1) subject[i] = rgb[i];
}

const brightness = ([r, g, b]: readonly number[]) => luma(r, g, b);

/** Blue and red less the brightness, BT.709. */
function chroma(colour: readonly number[]): [number, number] {
  const y = brightness(colour);
  return [(colour[2] - y) / 1.8556, (colour[0] - y) / 1.5748];
}

/**
 * F of the mixture. The fainter the subject, the more the division by its share amplifies noise, and the more its
 * colour is taken from the solid parts beside it. What is nearer to the screen's colour than they are, or
 * than its own hue explains, is spill.
 */
function subjectColours(
  { rgb }: Frame,
  matte: Float32Array,
  plate: Float32Array,
  { inner, most, axis }: { inner: Float32Array; most: Float32Array; axis: readonly [number, number, number] },
  spill: number,
): Float32Array {
  const area = matte.length;
  const out = new Float32Array(3 * area);
  const colour = [0, 0, 0];
  for (let i = 0; i < area; i++) {
    const a = matte[i];
    const screen = [plate[i], plate[area + i], plate[2 * area + i]];
    let [tint, ofScreen] = [0, 0];
    for (let c = 0; c < 3; c++) {
      const unmixed = a > 0 ? Math.min(1, Math.max(0, (rgb[c * area + i] - (1 - a) * screen[c]) / a)) : 0;
      colour[c] = a * unmixed + (1 - a) * inner[c * area + i];
      tint += axis[c] * colour[c];
      ofScreen += axis[c] * screen[c];
    }
    // A natural tint leans away from the screen's hue, spill does not.
    const [u, v] = chroma(screen);
    const [cu, cv] = chroma(colour);
    const leaning = Math.abs(cu * v - cv * u) / (u * u + v * v);
    const natural = Math.min(most[i], leaning * ofScreen);
    const remains = spill * Math.min(1, Math.max(0, (tint - natural) / ofScreen));
    const grey = brightness(screen);
    for (let c = 0; c < 3; c++) out[c * area + i] = Math.min(1, Math.max(0, colour[c] - remains * (screen[c] - grey)));
  }
  return out;
}
