import { AppError } from '#protocol/errors';
import { ffmpegInUse } from './find-ffmpeg';
import { commonArgs, inputArgs, problemOf, startFfmpeg } from './run-ffmpeg';
import { encodePicture, isStillFile, loadPicture, probeStill } from './still';
import { thumbnailSize } from './thumbnails';

const timeoutMs = 15_000;

/**
 * A small JPEG of what a file shows at about `seconds`, for a list of clips. Nothing is counted or converted exactly,
 * so that an hour of film takes no longer than a second of it. A time behind its end gives its beginning.
 * @param side longest side in pixels
 * @throws AppError NOT_MEDIA, FFMPEG_NOT_FOUND, and for pictures as `loadPicture`
 */
export async function makeGlimpse(path: string, seconds: number, side: number): Promise<Buffer> {
  if (await isStillFile(path)) {
    const { width, height } = await probeStill(path);
    const picture = await loadPicture(path, { scaleTo: thumbnailSize(width, height, side) });
    return encodePicture(picture, 'jpeg', { quality: 80 });
  }
  const there = await frameAt(path, seconds, side);
  const bytes = there.bytes.length > 0 || seconds === 0 ? there.bytes : (await frameAt(path, 0, side)).bytes;
  if (bytes.length === 0) throw new AppError('NOT_MEDIA', { path, problem: there.problem });
  return bytes;
}

async function frameAt(path: string, seconds: number, side: number): Promise<{ bytes: Buffer; problem: string }> {
  const upright = inputArgs(path).filter(arg => arg !== '-noautorotate');
  const size = `scale=iw*sar:ih,setsar=1,scale=${side}:${side}:force_original_aspect_ratio=decrease`;
  const args = [
    ...[...commonArgs(), '-threads', '1', '-ss', seconds.toFixed(6), ...upright, '-map', '0:v:0'],
    ...['-frames:v', '1', '-vf', `${size},format=yuvj420p`, '-c:v', 'mjpeg', '-q:v', '4', '-f', 'image2pipe', 'pipe:1'],
  ];
  const running = startFfmpeg(await ffmpegInUse(), args, { timeoutMs });
  const parts: Buffer[] = [];
  for await (const part of running.stdout) parts.push(part as Buffer);
  await running.done;
  return { bytes: Buffer.concat(parts), problem: problemOf(running) };
}
