import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

export const filmSize = { width: 64, height: 48 };

/** Small films as a host renders them, at 25 frames a second, and what decoding one in full says of it. */
export function createFilms(ffmpeg: string) {
  return {
    /** @param sound a file whose sound from the same moment on is laid under the picture */
    write(path: string, first: number, frames: number, sound?: string): void {
      const { width, height } = filmSize;
      const picture = `testsrc2=size=${width}x${height}:rate=25,trim=start_frame=${first}`;
      const heard = sound ? ['-ss', String(first / 25), '-i', sound, '-map', '0:v', '-map', '1:a'] : [];
      execFileSync(ffmpeg, [
        ...['-v', 'error', '-f', 'lavfi', '-i', picture, ...heard],
        ...['-frames:v', String(frames), '-t', String(frames / 25), '-pix_fmt', 'yuv420p', path],
      ]);
    },
    read(path: string) {
      if (!existsSync(path)) return { frames: 2000, rate: { num: 25, den: 1 }, ...filmSize, sound: false };
      const { stdout, stderr } = spawnSync(ffmpeg, ['-v', 'info', '-i', path, '-map', '0', '-f', 'framecrc', '-'], {
        encoding: 'utf8',
      });
      const base = /#tb 0: (\d+)\/(\d+)/.exec(stdout);
      const [, width, height] = (/Video: .*?, (\d+)x(\d+)/.exec(stderr) ?? []).map(Number);
      return {
        frames: stdout.split('\n').filter(line => /^0,/.test(line)).length,
        rate: { num: Number(base?.[2]), den: Number(base?.[1]) },
        width,
        height,
        sound: /Input #0[^]*Audio:[^]*Output #0/.test(stderr),
      };
    },
  };
}
