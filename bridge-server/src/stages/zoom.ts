import { curveAt } from '#protocol/effects/parameter';
import type { ZoomParams } from '#protocol/effects/zoom';
import type { Frame } from '../frame/frame';
import { luma, lumaWeights } from '../frame/plane';
import { floatTensor, floatsOf } from '../frame/tensor';
import type { Stage } from '../pipeline/stage';
import { dreamInto, openDreamTools } from './dream';
import { octaveSizes, type Size } from './dream/octaves';
import { turnedAndEnlarged, type Placing } from './zoom/place';

/**
 * How far each frame's mean and deviation of colour are pulled back to the start's, so that hundreds of frames do not
 * drift. Each dream adds several per cent of contrast: pulled by 4 per cent, it doubles within a hundred.
 */
const pull = { mean: 0.12, deviation: 0.4 } as const;
/** The loop closes over at most this many frames, and at most this share of its length. */
const loopTail = { frames: 60, share: 0.4 } as const;

/** Of brightness and of the two colour differences: what dreams overdo is gaudiness, which red, green and blue hide. */
type Colours = { readonly mean: readonly number[]; readonly deviation: readonly number[] };
/** A start without contrast or colour is no reason to dream in grey. */
const leastDeviation = [0.15, 0.05, 0.05] as const;

/** Brightness, red less brightness, blue less brightness (BT.709). */
function toDifferences(rgb: Float32Array): Float32Array {
  const area = rgb.length / 3;
  const out = new Float32Array(rgb.length);
  for (let i = 0; i < area; i++) {
    const [r, b] = [rgb[i], rgb[2 * area + i]];
    const y = luma(r, rgb[area + i], b);
    out[i] = y;
    out[area + i] = r - y;
    out[2 * area + i] = b - y;
  }
  return out;
}

function coloursOf(differences: Float32Array): Colours {
  const area = differences.length / 3;
  const mean = [0, 1, 2].map(c => {
    let sum = 0;
    for (let i = 0; i < area; i++) sum += differences[c * area + i];
    return sum / area;
  });
  const deviation = mean.map((value, c) => {
    let sum = 0;
    for (let i = 0; i < area; i++) sum += (differences[c * area + i] - value) ** 2;
    return Math.sqrt(sum / area);
  });
  return { mean, deviation };
}

/** A step back toward the start's colours. */
function pulledTo(rgb: Float32Array, wanted: Colours): Float32Array {
  const differences = toDifferences(rgb);
  const own = coloursOf(differences);
  const area = rgb.length / 3;
  for (let c = 0; c < 3; c++) {
    const goal = Math.max(leastDeviation[c], wanted.deviation[c]);
    // Only dampened: a flat start is dreamt alive by the dream itself.
    const gain = 1 + pull.deviation * Math.min(0, goal / Math.max(own.deviation[c], 1e-4) - 1);
    const target = own.mean[c] + pull.mean * (wanted.mean[c] - own.mean[c]);
    for (let i = 0; i < area; i++)
      differences[c * area + i] = target + gain * (differences[c * area + i] - own.mean[c]);
  }
  const clamp = (value: number) => Math.min(1, Math.max(0, value));
  const out = new Float32Array(rgb.length);
  for (let i = 0; i < area; i++) {
    const [y, r, b] = [differences[i], differences[area + i], differences[2 * area + i]];
    out[i] = clamp(y + r);
    out[area + i] = clamp(y - luma(r, 0, b) / lumaWeights[1]);
    out[2 * area + i] = clamp(y + b);
  }
  return out;
}

function placingAt(params: ZoomParams, frame: number): Placing {
  return {
    scale: curveAt(params.rateCurve, frame, params.rate),
    degrees: curveAt(params.rotationCurve, frame, params.rotation),
    centreX: params.centreX,
    centreY: params.centreY,
  };
}

