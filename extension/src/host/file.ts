import type { ClipInfo } from '#protocol/clip';
import { AppError } from '#protocol/errors';
import type { Theme } from '#protocol/timeline';
import { fromBlob } from '../bridge/bytes';
import type { Host } from './host';

/** The greys of an Adobe window, for a browser that has no such window around it. */
export const darkTheme: Theme = {
  dark: true,
  background: '#262626',
  text: '#d6d6d6',
  accent: '#3d8bf2',
  fontSizePx: 12,
};
export const lightTheme: Theme = {
  dark: false,
  background: '#f0f0f0',
  text: '#2c2c2c',
  accent: '#1668d3',
  fontSizePx: 12,
};

export type FileHostOptions = {
  /** Address from which a browser saves a job's result. */
  readonly resultUrl: (job: string) => string;
  /** Starts a browser's download. */
  readonly save: (url: string, fileName: string) => void;
  /** `matchMedia` of the window. */
  readonly matchMedia?: (query: string) => Pick<MediaQueryList, 'matches' | 'addEventListener' | 'removeEventListener'>;
};

/** A plain browser: a person chooses a clip, and saves the result. The timeline is the clip itself. */
export function createFileHost({ resultUrl, save, matchMedia }: FileHostOptions): Host {
  let file: File | undefined;
  let info: ClipInfo | undefined;
  return {
    name: 'file',
    capabilities: { range: 'clip', result: 'save', disk: false, markers: false, nativeMenu: false },
    takeFile(taken) {
      file = taken;
      info = undefined;
    },
    learnClip(learned) {
      info = learned;
    },
    async readRange() {
      if (!info) throw new AppError('FILE_NOT_FOUND', { path: file?.name ?? '' });
      const range = { first: 0, last: info.frames - 1, rate: info.rate };
      return {
        sequence: {
          id: info.sha256,
          name: info.name,
          width: info.width,
          height: info.height,
          rate: info.rate,
          frames: info.frames,
        },
        range,
        origin: 'file',
        clips: [
          {
            key: info.sha256,
            name: info.name,
            track: 0,
            range,
            sourceIn: { frame: 0, rate: info.rate },
            kind: 'plain',
            reasons: [],
            selected: true,
          },
        ],
        markers: [],
        playhead: 0,
      };
    },
    async exportRange(range) {
      const name = file?.name ?? range.sequence.name;
      return { name, range: range.range, isSource: true, handle: 0 };
    },
    async openBytes(clip) {
      if (!file) throw new AppError('FILE_NOT_FOUND', { path: clip.name });
      return fromBlob(file, file.name);
    },
    async importClip(clip, _at, context) {
      context.report(undefined, 'saving');
      save(resultUrl(clip.job), clip.name);
      return { outcome: 'downloaded' };
    },
    watchTheme(onChange) {
      const query = matchMedia?.('(prefers-color-scheme: light)');
      const tell = () => onChange(query?.matches ? lightTheme : darkTheme);
      tell();
      query?.addEventListener('change', tell);
      return () => query?.removeEventListener('change', tell);
    },
  };
}

/** A link that is clicked once: the browser saves what the bridge sends as an attachment, at any size. */
export function saveByLink(url: string, fileName: string): void {
  const link = document.createElement('a');
  link.href = url;
  link.download = fileName;
  link.rel = 'noreferrer';
  document.body.append(link);
  link.click();
  link.remove();
}
