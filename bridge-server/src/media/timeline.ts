import { rate, sameRate, rateToNumber, type Rate } from '#protocol/time';

/** When each picture of a stream is shown, in the order of showing. */
export type Timeline = {
  readonly timeBase: Rate;
  /** In units of `timeBase` (a fraction of a second: num / den), ascending, none twice. */
  readonly pts: readonly number[];
  /** How long the last picture is shown, in the same units; 0 where the stream does not say. */
  readonly lastDuration: number;
};

export type Pace = { readonly rate: Rate; readonly variable: boolean; readonly frames: number };

/** Rates that cameras, editors and screen recorders use. */
const standardRates: readonly Rate[] = [
  ...[5, 6, 8, 10, 12, 15, 18, 20, 24, 25, 30, 48, 50, 60, 72, 90, 96, 100, 120, 144, 240].map(num => rate(num)),
  ...[12000, 15000, 24000, 30000, 48000, 60000, 120000, 240000].map(num => rate(num, 1001)),
  rate(25, 2),
];

/** The place of an instant on a constant grid that begins with the first picture. */
export function slotOf(pts: number, first: number, timeBase: Rate, at: Rate): number {
  return Math.round(((pts - first) * timeBase.num * at.num) / (timeBase.den * at.den));
}

/** Largest distance of a timestamp from its place on the grid, in frames; infinite when two share a place or one is skipped. */
function deviation(timeline: Timeline, at: Rate): number {
  const { pts, timeBase } = timeline;
  const framesPerTick = (timeBase.num * at.num) / (timeBase.den * at.den);
  let worst = 0;
  for (let index = 0; index < pts.length; index++) {
    const distance = Math.abs((pts[index] - pts[0]) * framesPerTick - index);
    if (distance >= 0.5) return Infinity;
    if (distance > worst) worst = distance;
  }
  return worst;
}

function claimed(texts: readonly string[]): Rate[] {
  return texts.flatMap(text => {
    const number = Number(text);
    if (!(number > 0.5) || number > 1000) return [];
    const near = standardRates.filter(standard => Math.abs(rateToNumber(standard) - number) < 0.006);
    return near.length > 0 ? near : [rate(Math.round(number * 100), 100)];
  });
}

/** The exact rate when all pictures are equally far apart. */
function evenRate({ pts, timeBase }: Timeline): Rate | undefined {
  const delta = pts[1] - pts[0];
  for (let index = 2; index < pts.length; index++) if (pts[index] - pts[index - 1] !== delta) return undefined;
  return rate(timeBase.den, timeBase.num * delta);
}

function nearestStandard(perSecond: number): Rate {
  const distance = (standard: Rate) => Math.abs(Math.log(rateToNumber(standard) / perSecond));
  return standardRates.reduce((best, next) => (distance(next) < distance(best) ? next : best));
}

/** The constant rate for pictures that come when they like: so fast that few are lost, but no faster. */
function rateForVariable({ pts, timeBase }: Timeline): Rate {
  const deltas = pts
    .slice(1)
    .map((at, index) => at - pts[index])
    .sort((a, b) => a - b);
  const ticksPerSecond = timeBase.den / timeBase.num;
  const mean = ((pts.length - 1) * ticksPerSecond) / (pts[pts.length - 1] - pts[0]);
  const fast = ticksPerSecond / deltas[Math.floor(deltas.length / 10)];
  // Close together: the pictures only jitter about their mean. Apart: some were left out, and the short steps tell the rate.
  return nearestStandard(Math.min(120, fast < 1.25 * mean ? mean : fast));
}

/**
 * Finds the constant rate of a stream from its timestamps, which are the truth: a container's claim is rounded or wrong.
 * A stream is constant when each timestamp rounds to its own place on the grid and none is skipped.
 * @param claims rates that the container states, as text
 */
export function findPace(timeline: Timeline, claims: readonly string[]): Pace {
  const { pts, timeBase, lastDuration } = timeline;
  const count = pts.length;
  const said = claimed(claims);
  if (count === 1) {
    const own = lastDuration > 0 ? [rate(timeBase.den, timeBase.num * lastDuration)] : [];
    const known = [...said, ...own].find(one => rateToNumber(one) <= 240 && rateToNumber(one) >= 1);
    return { rate: known ?? rate(25), variable: false, frames: 1 };
  }
  const isClaimed = (one: Rate) => said.some(other => sameRate(one, other));
  const even = evenRate(timeline);
  const tick = (one: Rate) => (timeBase.num * one.num) / (timeBase.den * one.den);
  // One tick of slack for containers that round (milliseconds in Matroska), but never a quarter of a frame.
  const fits = (one: Rate) => deviation(timeline, one) <= Math.min(tick(one) * 1.01, 0.25);
  const byDeviation = (list: readonly Rate[]) =>
    [...list].sort((a, b) => deviation(timeline, a) - deviation(timeline, b));
  const near = standardRates.filter(one => deviation(timeline, one) < 0.5);
  const preferred = [
    ...byDeviation(near.filter(one => isClaimed(one))).filter(fits),
    ...byDeviation(near).filter(fits),
    ...said.filter(fits),
    ...(even ? [even] : []),
    ...byDeviation([...near, ...said]).filter(one => deviation(timeline, one) < 0.5),
  ];
  if (preferred.length > 0) return { rate: preferred[0], variable: false, frames: count };
  const chosen = rateForVariable(timeline);
  const end = pts[count - 1] + (lastDuration > 0 ? lastDuration : 0);
  const frames = Math.max(slotOf(pts[count - 1], pts[0], timeBase, chosen) + 1, slotOf(end, pts[0], timeBase, chosen));
  return { rate: chosen, variable: true, frames };
}
