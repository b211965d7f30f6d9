import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeFrames } from '../media/decode';
import { createEncoder, encodedSize, segmentEnding } from '../media/encode';
import { joinSegments } from '../media/join';
import { verifyClip } from '../media/verify';
import { createFrameStore } from '../media/frame-store';
import { loadState, saveState } from '../media/state-file';
import { hashOf } from '../pipeline/file-hash';
import type { TaskMedia } from '../pipeline/task-media';
import { detectCuts } from '../stages/cuts';

/** These hold transparency; whether there is any is up to the frames. */
const keepsAlpha = (codec: string) => codec === 'prores4444' || codec === 'png';

/** The pipeline's view of `media/`, for clips in `clipsFolder`. */
export function createTaskMedia(clipsFolder: string): TaskMedia {
  return {
    decode(clip, span, { signal, notice, maxSide }) {
      const scale = maxSide ? Math.min(1, maxSide / Math.max(clip.width, clip.height)) : 1;
      const side = (length: number) => Math.max(2, Math.round(length * scale));
      return decodeFrames(join(clipsFolder, clip.sha256), clip, {
        ...span,
        signal,
        ...(scale < 1 ? { scaleTo: { width: side(clip.width), height: side(clip.height) } } : {}),
        concealed: (frame, why) => notice({ kind: 'frame-concealed', stage: 'decode', frame, text: why }),
      });
    },
    // Synced: a state counts on the frames before it.
    frames: folder => createFrameStore(folder, { sync: true }),
    analyse: detectCuts,
    writeState: (path, state) => saveState(path, state, { sync: true }),
    readState: loadState,
    segmentName: output => `segment${segmentEnding(output.codec)}`,
    createSegment: (path, { output, rate, width, height }) =>
      createEncoder(path, { codec: output.codec, rate, width, height, alpha: keepsAlpha(output.codec) }),
    async verifySegment(path, { output, frames, rate, width, height, signal }) {
      await verifyClip(path, { frames, rate, ...encodedSize(output.codec, width, height) }, signal);
    },
    async join(segments, folder, { output, rate, frames, width, height }, { signal, onFrame }) {
      const fileName = `result${segmentEnding(output.codec)}`;
      const path = join(folder, fileName);
      try {
        await joinSegments(segments, path, frames);
        onFrame(Math.floor(frames / 2));
        const verified = await verifyClip(path, { frames, rate, ...encodedSize(output.codec, width, height) }, signal);
        onFrame(frames);
        return {
          fileName,
          frames: verified.frames,
          width: verified.width,
          height: verified.height,
          ...(await hashOf(path)),
        };
      } catch (thrown) {
        await rm(path, { recursive: true, force: true });
        throw thrown;
      }
    },
  };
}
