import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { decodeFrames } from '../../bridge-server/src/media/decode';
import { probeClip } from '../../bridge-server/src/media/probe';
import { errors } from '../../bridge-server/src/protocol/errors';
import { makeClip, tags709 } from './numbered-clip';

const x264 = ['-c:v', 'libx264', '-crf', '20', '-preset', 'ultrafast', '-g', '6', '-bf', '2', ...tags709];

/** Small clips of the kinds that people send, to be damaged. */
const recipes: Readonly<Record<string, readonly string[]>> = {
  mp4: x264,
  mkv: ['-c:v', 'libx265', '-x265-params', 'log-level=none', '-preset', 'ultrafast'],
  mov: ['-c:v', 'prores_ks'],
  avi: ['-c:v', 'mpeg4', '-bf', '1'],
  ts: x264,
  webm: ['-c:v', 'libvpx-vp9', '-cpu-used', '8', '-deadline', 'realtime'],
};

export const clipKinds = Object.keys(recipes);

export async function seedClips(folder: string, kinds: readonly string[]): Promise<string[]> {
  const paths: string[] = [];
  for (const kind of kinds)
    paths.push(
      await makeClip(join(folder, `seed.${kind}`), { frames: 12, width: 80, height: 48, encode: recipes[kind] }),
    );
  return paths;
}

/** A repeatable stream of numbers 0..1 (mulberry32). */
function random(seed: number): () => number {
  let state = seed * 2654435761;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Makes a damaged copy: bits flipped (few or many, in the header or anywhere), blocks zeroed, the end torn off, a part doubled. */
export function damage(path: string, name: string, seed: number): string {
  const next = random(seed + 1);
  let bytes = readFileSync(path);
  const kind = Math.floor(next() * 5);
  const within = kind === 1 ? Math.min(bytes.length, 600) : bytes.length;
  if (kind <= 1) {
    const flips = 1 + Math.floor(next() * 20);
    for (let flip = 0; flip < flips; flip++) bytes[Math.floor(next() * within)] ^= 1 << Math.floor(next() * 8);
  } else if (kind === 2) {
    const start = Math.floor(next() * bytes.length);
    bytes.fill(0, start, Math.min(bytes.length, start + Math.floor(next() * 400)));
  } else if (kind === 3) {
    bytes = bytes.subarray(0, Math.floor(next() * bytes.length));
  } else {
    const start = Math.floor(next() * bytes.length);
    bytes = Buffer.concat([bytes.subarray(0, start), bytes.subarray(start, start + 300), bytes.subarray(start)]);
  }
  const target = `${name}${extname(path)}`;
  writeFileSync(target, bytes);
  return target;
}

/**
 * Probes and decodes a damaged clip.
 * @returns "refused CODE" or "taken N frames", which are right; anything else is not
 */
export async function readDamaged(path: string): Promise<string> {
  try {
    const info = await probeClip(path, { limits: { maxFrames: 2000 } });
    let count = 0;
    const last = Math.min(info.frames, 60) - 1;
    for await (const frame of decodeFrames(path, info, { first: 0, last })) {
      if (frame.index !== count) return `frame ${frame.index} came as number ${count}`;
      if (!frame.rgb.every(value => value >= 0 && value <= 1))
        return `frame ${count} holds ${frame.rgb.find(value => !(value >= 0 && value <= 1))}`;
      count++;
    }
    return count === last + 1 ? `taken ${count} frames` : `${count} frames of ${last + 1}`;
  } catch (problem) {
    const { code } = problem as { code?: string };
    return code && code in errors && code !== 'INTERNAL' ? `refused ${code}` : `threw ${String(problem)}`;
  } finally {
    rmSync(path, { force: true });
  }
}
