import { z } from 'zod';
import { AppError } from './errors';

/**
 * Frames a second as a fraction of integers. 29.97 is 30000/1001 and nothing else: rates are compared and converted
 * exactly and never become floats.
 */
export const rateSchema = z.object({
  num: z.int().positive().max(1_000_000_000),
  den: z.int().positive().max(1_000_000_000),
});
export type Rate = z.infer<typeof rateSchema>;

/** `value` units of 1/rate seconds. */
export const rationalTimeSchema = z.object({ value: z.int(), rate: rateSchema });
export type RationalTime = z.infer<typeof rationalTimeSchema>;

/** Frames `first` to `last`, both included, at `rate`. */
export const frameRangeSchema = z
  .object({ first: z.int().nonnegative(), last: z.int().nonnegative(), rate: rateSchema })
  .refine(range => range.last >= range.first, { message: 'the last frame lies before the first' });
export type FrameRange = z.infer<typeof frameRangeSchema>;

function gcd(a: bigint, b: bigint): bigint {
  return b === 0n ? a : gcd(b, a % b);
}

/** Lowest terms. */
export function rate(num: number, den = 1): Rate {
  const divisor = Number(gcd(BigInt(num), BigInt(den)));
  return { num: num / divisor, den: den / divisor };
}

export function sameRate(a: Rate, b: Rate): boolean {
  return BigInt(a.num) * BigInt(b.den) === BigInt(b.num) * BigInt(a.den);
}

/** For display and for libraries that want a number; never for arithmetic on time. */
export function rateToNumber(value: Rate): number {
  return value.num / value.den;
}

/** "50", "30000/1001", "29.97" (the NTSC decimals mean their exact fractions). @throws AppError RATE_WRONG */
export function parseRate(text: string): Rate {
  const ntsc: Record<string, Rate> = {
    '23.976': { num: 24000, den: 1001 },
    '23.98': { num: 24000, den: 1001 },
    '29.97': { num: 30000, den: 1001 },
    '47.952': { num: 48000, den: 1001 },
    '59.94': { num: 60000, den: 1001 },
    '119.88': { num: 120000, den: 1001 },
  };
  const known = ntsc[text.trim()];
  if (known) return known;
  const fraction = /^\s*(\d{1,9})(?:\s*[/:]\s*(\d{1,9}))?\s*$/.exec(text);
  if (fraction) {
    const [num, den] = [Number(fraction[1]), Number(fraction[2] ?? 1)];
    if (num > 0 && den > 0) return rate(num, den);
  }
  const decimal = /^\s*(\d{1,4})\.(\d{1,3})\s*$/.exec(text);
  if (decimal) {
    const den = 10 ** decimal[2].length;
    const num = Number(decimal[1]) * den + Number(decimal[2]);
    if (num > 0) return rate(num, den);
  }
  throw new AppError('RATE_WRONG', { text });
}

export function formatRate(value: Rate): string {
  return value.den === 1 ? String(value.num) : `${value.num}/${value.den}`;
}

function floorDiv(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient;
}

/** The frame of `to` that shows at the instant when frame `frame` of `from` begins (rounded down). */
export function frameAt(frame: number, from: Rate, to: Rate): number {
  return Number(floorDiv(BigInt(frame) * BigInt(from.den) * BigInt(to.num), BigInt(from.num) * BigInt(to.den)));
}

/** How many frames of `to` cover `count` frames of `from`: ceil(duration x rate), so the result is never short. */
export function framesToCover(count: number, from: Rate, to: Rate): number {
  const top = BigInt(count) * BigInt(from.den) * BigInt(to.num);
  const bottom = BigInt(from.num) * BigInt(to.den);
  return Number((top + bottom - 1n) / bottom);
}

/** Where output frame `k` of `to` falls between source frames: whole frame and the fraction 0 <= f < 1 after it. */
export function sourcePosition(k: number, to: Rate, from: Rate): { frame: number; fraction: number } {
  const top = BigInt(k) * BigInt(to.den) * BigInt(from.num);
  const bottom = BigInt(to.num) * BigInt(from.den);
  const frame = floorDiv(top, bottom);
  return { frame: Number(frame), fraction: Number(top - frame * bottom) / Number(bottom) };
}

