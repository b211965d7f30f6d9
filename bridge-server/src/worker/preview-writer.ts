import { join } from 'node:path';
import type { Frame } from '../frame/frame';
import { writePicture } from './picture-file';

/** Previews are for looking at while one waits: small, and not more than the eye follows. */
const previewSide = 640;
const leastMs = { final: 1000, unfinished: 1500 } as const;

export type PreviewWriter = {
  /** Takes a picture when the last one is long enough ago and written; otherwise it is let go. */
  offer(frame: number, picture: Frame, final: boolean): void;
  /** Waits for what is being written. */
  settled(): Promise<void>;
};

/** Writes `previews/<frame of the delivered clip>.jpg` in the job's folder. */
export function createPreviewWriter(
  folder: string,
  onWritten: (frame: number, file: string, final: boolean) => void,
  onProblem: (problem: unknown) => void,
): PreviewWriter {
  let last = -Infinity;
  let writing: Promise<void> | undefined;
  return {
    offer(frame, picture, final) {
      const now = performance.now();
      if (writing || now - last < leastMs[final ? 'final' : 'unfinished']) return;
      last = now;
      const file = `${frame}.jpg`;
      writing = writePicture(join(folder, file), picture, 'jpeg', previewSide)
        // A preview that cannot be written costs nobody a frame.
        .then(() => onWritten(frame, file, final), onProblem)
        .finally(() => {
          writing = undefined;
        });
    },
    settled: () => writing ?? Promise.resolve(),
  };
}
