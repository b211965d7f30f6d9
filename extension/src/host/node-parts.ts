import type * as ChildProcess from 'node:child_process';
import type * as Fs from 'node:fs';
import type * as Os from 'node:os';
import type * as Path from 'node:path';
import type * as Zlib from 'node:zlib';
import { AppError } from '#protocol/errors';
import type { ByteSource } from '../bridge/bytes';
import type { PresetFiles } from './export-preset';
import type { FileSink, HostFiles } from './host-files';

/** The Node of the panel's process (15 in Premiere 22 to 24). Handed in, so that a browser's bundle holds none of it. */
export type NodeParts = {
  readonly fs: typeof Fs;
  readonly path: typeof Path;
  readonly os: typeof Os;
  readonly zlib: typeof Zlib;
  readonly childProcess: typeof ChildProcess;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: string;
};

type Require = (name: string) => unknown;
type CepWindow = {
  cep_node?: { require?: Require; process?: NodeJS.Process };
  require?: Require;
  process?: NodeJS.Process;
};

/** @returns undefined where the page has no Node (a plain browser) */
export function findNode(window: unknown): NodeParts | undefined {
  const page = window as CepWindow;
  const load = page.cep_node?.require ?? page.require;
  const process = page.cep_node?.process ?? page.process;
  if (typeof load !== 'function' || !process) return undefined;
  return {
    fs: load('fs') as typeof Fs,
    path: load('path') as typeof Path,
    os: load('os') as typeof Os,
    zlib: load('zlib') as typeof Zlib,
    childProcess: load('child_process') as typeof ChildProcess,
    env: process.env,
    platform: process.platform,
  };
}

/** Where an installation keeps everything, as the server decides it (`defaultHome`). */
export function homeFolder({ env, platform, os, path }: NodeParts): string {
  if (env.REVERIE_HOME) return env.REVERIE_HOME;
  if (platform === 'win32')
    return path.join(env.LOCALAPPDATA ?? path.join(os.homedir(), 'AppData', 'Local'), 'Reverie');
  if (platform === 'darwin') return path.join(os.homedir(), 'Library', 'Application Support', 'Reverie');
  return path.join(env.XDG_DATA_HOME ?? path.join(os.homedir(), '.local', 'share'), 'reverie');
}

const messageOf = (thrown: unknown) => (thrown instanceof Error ? thrown.message : String(thrown));

/** @throws AppError FILE_NOT_FOUND, FILE_UNREADABLE */
export async function fromFile({ fs, path }: NodeParts, file: string): Promise<ByteSource> {
  const size = await fs.promises.stat(file).then(
    stat => stat.size,
    cause => {
      throw new AppError('FILE_NOT_FOUND', { path: file }, { cause });
    },
  );
  return {
    name: path.basename(file),
    sizeBytes: size,
    async read(offset, length) {
      try {
        const handle = await fs.promises.open(file, 'r');
        try {
          const bytes = new Uint8Array(length);
          const { bytesRead } = await handle.read(bytes, 0, length, offset);
          return bytes.subarray(0, bytesRead);
        } finally {
          await handle.close();
        }
      } catch (cause) {
        throw new AppError('FILE_UNREADABLE', { path: file, problem: messageOf(cause) }, { cause });
      }
    },
  };
}

/** macOS gives names back with accents taken apart, so that they would not compare: results have plain names. */
const plainName = (name: string) => name.normalize('NFKD').replace(/[^\x20-\x7e]/g, '') || 'result';

/** Written under another name and renamed when complete: a growing file would be imported with a wrong length. */
export async function openFileSink({ fs, path }: NodeParts, folder: string, fileName: string): Promise<FileSink> {
  const unwritable = (file: string) => (cause: unknown) => {
    throw new AppError('OUTPUT_UNWRITABLE', { path: file, problem: messageOf(cause) }, { cause });
  };
  await fs.promises.mkdir(folder, { recursive: true }).catch(unwritable(folder));
  // Only the name: a server's text must not lead out of the folder.
  const { name, ext } = path.parse(plainName(path.basename(fileName)));
  const partial = path.join(
    folder,
    `${name}-${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}.part`,
  );
  const handle = await fs.promises.open(partial, 'wx').catch(unwritable(partial));
  return {
    async write(bytes) {
      await handle.write(bytes).catch(unwritable(partial));
    },
    async finish() {
      await handle.sync().catch(unwritable(partial));
      await handle.close();
      // A host that shows an older result keeps that file open: it is never written over.
      for (let count = 1; ; count++) {
        const final = path.join(folder, count === 1 ? name + ext : `${name}-${count}${ext}`);
        if (fs.existsSync(final)) continue;
        await fs.promises.rename(partial, final).catch(unwritable(final));
        return final;
      }
    },
    async discard() {
      await handle.close();
      await fs.promises.unlink(partial).catch(() => undefined);
    },
  };
}

export function nodeFiles(node: NodeParts): HostFiles & PresetFiles {
  const { fs, path } = node;
  return {
    join: (...parts) => path.join(...parts),
    nameOf: file => path.basename(file),
    sizeOf: file =>
      fs.promises.stat(file).then(
        stat => stat.size,
        () => undefined,
      ),
    readText: file => fs.promises.readFile(file, 'utf8').catch(() => undefined),
    writeText: (file, text) => fs.promises.writeFile(file, text),
    remove: file => fs.promises.rm(file, { force: true }),
    async makeFolder(folder) {
      try {
        await fs.promises.mkdir(folder, { recursive: true });
        await fs.promises.access(folder, fs.constants.W_OK);
      } catch (cause) {
        throw new AppError('OUTPUT_UNWRITABLE', { path: folder, problem: messageOf(cause) }, { cause });
      }
    },
    open: file => fromFile(node, file),
    openSink: (folder, fileName) => openFileSink(node, folder, fileName),
    list: folder => fs.promises.readdir(folder).catch(() => []),
  };
}
