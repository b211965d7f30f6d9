import { join } from 'node:path';
import type { Frame } from '../frame/frame';
import { AppError } from '#protocol/errors';
import { createFrameStore, type FrameStore } from './frame-store';
import { makeRoom } from './make-room';

/** Motion both ways between two frames of a clip, each [2, H, W] in pixels. */
export type StoredMotion = { readonly forward: Float32Array; readonly backward: Float32Array };

/** Whose motion, between which frames, at which size. */
export type MotionKey = {
  readonly provider: string;
  readonly from: number;
  readonly to: number;
  readonly width: number;
  readonly height: number;
};

export type FlowStore = {
  /** @returns undefined when it was never written, or is not whole */
  read(key: MotionKey): Promise<StoredMotion | undefined>;
  /**
   * Keeps motion and returns it as it will be read again: rounded to 1/64 pixel. Who computes on must use that, so that
   * a job gives the same result whether its motion was known already or not. Motion that cannot be stored (not a number,
   * or further than 500 pixels) comes back as it is.
   * @throws AppError OUTPUT_UNWRITABLE
   */
  write(key: MotionKey, motion: StoredMotion): Promise<StoredMotion>;
};

/** Raised when the same provider finds other motion than before. */
const version = 2;

/**
 * A pair is filed as a frame of four channels: the frame store packs, checks and replaces files as wholes. Its 65,536
 * levels are steps of 1/64 pixel around a middle that stands for no motion exactly.
 */
const spanPx = 65535 / 64;
const middle = 32768 / 65535;
const furthestPx = 500;

/** Motion of a clip's own frames, in a folder shared by all clips. Clips that were not used for longest make room. */
export function createFlowStore(folder: string, clip: string, limitBytes = 2e9): FlowStore {
  const own = join(folder, clip);
  const stores = new Map<string, Promise<FrameStore>>();
  let room: Promise<number> | undefined;
  let written = 0;
  const storeOf = ({ provider, from, to, width, height }: MotionKey) => {
    const name = `${provider.replace(/[^a-z0-9.-]/gi, '_')}-v${version}-${width}x${height}-${to - from}`;
    const known = stores.get(name) ?? createFrameStore(join(own, name));
    stores.set(name, known);
    return known;
  };
  return {
    async read(key) {
      const frame = await (await storeOf(key)).read(key.from);
      return frame?.alpha && frame.width === key.width && frame.height === key.height ? toMotion(frame) : undefined;
    },
    async write(key, motion) {
      const frame = toFrame(key, motion);
      if (!frame) return motion;
      room ??= makeRoom(folder, limitBytes, clip);
      // Packed, smooth motion takes about two bytes a vector.
      const bytes = 4 * key.width * key.height;
      if (written + bytes <= (await room)) {
        written += bytes;
        try {
          await (await storeOf(key)).write(key.from, frame);
        } catch (problem) {
          // What is only kept to save time must not take the last of the disk from a job.
          if (!(problem instanceof AppError && problem.code === 'DISK_FULL')) throw problem;
          room = Promise.resolve(0);
        }
      }
      return toMotion(frame);
    },
  };
}

function toFrame({ from, width, height }: MotionKey, { forward, backward }: StoredMotion): Frame | undefined {
  const area = width * height;
  const levels = new Float32Array(4 * area);
  for (const [flow, at] of [
    [forward, 0],
    [backward, 2 * area],
  ] as const) {
    for (let i = 0; i < flow.length; i++) {
      if (!(Math.abs(flow[i]) < furthestPx)) return undefined;
      levels[at + i] = flow[i] / spanPx + middle;
    }
  }
  return { index: from, width, height, rgb: levels.subarray(0, 3 * area), alpha: levels.subarray(3 * area) };
}

function toMotion({ rgb, alpha }: Frame): StoredMotion {
  const area = rgb.length / 3;
  const pixels = (level: number) => (Math.round(level * 65535) - 32768) / 64;
  const forward = rgb.subarray(0, 2 * area).map(pixels);
  const backward = new Float32Array(2 * area);
  backward.set(rgb.subarray(2 * area).map(pixels), 0);
  backward.set((alpha as Float32Array).map(pixels), area);
  return { forward, backward };
}
