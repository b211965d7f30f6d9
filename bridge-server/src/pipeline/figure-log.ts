import { appendFile, readFile } from 'node:fs/promises';
import type { FrameFigures } from '../stages/measure';

/** What was measured of a shot's frames, kept beside its states: a task that was stopped still reports on all of them. */
export type FigureLog = {
  readonly known: ReadonlyMap<number, FrameFigures>;
  add(frame: number, figures: FrameFigures): Promise<void>;
};

type Line = { readonly frame: number; readonly figures: FrameFigures };

/** @param before figures of this frame and later ones are forgotten: it is painted again */
export async function openFigureLog(path: string, before: number): Promise<FigureLog> {
  const text = await readFile(path, 'utf8').catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code !== 'ENOENT') throw thrown;
    return '';
  });
  // The last piece is empty, or a line that was not finished.
  const lines = text.split('\n').slice(0, -1).flatMap(readLine);
  return {
    known: new Map(lines.filter(({ frame }) => frame < before).map(({ frame, figures }) => [frame, figures])),
    add: (frame, figures) => appendFile(path, `${JSON.stringify({ frame, figures } satisfies Line)}\n`),
  };
}

/** After a power loss a line may be anything. */
function readLine(text: string): Line[] {
  try {
    // What JSON has no number for (an infinite PSNR) comes back as null.
    return [JSON.parse(text, (_, value: unknown) => value ?? undefined) as Line];
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return [];
    throw thrown;
  }
}
