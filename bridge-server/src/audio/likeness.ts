import { onsetsOf } from './beats';
import { hopsPerChroma, hopSeconds, melBands, type SoundFrames } from './sound-frames';

const hopsPerBlock = 16;
/** Sections are found on a grid of 0.37 s and then moved to beats. */
export const blockSeconds = hopsPerBlock * hopSeconds;
const cepstra = 13;
/** Quieter than this below the loudest is the same silence. */
const floorDecibel = -70;
/** Texture and harmony of a moment are those of the seconds around it, not of a single stroke or chord: blocks on either side. */
const timbreSmoothing = 3;
const chromaSmoothing = 10;
const chromaWeight = 0.8;
/** A rhythm is heard over some seconds, as what comes again after each of these spans, 6 % apart. */
const rhythmSeconds = 6;
const shortestSpan = 0.19;
const longestSpan = 2.3;
const spans = Math.ceil(Math.log(longestSpan / shortestSpan) / Math.log(1.06));
const rhythmSmoothing = 2;
const rhythmWeight = 0.7;
/** Tones of this magnitude, beside loudest ones of some 10, are hardly heard. */
const quiet = 0.05;
/** Louder or softer is less of a change than another sound. */
const loudnessWeight = 0.5;

/** Changes by 1 dB in each band, of the chord by a tenth, or of what comes again by a fifth are no changes of the music. */
const leastTimbreSpread = cepstra * (melBands / 2) * 1 ** 2;
const leastChromaSpread = 0.1 ** 2;
const leastRhythmSpread = 0.2 ** 2;

/** How alike two moments of a sound are, 0 to 1. */
export type Likeness = {
  readonly blocks: number;
  between(a: number, b: number): number;
};

function smooth(values: Float32Array, dims: number, radius: number): Float32Array {
  const count = values.length / dims;
  const out = new Float32Array(values.length);
  for (let dim = 0; dim < dims; dim++) {
    let sum = 0;
    let held = 0;
    for (let at = -radius; at < count; at++) {
      if (at + radius < count) {
        sum += values[(at + radius) * dims + dim];
        held++;
      }
      if (at - radius - 1 >= 0) {
        sum -= values[(at - radius - 1) * dims + dim];
        held--;
      }
      if (at >= 0) out[at * dims + dim] = sum / held;
    }
  }
  return out;
}

/** Shape of the spectrum and loudness: cepstra of the mean mel spectrum of each block. */
function timbreOf({ mel }: SoundFrames, blocks: number): Float32Array {
  const hops = mel.length / melBands;
  const largest = mel.reduce((most, value) => Math.max(most, value), 0) || 1;
  const cosines = Array.from({ length: cepstra }, (_, order) =>
    Float64Array.from({ length: melBands }, (__, band) => Math.cos((Math.PI * order * (band + 0.5)) / melBands)),
  );
  const out = new Float32Array(blocks * cepstra);
  const decibel = new Float64Array(melBands);
  for (let block = 0; block < blocks; block++) {
    const from = block * hopsPerBlock;
    const to = Math.min(hops, from + hopsPerBlock);
    decibel.fill(0);
    for (let hop = from; hop < to; hop++) {
      for (let band = 0; band < melBands; band++) {
        decibel[band] += Math.max(floorDecibel, 10 * Math.log10(mel[hop * melBands + band] / largest + 1e-12));
      }
    }
    for (let order = 0; order < cepstra; order++) {
      let sum = 0;
      for (let band = 0; band < melBands; band++) sum += cosines[order][band] * decibel[band];
      out[block * cepstra + order] = (sum / Math.max(1, to - from)) * (order === 0 ? loudnessWeight : 1);
    }
  }
  return out;
}

