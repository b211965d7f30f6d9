import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import { AppError } from '#protocol/errors';

/** An ffmpeg that was found and asked what it can do. ffprobe is never needed. */
export type Ffmpeg = {
  readonly path: string;
  /** As it calls itself: "5.1.9-0+deb12u1", "N-47683-g0e8eb07980-static". */
  readonly version: string;
  /** Of libavcodec, major and minor, which orders builds where the version text does not: 59.37 is ffmpeg 5.1. */
  readonly libavcodec: number;
  readonly source: 'setting' | 'beside' | 'path' | 'known place' | 'package';
  readonly encoders: ReadonlySet<string>;
  readonly decoders: ReadonlySet<string>;
  readonly demuxers: ReadonlySet<string>;
  /** The filter that reports each picture, without sums over all its samples where this version can leave them out. */
  readonly reportFilter: string;
};

export type FindOptions = {
  /** What the user set; tried alone, so that a wrong path is seen and not papered over. */
  readonly setting?: string;
  /** Folders where a copy may lie beside the program. */
  readonly beside?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly platform?: NodeJS.Platform;
  /** False leaves out the binary of the npm package. */
  readonly usePackage?: boolean;
};

const run = promisify(execFile);

/** Where package managers put it and where programs that were started from a dock or a menu do not look. */
const knownPlaces: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  darwin: ['/opt/homebrew/bin', '/usr/local/bin', '/opt/local/bin'],
  win32: [
    'C:\\ProgramData\\chocolatey\\bin',
    'C:\\ffmpeg\\bin',
    'C:\\Program Files\\ffmpeg\\bin',
    ...(process.env.USERPROFILE ? [`${process.env.USERPROFILE}\\scoop\\shims`] : []),
    ...(process.env.LOCALAPPDATA ? [`${process.env.LOCALAPPDATA}\\Microsoft\\WinGet\\Links`] : []),
  ],
  linux: ['/usr/bin', '/usr/local/bin', '/snap/bin'],
};

async function isProgram(path: string): Promise<boolean> {
  try {
    if (!(await stat(path)).isFile()) return false;
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The binary that comes with the npm package; old (2018) and without ffprobe, but it needs no installation. */
async function packagedBinary(): Promise<string | undefined> {
  try {
    return (await import('@ffmpeg-installer/ffmpeg')).path;
  } catch {
    return undefined; // the package has no binary for this platform
  }
}

async function names(path: string, list: '-encoders' | '-decoders' | '-demuxers'): Promise<Set<string>> {
  const { stdout } = await run(path, ['-hide_banner', '-nostdin', list], { timeout: 20_000, maxBuffer: 4 << 20 });
  const rows = stdout.split('\n').map(line => /^ [A-Z.]{1,6} +(\S+)/.exec(line)?.[1] ?? '');
  return new Set(rows.flatMap(name => name.split(',')).filter(name => name !== '' && name !== '='));
}

/** @returns undefined when the program is not a working ffmpeg */
async function examine(path: string, source: Ffmpeg['source']): Promise<Ffmpeg | undefined> {
  try {
    const { stdout } = await run(path, ['-hide_banner', '-nostdin', '-version'], { timeout: 20_000 });
    const version = /^ffmpeg version (\S+)/m.exec(stdout)?.[1];
    const libavcodec = /libavcodec\s+(\d+)\. *(\d+)\./.exec(stdout);
    if (!version || !libavcodec) return undefined;
    const [encoders, decoders, demuxers, help] = await Promise.all([
      names(path, '-encoders'),
      names(path, '-decoders'),
      names(path, '-demuxers'),
      run(path, ['-hide_banner', '-nostdin', '-h', 'filter=showinfo'], { timeout: 20_000 }),
    ]);
    return {
      path,
      version,
      libavcodec: Number(libavcodec[1]) + Number(libavcodec[2]) / 100,
      source,
      encoders,
      decoders,
      demuxers,
      reportFilter: /^\s+checksum\b/m.test(help.stdout) ? 'showinfo=checksum=0' : 'showinfo',
    };
  } catch {
    return undefined; // not a program, or one for another machine: the next candidate is tried
  }
}

/**
 * Looks for ffmpeg: the user's setting, beside the program, PATH, the usual places, the npm package.
 * @throws AppError FFMPEG_NOT_FOUND
 */
export async function findFfmpeg(options: FindOptions = {}): Promise<Ffmpeg> {
  const env = options.env ?? process.env;
  const platform = options.platform ?? process.platform;
  const file = platform === 'win32' ? 'ffmpeg.exe' : 'ffmpeg';
  const setting = options.setting ?? env.REVERIE_FFMPEG;
  if (setting) {
    const found = (await isProgram(setting)) ? await examine(setting, 'setting') : undefined;
    if (!found) throw new AppError('FFMPEG_NOT_FOUND', { path: setting });
    return found;
  }
  const packaged = options.usePackage === false ? undefined : await packagedBinary();
  const candidates: [string, Ffmpeg['source']][] = [
    ...(options.beside ?? [dirname(process.argv[1] ?? __filename)]).map(
      dir => [join(dir, file), 'beside'] as [string, Ffmpeg['source']],
    ),
    // An empty or relative entry of PATH would mean the working folder, which may hold a stranger's files.
    ...(env.PATH ?? env.Path ?? '')
      .split(delimiter)
      .filter(dir => isAbsolute(dir))
      .map(dir => [join(dir, file), 'path'] as [string, Ffmpeg['source']]),
    ...(knownPlaces[platform] ?? []).map(dir => [join(dir, file), 'known place'] as [string, Ffmpeg['source']]),
    ...(packaged ? [[packaged, 'package'] as [string, Ffmpeg['source']]] : []),
  ];
  for (const [path, source] of candidates) {
    const found = (await isProgram(path)) ? await examine(path, source) : undefined;
    if (found) return found;
  }
  throw new AppError('FFMPEG_NOT_FOUND');
}

const found = new Map<string, Promise<Ffmpeg>>();

/**
 * The ffmpeg of this process, looked for once per setting. A failed search is not remembered: the user may install
 * ffmpeg meanwhile.
 */
export function ffmpegInUse(): Promise<Ffmpeg> {
  const key = process.env.REVERIE_FFMPEG ?? '';
  const known = found.get(key);
  if (known) return known;
  const search = findFfmpeg();
  found.set(key, search);
  search.catch(() => found.delete(key));
  return search;
}
