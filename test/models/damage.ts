import { AppError } from '../../bridge-server/src/protocol/errors';

/** Repeatable numbers from 0 up to below `limit`. */
export function makeDice(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return limit => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

export type DamageReport = {
  readonly refused: number;
  readonly accepted: number;
  readonly places: ReadonlySet<string>;
  readonly slowestMs: number;
};

/**
 * Cuts a file short and turns bits of it in many ways. Whatever happens, the reader must either answer or refuse with an
 * error of ours that says where; the test fails on anything else.
 */
export function damageFile(
  bytes: Uint8Array,
  read: (bytes: Uint8Array) => unknown,
  { cuts = 120, flips = 400, seed = 1, headBytes = bytes.length } = {},
): DamageReport {
  const dice = makeDice(seed);
  const places = new Set<string>();
  let [refused, accepted, slowestMs] = [0, 0, 0];
  const attempt = (variant: Uint8Array, what: string): void => {
    const started = performance.now();
    try {
      read(variant);
      accepted += 1;
    } catch (error) {
      if (
        !(error instanceof AppError) ||
        !['NET_DAMAGED', 'NET_UNSUPPORTED', 'NET_UNKNOWN_FORMAT'].includes(error.code)
      ) {
        throw new Error(`${what}: ${String(error)}`, { cause: error });
      }
      refused += 1;
      places.add(String(error.details.where ?? error.details.what ?? error.details.problem));
    }
    slowestMs = Math.max(slowestMs, performance.now() - started);
  };
  for (let index = 0; index < cuts; index += 1) {
    const length = index < 20 ? index : dice(bytes.length);
    attempt(bytes.slice(0, length), `cut at ${length}`);
  }
  for (let index = 0; index < flips; index += 1) {
    const variant = bytes.slice();
    const count = 1 + dice(3);
    const turned: string[] = [];
    for (let each = 0; each < count; each += 1) {
      // Two thirds of the damage where the structure is, the rest anywhere.
      const at = dice(dice(3) > 0 ? headBytes : bytes.length);
      const bit = dice(8);
      variant[at] = variant[at]! ^ (1 << bit);
      turned.push(`${at}.${bit}`);
    }
    attempt(variant, `bits ${turned.join(' ')} turned`);
  }
  return { refused, accepted, places, slowestMs };
}