/** Which tones sound: each block's pitch classes as a direction; nothing where nothing sounds. */
function chromaOf({ chroma }: SoundFrames, blocks: number): Float32Array {
  const frames = chroma.length / 12;
  const loudest = chroma.reduce((most, value) => Math.max(most, value), 0) || 1;
  const out = new Float32Array(blocks * 12);
  const per = hopsPerBlock / hopsPerChroma;
  for (let block = 0; block < blocks; block++) {
    for (let at = block * per; at < Math.min(frames, (block + 1) * per); at++) {
      for (let pitch = 0; pitch < 12; pitch++) out[block * 12 + pitch] += Math.sqrt(chroma[at * 12 + pitch] / loudest);
    }
  }
  const even = smooth(out, 12, chromaSmoothing);
  for (let block = 0; block < blocks; block++) {
    const here = even.subarray(block * 12, block * 12 + 12);
    const own = Math.hypot(...out.subarray(block * 12, block * 12 + 12));
    // A silent moment has no harmony, whatever sounds around it.
    const scale = own / (own + quiet) / (Math.hypot(...here) + quiet);
    for (let pitch = 0; pitch < 12; pitch++) here[pitch] *= scale;
  }
  return even;
}

/**
 * How much of what begins around each block comes again after each span: the same music played faster, or a beat that
 * sets in under it, is another section.
 * Source: Grosche, Müller and Kurth, Cyclic tempogram, ICASSP 2010.
 */
function rhythmOf(frames: SoundFrames, blocks: number): Float32Array {
  const onsets = onsetsOf(frames);
  // Strokes seldom lie a whole number of hops apart.
  const wide = onsets.map((value, at) => value + ((onsets[at - 1] ?? 0) + (onsets[at + 1] ?? 0)) / 2);
  const reach = Math.round(rhythmSeconds / 2 / hopSeconds);
  const out = new Float32Array(blocks * spans);
  for (let block = 0; block < blocks; block++) {
    const middle = Math.round((block + 0.5) * hopsPerBlock);
    const from = Math.max(0, middle - reach);
    const to = Math.min(onsets.length, middle + reach);
    let energy = 1e-6;
    for (let hop = from; hop < to; hop++) energy += onsets[hop] ** 2;
    for (let span = 0; span < spans; span++) {
      const by = Math.round((shortestSpan * 1.06 ** span) / hopSeconds);
      let sum = 0;
      for (let hop = from + by; hop < to; hop++) sum += onsets[hop] * wide[hop - by];
      out[block * spans + span] = sum / energy;
    }
  }
  return out;
}

/** Mean squared distance of the vectors from their mean: their scale, so that different features weigh the same. */
function spread(values: Float32Array, dims: number): number {
  const count = values.length / dims;
  let sum = 0;
  for (let dim = 0; dim < dims; dim++) {
    let mean = 0;
    for (let at = 0; at < count; at++) mean += values[at * dims + dim] / count;
    for (let at = 0; at < count; at++) sum += (values[at * dims + dim] - mean) ** 2 / count;
  }
  return sum;
}

export function createLikeness(frames: SoundFrames): Likeness {
  const blocks = Math.floor(frames.mel.length / melBands / hopsPerBlock);
  const features = [
    {
      values: smooth(timbreOf(frames, blocks), cepstra, timbreSmoothing),
      dims: cepstra,
      weight: 1,
      least: leastTimbreSpread,
    },
    { values: chromaOf(frames, blocks), dims: 12, weight: chromaWeight, least: leastChromaSpread },
    {
      values: smooth(rhythmOf(frames, blocks), spans, rhythmSmoothing),
      dims: spans,
      weight: rhythmWeight,
      least: leastRhythmSpread,
    },
  ];
  const dims = features.reduce((sum, feature) => sum + feature.dims, 0);
  const all = new Float32Array(blocks * dims);
  let offset = 0;
  for (const { values, dims: own, weight, least } of features) {
    const scale = weight / Math.sqrt(Math.max(spread(values, own), least));
    for (let block = 0; block < blocks; block++)
      for (let at = 0; at < own; at++) all[block * dims + offset + at] = values[block * own + at] * scale;
    offset += own;
  }
  // Half the mean squared distance of two moments that are drawn at random.
  const width = features.reduce((sum, { weight }) => sum + weight ** 2, 0) / 2;
  return {
    blocks,
    between(a, b) {
      let distance = 0;
      for (let at = 0; at < dims; at++) distance += (all[a * dims + at] - all[b * dims + at]) ** 2;
      return Math.exp(-distance / (2 * width));
    },
  };
}