/** Product of the steps from `frame` + 1 to the end of the loop, `total`: how much larger its end shows what is here. */
function remaining(params: ZoomParams, frame: number, total: number): Placing {
  let [scale, degrees] = [1, 0];
  for (let f = frame + 1; f <= total; f++) {
    const step = placingAt(params, f % total);
    scale *= step.scale;
    degrees += step.degrees;
  }
  return { scale, degrees, centreX: params.centreX, centreY: params.centreY };
}

/**
 * Lays the first frame, as small as the rest of the loop will enlarge it, into the middle of this one, so that the last
 * step shows it at full size. Its border is soft; what surrounds it is dreamt on as ever.
 */
function withFirstInside(
  rgb: Float32Array,
  first: Float32Array,
  size: Size,
  rest: Placing,
  weight: number,
): Float32Array {
  const inner = turnedAndEnlarged(first, size, { ...rest, scale: 1 / rest.scale, degrees: -rest.degrees }, 'outside');
  const area = size.width * size.height;
  const out = rgb.slice();
  for (let i = 0; i < area; i++) {
    const share = inner.inside[i] * weight;
    if (share === 0) continue;
    for (let c = 0; c < 3; c++) out[c * area + i] += share * (inner.image[c * area + i] - out[c * area + i]);
  }
  return out;
}

/**
 * The infinite zoom (google/deepdream): each frame is the one before, enlarged and turned about a point and dreamt into
 * again. Reads one frame and makes `params.frames`; holds two frames whatever the length. Always made forwards:
 * reversed play reads the stored frames backwards.
 */
export const zoom: Stage<ZoomParams> = async function* (input, params, ctx) {
  let start: Frame | undefined;
  for await (const frame of input) {
    start = frame;
    break;
  }
  if (!start) return;
  const size: Size = { width: start.width, height: start.height };
  const dims = [3, size.height, size.width];
  const tools = await openDreamTools(params.dream, ctx);
  const total = Math.max(1, params.frames);
  const tail = params.loop ? Math.min(loopTail.frames, Math.floor(total * loopTail.share)) : 0;

  let [image, first] = [start.rgb, start.rgb];
  let next = 0;
  if (ctx.resumed) {
    image = floatsOf(ctx.resumed.tensors.image);
    first = floatsOf(ctx.resumed.tensors.first);
    next = ctx.resumed.nextIndex;
  }
  let colours = coloursOf(toDifferences(first));
  for (let index = next; index < total; index++) {
    ctx.signal.throwIfAborted();
    if (index === 0) {
      const detail = await dreamInto(start, params.dream, tools, ctx);
      image = tools.layOver(start.rgb, detail, size, 0);
      first = image;
      colours = coloursOf(toDifferences(first));
    } else {
      image = await nextFrame(image, index);
    }
    yield { index, ...size, rgb: image, ...(index === 0 ? { shotStart: true } : {}) };
    ctx.store({ nextIndex: index + 1, tensors: { image: floatTensor(image, dims), first: floatTensor(first, dims) } });
  }

  async function nextFrame(before: Float32Array, index: number): Promise<Float32Array> {
    const enlarged = turnedAndEnlarged(before, size, placingAt(params, index), 'reflect').image;
    const closing = tail > 0 && index >= total - tail ? (index - (total - tail) + 1) / (tail + 1) : 0;
    const base =
      closing > 0
        ? withFirstInside(enlarged, first, size, remaining(params, index, total), Math.min(1, 2 * closing))
        : enlarged;
    const detail = await tools.dreamer.dream(base, size, {
      octaves: octaveSizes(size, params.dream.octaves, params.dream.octaveScale),
      iterations: params.iterations,
      // The last frames of a loop must become the first one again, which had its dream already.
      stepSize: params.dream.stepSize * (closing > 0 ? 1 - closing : 1),
      random: ctx.random(index),
      onStep: ({ done, total: steps }) => ctx.progress({ frame: index, done, total: steps }),
    });
    return pulledTo(tools.layOver(base, detail, size, index), colours);
  }
};
