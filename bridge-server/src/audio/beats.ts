import { hopSeconds, melBands, type SoundFrames } from './sound-frames';

const slowest = 50;
const fastest = 210;
/** People tap near this tempo when several would fit, and the less so the more octaves away (Parncutt 1994). */
const usualTempo = 120;
const octavesOfTaste = 0.9;
/** A tempo is heard over some seconds, and anew every second or so: songs change it. */
const tempoWindowSeconds = 8;
const tempoStepSeconds = 1;
/** Seconds of a perfect tempo that a change by an octave costs. */
const jumpCost = 1;
/** How much a beat that comes early or late is minded, against how clear it is. */
const tightness = 100;
/** An onset has to stand out by so many deviations, on average over the beats, to be called a beat. */
const leastClearness = 0.5;

/** How much begins at each hop: rises of the mel spectrum in decibel, against their surroundings, at scale 1. */
export function onsetsOf({ mel }: SoundFrames): Float32Array {
  const hops = mel.length / melBands;
  const largest = mel.reduce((most, value) => Math.max(most, value), 0);
  const onsets = new Float32Array(hops);
  if (largest === 0) return onsets;
  const decibel = (hop: number, band: number) =>
    Math.max(-60, 10 * Math.log10(mel[hop * melBands + band] / largest + 1e-12));
  for (let hop = 1; hop < hops; hop++) {
    for (let band = 0; band < melBands; band++)
      onsets[hop] += Math.max(0, decibel(hop, band) - decibel(hop - 1, band)) / melBands;
  }
  // What swells slowly is no onset.
  const radius = Math.round(0.5 / hopSeconds);
  const out = new Float32Array(hops);
  let sum = 0;
  for (let at = -radius; at < hops; at++) {
    if (at + radius < hops) sum += onsets[at + radius];
    if (at - radius - 1 >= 0) sum -= onsets[at - radius - 1];
    // The root: a drum and a cymbal are both a beat, however unequal.
    if (at >= 0) out[at] = Math.sqrt(Math.max(0, onsets[at] - sum / (2 * radius + 1)));
  }
  const deviation = Math.sqrt(out.reduce((total, value) => total + value ** 2, 0) / hops);
  return deviation > 0 ? out.map(value => value / deviation) : out;
}

/** Hops from beat to beat, for each second of the sound. */
function periodsOf(sharp: Float32Array): number[] {
  // Beats seldom lie a whole number of hops apart.
  const onsets = sharp.map((value, at) => (value + ((sharp[at - 1] ?? 0) + (sharp[at + 1] ?? 0)) / 2) / 2);
  const window = Math.round(tempoWindowSeconds / hopSeconds);
  const step = tempoStepSeconds / hopSeconds;
  const [shortest, longest] = [60 / fastest / hopSeconds, 60 / slowest / hopSeconds];
  const count = Math.max(1, Math.ceil(onsets.length / step));
  const scores = Array.from({ length: count }, (_, order) => {
    const middle = Math.round(order * step);
    const from = Math.max(0, Math.min(onsets.length - window, middle - (window >> 1)));
    const to = Math.min(onsets.length, from + window);
    return Float64Array.from({ length: Math.floor(longest) + 1 }, (__, lag) => {
      if (lag < shortest) return 0;
      let sum = 0;
      for (let at = from + lag; at < to; at++) sum += onsets[at] * onsets[at - lag];
      const octaves = Math.log2(60 / (lag * hopSeconds) / usualTempo) / octavesOfTaste;
      return (sum / Math.max(1, to - from - lag)) * Math.exp(-0.5 * octaves ** 2);
    });
  });
  // The best path through the tempi of all seconds: where it jumps, the new tempo must be clearer for some seconds.
  const jump = (from: number, to: number) => jumpCost * Math.abs(Math.log2(to / from));
  const lags = Array.from({ length: Math.floor(longest) + 1 }, (_, lag) => lag).filter(lag => lag >= shortest);
  let totals = lags.map(lag => scores[0][lag]);
  const from: number[][] = [];
  for (let order = 1; order < count; order++) {
    const highest = Math.max(...scores[order]) || 1;
    const origins = lags.map(lag =>
      lags.reduce(
        (best, other, index) =>
          totals[index] - jump(other, lag) > totals[best] - jump(lags[best], lag) ? index : best,
        0,
      ),
    );
    totals = lags.map(
      (lag, index) => totals[origins[index]] - jump(lags[origins[index]], lag) + scores[order][lag] / highest,
    );
    from.push(origins);
  }
  let index = totals.indexOf(Math.max(...totals));
  const path = [lags[index]];
  for (let order = count - 1; order > 0; order--) {
    index = from[order - 1][index];
    path.unshift(lags[index]);
  }
  return path;
}

/**
 * Beats in seconds: the series of onsets that is strongest and most even at the tempo of its surroundings; none where
 * nothing beats.
 * Source: Ellis, Beat tracking by dynamic programming, JNMR 2007.
 */
export function findBeats(frames: SoundFrames): number[] {
  const onsets = onsetsOf(frames);
  if (onsets.length * hopSeconds < 2 || !onsets.some(value => value > 0)) return [];
  const periods = periodsOf(onsets);
  const periodAt = (hop: number) =>
    periods[Math.min(periods.length - 1, Math.floor((hop * hopSeconds) / tempoStepSeconds))];
  const totals = new Float64Array(onsets.length);
  const before = new Int32Array(onsets.length).fill(-1);
  for (let hop = 0; hop < onsets.length; hop++) {
    const period = periodAt(hop);
    let best = 0;
    for (let at = Math.max(0, Math.round(hop - 2 * period)); at <= hop - period / 2; at++) {
      const value = totals[at] - tightness * Math.log((hop - at) / period) ** 2;
      if (value > best) [best, before[hop]] = [value, at];
    }
    totals[hop] = onsets[hop] + best;
  }
  let last = totals.length - 1;
  for (let hop = Math.max(0, totals.length - Math.round(2 * periodAt(totals.length - 1))); hop < totals.length; hop++)
    if (totals[hop] > totals[last]) last = hop;
  const beats: number[] = [];
  for (let hop = last; hop >= 0; hop = before[hop]) beats.unshift(hop);
  const clearness = beats.reduce((sum, hop) => sum + onsets[hop], 0) / beats.length;
  return clearness < leastClearness ? [] : beats.map(hop => hop * hopSeconds);
}
