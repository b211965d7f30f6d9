import { AppError } from '#protocol/errors';
import { parseRate, type Rate } from '#protocol/time';

/** Hosts give rates as rounded decimals (29.97003): the exact fraction that is meant, if it is a known one. */
export function knownRate(fps: number): Rate | undefined {
  const names = ['23.976', '24', '25', '29.97', '30', '47.952', '48', '50', '59.94', '60', '100', '119.88', '120'];
  return names.map(parseRate).find(rate => Math.abs(rate.num / rate.den - fps) < 0.002);
}

/** Any other rate is what it says, to a thousandth. @throws AppError RATE_WRONG */
export function rateOfDecimal(fps: number): Rate {
  if (!(fps >= 0.001 && fps <= 999)) throw new AppError('RATE_WRONG', { text: String(fps) });
  const known = knownRate(fps);
  if (known) return known;
  let [a, b] = [Math.round(fps * 1000), 1000];
  while (b > 0) [a, b] = [b, a % b];
  return { num: Math.round(fps * 1000) / a, den: 1000 / a };
}

export const isSameRate = (a: Rate, b: Rate): boolean =>
  BigInt(a.num) * BigInt(b.den) === BigInt(b.num) * BigInt(a.den);
