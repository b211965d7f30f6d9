import { AppError, errors, fillText, toAppError, type ErrorCode } from '#protocol/errors';
import { makeCheckFilm } from './check-film';
import type { HostProbe, HostQuestion, HostReport, TaskContext } from './host';
import type { HostFiles } from './host-files';

/** One question and how to ask it. `ask` says what was answered, and throws where that is not what was expected. */
export type Probe = { readonly question: HostQuestion; readonly ask: () => Promise<unknown> };

/** The host answered, and otherwise than expected. */
export class Unexpected extends Error {}

export function expectThat(holds: boolean, answer: unknown): void {
  if (!holds) throw new Unexpected(JSON.stringify(answer));
}

/** With these a question was not answered at all. */
const unanswered: readonly ErrorCode[] = ['HOST_BUSY', 'HOST_REPLY_BROKEN', 'HOST_FAILED', 'INTERNAL'];

async function put({ question, ask }: Probe): Promise<HostProbe> {
  try {
    return { question, answer: 'as-expected', details: JSON.stringify(await ask()) ?? '' };
  } catch (thrown) {
    if (thrown instanceof Unexpected) return { question, answer: 'otherwise', details: thrown.message };
    const { code, details } = toAppError(thrown);
    const answer = unanswered.includes(code) ? 'failed' : 'otherwise';
    return { question, answer, details: `${code}: ${fillText(errors[code].cause, details)}` };
  }
}

/** One after the other. What was opened is closed whatever happened, and that is a question, too. */
export async function askAll(
  questions: readonly Probe[],
  closing: Probe,
  { signal }: TaskContext,
): Promise<readonly HostProbe[]> {
  const answers: HostProbe[] = [];
  for (const question of questions) {
    if (signal.aborted) break;
    answers.push(await put(question));
  }
  answers.push(await put(closing));
  if (signal.aborted) throw new AppError('CANCELLED');
  return answers;
}

export const checkFilm = { width: 64, height: 48, frames: 50, fps: 25 } as const;

/** Writes a film for the checks. @returns its path */
export async function writeCheckFilm(files: HostFiles, folder: string, name: string): Promise<string> {
  const sink = await files.openSink(folder, name);
  await sink.write(makeCheckFilm(checkFilm));
  return sink.finish();
}

export async function saveReport(
  files: HostFiles,
  folder: string,
  report: Omit<HostReport, 'path'>,
  at: Date,
): Promise<HostReport> {
  const sink = await files.openSink(folder, `host-check-${report.host}.json`);
  const text = JSON.stringify({ format: 1, at: at.toISOString(), ...report }, null, 2);
  await sink.write(new TextEncoder().encode(text));
  return { ...report, path: await sink.finish() };
}