export function frameCount(range: FrameRange): number {
  return range.last - range.first + 1;
}

/** Seconds, for display. */
export function seconds(frames: number, at: Rate): number {
  return (frames * at.den) / at.num;
}

/** The whole number that timecode counts frames in: 30 for 29.97. */
function nominal(at: Rate): number {
  return Math.round(at.num / at.den);
}

/** Drop-frame timecode exists for 30000/1001 and 60000/1001 (SMPTE ST 12-1). */
function dropsPerMinute(at: Rate): number {
  return at.den === 1001 && (at.num === 30000 || at.num === 60000) ? nominal(at) / 15 : 0;
}

/** `HH:MM:SS:FF`, or `HH:MM:SS;FF` (drop-frame) where the rate has it and `dropFrame` is asked for. */
export function formatTimecode(frame: number, at: Rate, dropFrame = false): string {
  const base = nominal(at);
  const drops = dropFrame ? dropsPerMinute(at) : 0;
  let count = frame;
  if (drops > 0) {
    const perTenMinutes = base * 600 - drops * 9;
    const perMinute = base * 60 - drops;
    const tens = Math.floor(count / perTenMinutes);
    const rest = count % perTenMinutes;
    count += drops * 9 * tens + (rest >= drops ? drops * Math.floor((rest - drops) / perMinute) : 0);
  }
  const two = (value: number) => String(value).padStart(2, '0');
  const [ff, ss, mm, hh] = [
    count % base,
    Math.floor(count / base) % 60,
    Math.floor(count / (base * 60)) % 60,
    Math.floor(count / (base * 3600)),
  ];
  return `${two(hh)}:${two(mm)}:${two(ss)}${drops > 0 ? ';' : ':'}${two(ff)}`;
}

/**
 * A position given by a person: a frame number ("120"), a timecode ("00:00:05:12", with ";" drop-frame) or seconds
 * with a unit ("2.5s").
 * @returns the frame, counted from 0
 * @throws AppError TIMECODE_WRONG
 */
export function parsePosition(text: string, at: Rate): number {
  const trimmed = text.trim();
  if (/^\d{1,9}$/.test(trimmed)) return Number(trimmed);
  const inSeconds = /^(\d{1,6})(?:\.(\d{1,6}))?s$/.exec(trimmed);
  if (inSeconds) {
    const digits = inSeconds[2] ?? '';
    const scale = 10n ** BigInt(digits.length);
    const value = BigInt(inSeconds[1]) * scale + BigInt(digits || '0');
    // Rounded to the nearest frame: 0.04s at 29.97 is meant as frame 1, not 1.2 floored by accident of digits.
    return Number((2n * value * BigInt(at.num) + scale * BigInt(at.den)) / (2n * scale * BigInt(at.den)));
  }
  const parts = /^(\d{1,2}):(\d{2}):(\d{2})([:;.])(\d{2,3})$/.exec(trimmed);
  if (!parts) throw new AppError('TIMECODE_WRONG', { text });
  const base = nominal(at);
  const [hh, mm, ss, ff] = [parts[1], parts[2], parts[3], parts[5]].map(Number);
  if (mm > 59 || ss > 59 || ff >= base) throw new AppError('TIMECODE_WRONG', { text });
  const drops = parts[4] === ';' ? dropsPerMinute(at) : 0;
  if (drops > 0 && ss === 0 && ff < drops && mm % 10 !== 0) throw new AppError('TIMECODE_WRONG', { text });
  const minutes = hh * 60 + mm;
  return (minutes * 60 + ss) * base + ff - drops * (minutes - Math.floor(minutes / 10));
}

/** "IN:OUT" in frames ("10:59"), or two positions around ".." or "-" ("00:00:01:00-00:00:02:00"); OUT is included. */
export function parseRange(text: string, at: Rate): FrameRange {
  const split = /^(\d{1,9}):(\d{1,9})$/.exec(text.trim()) ?? /^(.+?)(?:\.\.|\s*-\s*)(.+)$/.exec(text.trim());
  if (!split) throw new AppError('RANGE_WRONG', { text });
  const [first, last] = [parsePosition(split[1], at), parsePosition(split[2], at)];
  if (last < first) throw new AppError('RANGE_EMPTY', { text });
  return { first, last, rate: at };
}
