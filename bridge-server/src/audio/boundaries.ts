import { blockSeconds, type Likeness } from './likeness';

/** Blocks `first` up to `end`, which is not included. */
export type Stretch = { readonly first: number; readonly end: number };

/** Seconds on either side of a moment that are compared there. */
const radii = [5, 10];
/** No section is shorter. */
const shortestSeconds = 5;
/** Two stretches of this length that differ by `leastEvidence` are two sections; longer ones may differ less. */
const usualSeconds = 14;
const leastEvidence = 0.16;
/** What parts sections in one piece is a change inside a section of another: each boundary is held against the clearest. */
const shareOfClearest = 0.5;
/** How far a boundary may be from where its sections part, and what of them near it is not trusted to be theirs. */
const settleSeconds = 5;
const doubtfulSeconds = 4;
/** Blocks of a stretch that are compared, evenly drawn. */
const drawn = 64;

function draw({ first, end }: Stretch): number[] {
  const count = Math.min(drawn, end - first);
  return Array.from({ length: count }, (_, at) => first + Math.floor(((at + 0.5) * (end - first)) / count));
}

/** Mean likeness between the blocks of two stretches, or between different blocks of one. */
function meanLikeness(likeness: Likeness, a: Stretch, b: Stretch): number {
  let sum = 0;
  let pairs = 0;
  const others = draw(b);
  for (const one of draw(a)) {
    for (const other of others) {
      if (one === other) continue;
      sum += likeness.between(one, other);
      pairs++;
    }
  }
  return pairs === 0 ? 1 : sum / pairs;
}

/**
 * How differently two stretches sound, 0 to 1: how much more alike each is to itself than to the other (the maximum
 * mean discrepancy; Gretton et al., A kernel two-sample test, JMLR 2012).
 */
export function contrastOf(likeness: Likeness, a: Stretch, b: Stretch): number {
  return (meanLikeness(likeness, a, a) + meanLikeness(likeness, b, b)) / 2 - meanLikeness(likeness, a, b);
}

/**
 * Novelty at each block: a checkerboard with soft edges, moved along the diagonal of the self-similarity.
 * Source: Foote, Automatic audio segmentation using a measure of audio novelty, ICME 2000.
 * @param radius blocks on either side
 */
export function noveltyOf(likeness: Likeness, radius: number): Float32Array {
  const { blocks } = likeness;
  const novelty = new Float32Array(blocks);
  const taper = Float64Array.from({ length: radius }, (_, at) => Math.exp(-0.5 * ((2 * (at + 0.5)) / radius) ** 2));
  // The band beside the diagonal, computed once.
  const band = 2 * radius;
  const near = new Float32Array(blocks * band);
  for (let a = 0; a < blocks; a++)
    for (let by = 0; by < band && a + by < blocks; by++) near[a * band + by] = likeness.between(a, a + by);
  const at = (a: number, b: number) => (a < b ? near[a * band + b - a] : near[b * band + a - b]);
  for (let here = 1; here < blocks; here++) {
    const reach = Math.min(radius, here, blocks - here);
    let [same, sameWeight, cross, crossWeight] = [0, 0, 0, 0];
    for (let i = 0; i < reach; i++) {
      for (let j = 0; j < reach; j++) {
        const weight = taper[i] * taper[j];
        cross += weight * at(here - 1 - i, here + j);
        crossWeight += weight;
        if (i === j) continue;
        same += weight * (at(here - 1 - i, here - 1 - j) + at(here + i, here + j));
        sameWeight += 2 * weight;
      }
    }
    // Near the ends there is little to compare, and it counts for less.
    if (sameWeight > 0) novelty[here] = Math.max(0, same / sameWeight - cross / crossWeight) * (reach / radius);
  }
  return novelty;
}

/** First blocks of sections in rising order; 0 is always the first. */
export function findBoundaries(likeness: Likeness): number[] {
  const { blocks } = likeness;
  const novelty = new Float32Array(blocks);
  for (const seconds of radii)
    noveltyOf(likeness, Math.round(seconds / blockSeconds)).forEach((value, at) => (novelty[at] += value));
  const gap = Math.round(shortestSeconds / blockSeconds);
  const starts = [0];
  for (let at = gap; at <= blocks - gap; at++) {
    let isPeak = novelty[at] > 0;
    for (let by = -gap; by <= gap && isPeak; by++) {
      const other = novelty[at + by] ?? 0;
      isPeak = other < novelty[at] || (other === novelty[at] && by >= 0);
    }
    if (isPeak) starts.push(at);
  }
  return settle(likeness, mergeAlike(likeness, starts));
}

function evidenceOf(likeness: Likeness, a: Stretch, b: Stretch): number {
  const [lengthA, lengthB] = [(a.end - a.first) * blockSeconds, (b.end - b.first) * blockSeconds];
  const mean = (2 * lengthA * lengthB) / (lengthA + lengthB);
  return contrastOf(likeness, a, b) * Math.sqrt(mean / usualSeconds);
}

/** Takes boundaries away, the least audible first, until each one left is clear. */
function mergeAlike(likeness: Likeness, starts: readonly number[]): number[] {
  const left = [...starts];
  const stretch = (index: number): Stretch => ({ first: left[index], end: left[index + 1] ?? likeness.blocks });
  const before = (index: number) => evidenceOf(likeness, stretch(index - 1), stretch(index));
  const evidence = left.map((_, index) => (index === 0 ? Infinity : before(index)));
  while (left.length > 1) {
    const weakest = evidence.indexOf(Math.min(...evidence));
    const clearest = Math.max(...evidence.slice(1));
    if (evidence[weakest] >= Math.max(leastEvidence, shareOfClearest * clearest)) break;
    left.splice(weakest, 1);
    evidence.splice(weakest, 1);
    for (const index of [weakest - 1, weakest]) if (index > 0 && index < left.length) evidence[index] = before(index);
  }
  return left;
}

/**
 * Moves each boundary to where its two sections part: between the moments that are more like the one before and those
 * that are more like the one after. A novelty that looks a few seconds to either side peaks near that place only.
 */
function settle(likeness: Likeness, starts: readonly number[]): number[] {
  const reach = Math.round(settleSeconds / blockSeconds);
  const out = [...starts];
  for (let index = 1; index < starts.length; index++) {
    const [first, here, end] = [out[index - 1], starts[index], starts[index + 1] ?? likeness.blocks];
    const doubtful = (length: number) => Math.min(Math.round(doubtfulSeconds / blockSeconds), length >> 1);
    const before = draw({ first, end: here - doubtful(here - first) });
    const after = draw({ first: here + doubtful(end - here), end });
    const likenessTo = (block: number, others: readonly number[]) =>
      others.reduce((sum, other) => sum + likeness.between(block, other), 0) / others.length;
    let [sum, most] = [0, -Infinity];
    for (let block = Math.max(first + 1, here - reach); block < Math.min(end, here + reach); block++) {
      if (sum > most) [most, out[index]] = [sum, block];
      sum += likenessTo(block, before) - likenessTo(block, after);
    }
  }
  return out;
}
