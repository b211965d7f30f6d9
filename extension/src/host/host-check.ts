import { errors, fillText, toAppError } from '#protocol/errors';
import type { HostCheck } from './host';

/** One line of the set-up page: what was found, or why it was not and what to do. */
export async function check(what: string, ask: () => Promise<string>): Promise<HostCheck> {
  try {
    return { what, ok: true, found: await ask() };
  } catch (thrown) {
    const error = toAppError(thrown);
    const { cause, remedy } = errors[error.code];
    return { what, ok: false, found: fillText(cause, error.details), remedy: fillText(remedy, error.details) };
  }
}
