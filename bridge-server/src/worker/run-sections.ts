import { createSoundReader, soundRate } from '../audio/sound-frames';
import { findSong, type Song } from '../audio/song';
import { decodeSound } from '../media/decode-sound';

/**
 * Listens to a file: waveform, beats, sections.
 * @param onSecond told how much has been heard
 * @throws AppError as `decodeSound`
 */
export async function runSections(
  path: string,
  { signal, onSecond }: { readonly signal?: AbortSignal; readonly onSecond?: (second: number) => void },
): Promise<Song> {
  const reader = createSoundReader();
  let samples = 0;
  for await (const piece of decodeSound(path, { rate: soundRate, signal })) {
    reader.push(piece);
    samples += piece.length;
    onSecond?.(Math.floor(samples / soundRate));
  }
  return findSong(reader.finish());
}
