import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { AppError } from '#protocol/errors';
import type { Ffmpeg } from './find-ffmpeg';

/**
 * The containers that are opened. Playlists and scripts (hls, concat, dash, sdp, avisynth, image2 patterns) are not
 * among them: such a file, under any name, could make ffmpeg open other files.
 */
const containers = [
  ...[
    'mov',
    'matroska',
    'avi',
    'mpegts',
    'mpeg',
    'mxf',
    'flv',
    'asf',
    'ogg',
    'nut',
    'ivf',
    'gif',
    'dv',
    'yuv4mpegpipe',
  ],
  ...['h264', 'hevc', 'm4v', 'mpegvideo', 'rm', 'wtv', 'gxf'],
  // Sound alone, so that it can be told from what is no media at all.
  ...['wav', 'mp3', 'flac', 'aac', 'aiff', 'caf', 'ac3', 'w64'],
];

/** No side may be longer; ffmpeg refuses a larger picture before it takes memory for it. */
export const maxSide = 8192;

/** What comes before every `-i` of a file that somebody else made. */
export function inputArgs(path: string): string[] {
  return [
    ...['-protocol_whitelist', 'file,pipe', '-format_whitelist', containers.join(',')],
    ...['-probesize', '20000000', '-analyzeduration', '20000000', '-max_pixels', String(maxSide * maxSide)],
    ...['-noautorotate', '-i', `file:${path}`],
  ];
}

/** What comes first. Levels are named on each line, so that errors are told from reports. */
export function commonArgs(loglevel: 'info' | 'warning' = 'warning'): string[] {
  return ['-hide_banner', '-nostdin', '-nostats', '-loglevel', `repeat+level+${loglevel}`, '-max_alloc', '2000000000'];
}

/** Frames go through as they come, none doubled, none dropped. */
export function passthroughArgs(ffmpeg: Ffmpeg): string[] {
  return ffmpeg.libavcodec >= 59.37 ? ['-fps_mode', 'passthrough'] : ['-vsync', 'passthrough'];
}

export type FfmpegEnd = {
  readonly exit: number | null;
  readonly timedOut: boolean;
  /** The signal that ended it, when it was not we who sent it: a crash, or the system short of memory. */
  readonly crashed?: string;
};

export type RunningFfmpeg = {
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Settles when the process has gone and its pipes are drained; never rejects. */
  readonly done: Promise<FfmpegEnd>;
  /** The first and the last of its messages, oldest first. */
  errors(): readonly string[];
  warnings(): readonly string[];
  kill(): void;
};

export type RunOptions = {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Called with each whole line of standard error. */
  readonly onLine?: (line: string) => void;
  readonly stdin?: 'pipe' | 'ignore';
};

/** Lines; the first, which tends to be the cause, and the last ones. */
const kept = 12;

/** Starts ffmpeg without a shell. It dies with the signal, after the time limit, or when `kill` is called. */
export function startFfmpeg(ffmpeg: Ffmpeg, args: readonly string[], options: RunOptions = {}): RunningFfmpeg {
  // FFREPORT would make it write log files; with colours, codes would end up inside the lines.
  const { FFREPORT: _, ...env } = process.env;
  const child: ChildProcess = spawn(ffmpeg.path, args, {
    stdio: [options.stdin ?? 'ignore', 'pipe', 'pipe'],
    windowsHide: true,
    env: { ...env, AV_LOG_FORCE_NOCOLOR: '1' },
  });
  const errors: string[] = [];
  const warnings: string[] = [];
  let timedOut = false;
  let rest = '';
  const takeLine = (line: string) => {
    const list = /\[(error|fatal|panic)\]/.test(line) ? errors : /\[warning\]/.test(line) ? warnings : undefined;
    list?.push(line.slice(0, 400));
    if (list && list.length > kept) list.splice(1, 1);
    options.onLine?.(line);
  };
  child.stderr!.setEncoding('utf8');
  child.stderr!.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!.slice(-8192);
    for (const line of lines) takeLine(line);
  });
  let killed = false;
  const kill = () => {
    killed = true;
    child.kill('SIGKILL');
  };
  const timer = options.timeoutMs
    ? setTimeout(() => {
        timedOut = true;
        kill();
      }, options.timeoutMs)
    : undefined;
  const { signal } = options;
  if (signal?.aborted) kill();
  signal?.addEventListener('abort', kill, { once: true });
  const done = new Promise<FfmpegEnd>(settle => {
    const end = (exit: number | null, ended: string | null) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', kill);
      if (rest !== '') takeLine(rest);
      rest = '';
      settle({ exit, timedOut, ...(ended && !killed ? { crashed: ended } : {}) });
    };
    child.on('close', end);
    child.on('error', (problem: NodeJS.ErrnoException) => {
      errors.push(problem.message);
      end(null, problem.code ?? problem.message);
    });
  });
  // A reader that stopped early, or a process that went away, is told by `done`.
  child.stdin?.on('error', () => {});
  return { stdin: child.stdin!, stdout: child.stdout!, done, errors: () => errors, warnings: () => warnings, kill };
}

/** ffmpeg's own words without its addresses and levels: "[mov @ 0x55] [error] moov atom not found" → "moov atom not found". */
export function plainMessage(line: string): string {
  return line
    .replace(/\[[^\]]* @ [^\]]*\] ?/g, '')
    .replace(/\[(error|fatal|panic|warning|info)\] ?/g, '')
    .trim();
}

/** The most telling of the last errors, in ffmpeg's words. */
export function problemOf(running: RunningFfmpeg): string {
  const lines = [...running.errors(), ...running.warnings()].map(plainMessage);
  const telling = lines.filter(line => !/^(Error opening input|Conversion failed|Invalid data found|file:)/.test(line));
  return telling[0] ?? lines[0] ?? 'it said nothing';
}

export function isDiskFull(text: string): boolean {
  return /No space left on device|Disk quota exceeded|There is not enough space on the disk/i.test(text);
}

/** How a crash is told: with the signal, so that a process that somebody ended is told from one that failed. */
export function crashDetails(signal: string): { readonly problem: string; readonly signal: string } {
  return { problem: `it crashed (${signal})`, signal };
}

/** @throws AppError FFMPEG_FAILED when the program did not end by itself: what it gave is then no answer about the file */
export function throwIfCrashed({ crashed }: FfmpegEnd, task: string): void {
  if (crashed) throw new AppError('FFMPEG_FAILED', { task, ...crashDetails(crashed) });
}

/** Throws CANCELLED when the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new AppError('CANCELLED');
}
