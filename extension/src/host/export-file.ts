import type { ClipInfo } from '#protocol/clip';
import { AppError } from '#protocol/errors';
import type { FrameRange, Rate } from '#protocol/time';
import type { ExportedClip, TimelineRange } from '#protocol/timeline';
import type { ByteSource } from '../bridge/bytes';
import type { HostFiles } from './host-files';

/**
 * Name without extension, which the host's preset decides. Track, first and last frame are in it: two cuts that overlap
 * in a dissolve share an in point.
 */
export function exportStem(timeline: TimelineRange, unique: string): string {
  const name =
    timeline.sequence.name
      .replace(/[^\p{L}\p{N}]+/gu, '-')
      .replace(/^-|-$/g, '')
      .slice(0, 40) || 'range';
  const track = timeline.clips[0]?.track ?? 0;
  return `${name}-v${track + 1}-${timeline.range.first}-${timeline.range.last}-${unique}`;
}

/**
 * Builds that ignore in and out points write more than was asked for.
 * @throws AppError EXPORT_WRONG_LENGTH
 */
export function checkExportLength(range: FrameRange, { frames, rate }: Pick<ClipInfo, 'frames' | 'rate'>): void {
  const expected = range.last - range.first + 1;
  if (!isExpectedLength(range, frames, rate)) throw new AppError('EXPORT_WRONG_LENGTH', { actual: frames, expected });
}

/** Whether an exported file is as long as what was to be exported, to a frame of the sequence. */
export function isExpectedLength(range: FrameRange, frames: number, rate: Rate): boolean {
  const wanted = BigInt(range.last - range.first + 1) * BigInt(range.rate.den) * BigInt(rate.num);
  const actual = BigInt(frames) * BigInt(rate.den) * BigInt(range.rate.num);
  const oneFrame = BigInt(range.rate.den) * BigInt(rate.num);
  const difference = wanted > actual ? wanted - actual : actual - wanted;
  return difference <= oneFrame;
}

/** What every host on a disk does with the bytes of a clip: exports are read and cleared away, results are kept. */
export function createClipFiles(files: HostFiles, resultsFolder: string) {
  return {
    async openBytes(clip: ExportedClip): Promise<ByteSource> {
      if (!clip.path) throw new AppError('FILE_NOT_FOUND', { path: clip.name });
      return files.open(clip.path);
    },
    openSink: (fileName: string) => files.openSink(resultsFolder, fileName),
    async releaseExport(clip: ExportedClip): Promise<void> {
      if (!clip.isSource && clip.path) await files.remove(clip.path);
    },
  };
}
