import { AppError } from '#protocol/errors';
import type { PresetFiles } from '../host/export-preset';
import type { HostFiles } from '../host/host-files';
import type { UxpFs } from './modules';

export type PlugInFiles = HostFiles & PresetFiles;

const messageOf = (thrown: unknown) => (thrown instanceof Error ? thrown.message : String(thrown));
const nameOf = (path: string) => path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
/** As Node's results have them: names that compare on every file system. */
const plainName = (name: string) => name.normalize('NFKD').replace(/[^\x20-\x7e]|[\\/:*?"<>|]/g, '') || 'result';

/** The disk as UXP gives it. */
export function createPlugInFiles(fs: UxpFs, platform: string): PlugInFiles {
  const separator = platform.startsWith('win') ? '\\' : '/';
  const join = (...parts: string[]) => parts.join(separator);
  let count = 0;

  const sizeOf = (path: string) =>
    fs.lstat(path).then(
      stat => stat.size,
      () => undefined,
    );
  const unwritable = (path: string) => (cause: unknown) => {
    throw new AppError('OUTPUT_UNWRITABLE', { path, problem: messageOf(cause) }, { cause });
  };
  async function remove(path: string): Promise<void> {
    if ((await sizeOf(path)) !== undefined) await fs.unlink(path).catch(unwritable(path));
  }
  const unique = () => `${Date.now().toString(36)}-${++count}`;

  return {
    join,
    nameOf,
    sizeOf,
    remove,
    readText: path => fs.readFile(path, { encoding: 'utf-8' }).then(String, () => undefined),
    writeText: async (path, text) =>
      void (await fs.writeFile(path, text, { encoding: 'utf-8' }).catch(unwritable(path))),
    async makeFolder(path) {
      // Whether a folder is there already is told by a failure of some wording; what counts is that it can be written to.
      await fs.mkdir(path, { recursive: true }).catch(() => undefined);
      const trial = join(path, `.writable-${unique()}`);
      await fs.writeFile(trial, 'x', { encoding: 'utf-8' }).catch(unwritable(path));
      await remove(trial);
    },
    async open(path) {
      const sizeBytes = await sizeOf(path);
      if (sizeBytes === undefined) throw new AppError('FILE_NOT_FOUND', { path });
      return {
        name: nameOf(path),
        sizeBytes,
        async read(offset, length) {
          try {
            const buffer = new ArrayBuffer(length);
            const file = await fs.open(path, 'r');
            try {
              const { bytesRead } = await fs.read(file, buffer, 0, length, offset);
              return new Uint8Array(buffer, 0, bytesRead);
            } finally {
              await fs.close(file);
            }
          } catch (cause) {
            throw new AppError('FILE_UNREADABLE', { path, problem: messageOf(cause) }, { cause });
          }
        },
      };
    },
    async openSink(folder, fileName) {
      await fs.mkdir(folder, { recursive: true }).catch(() => undefined);
      // Only the name: a server's text must not lead out of the folder.
      const name = plainName(nameOf(fileName));
      const dot = name.lastIndexOf('.') > 0 ? name.lastIndexOf('.') : name.length;
      const partial = join(folder, `${name.slice(0, dot)}-${unique()}.part`);
      const file = await fs.open(partial, 'w').catch(unwritable(partial));
      let position = 0;
      return {
        async write(bytes) {
          const piece = bytes.slice();
          const { bytesWritten } = await fs
            .write(file, piece.buffer, 0, piece.length, position)
            .catch(unwritable(partial));
          if (bytesWritten !== piece.length)
            unwritable(partial)(new Error(`${bytesWritten} of ${piece.length} bytes were written`));
          position += piece.length;
        },
        async finish() {
          await fs.close(file);
          // A host that shows an older result keeps that file open: it is never written over.
          for (let index = 1; ; index++) {
            const final = join(folder, `${name.slice(0, dot)}${index === 1 ? '' : `-${index}`}${name.slice(dot)}`);
            if ((await sizeOf(final)) !== undefined) continue;
            await fs.rename(partial, final).catch(unwritable(final));
            return final;
          }
        },
        async discard() {
          await fs.close(file);
          await remove(partial);
        },
      };
    },
    list: folder => fs.readdir(folder).catch(() => []),
  };
}
