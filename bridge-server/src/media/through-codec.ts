import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClipInfo } from '#protocol/clip';
import type { CodecName } from '#protocol/preset';
import type { Frame } from '../frame/frame';
import { decodeFrames } from './decode';
import { createEncoder, segmentEnding } from './encode';
import { probeClip } from './probe';

/** The codec that Reverie writes and that takes something from pictures; undefined where a clip is in another one, or loses nothing. */
export function lossyCodecOf({ codec, pixelFormat }: Pick<ClipInfo, 'codec' | 'pixelFormat'>): CodecName | undefined {
  if (codec === 'prores') return /444/.test(pixelFormat) ? 'prores4444' : 'prores422hq';
  if (codec === 'dnxhd') return 'dnxhr';
  return codec === 'h264' ? 'h264' : undefined;
}

/**
 * An opaque frame as it comes back from a clip of its own: what a codec takes from the one side of a comparison it has
 * to take from the other (ProRes takes 3 to 5 per cent of the steepness of small pictures).
 * @throws AppError as `createEncoder` and `decodeFrames`
 */
export async function throughCodec(frame: Frame, codec: CodecName, signal?: AbortSignal): Promise<Frame> {
  const { index, width, height, rgb, shotStart } = frame;
  const folder = await mkdtemp(join(tmpdir(), 'reverie-frame-'));
  try {
    const path = join(folder, `frame${segmentEnding(codec)}`);
    const encoder = await createEncoder(path, { codec, rate: { num: 25, den: 1 }, width, height });
    await encoder.write({ index: 0, width, height, rgb });
    await encoder.finish();
    const info = await probeClip(path, { sha256: '', name: 'frame' });
    const kept: Frame[] = [];
    for await (const each of decodeFrames(path, info, { first: 0, last: 0, signal })) kept.push(each);
    return { ...kept[0], index, shotStart };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
