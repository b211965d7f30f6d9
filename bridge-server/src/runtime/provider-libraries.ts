import { existsSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ProviderName } from './runtime';

/**
 * CUDA and TensorRT come in an npm package of their own (an optional extra of 180 MB, onnxruntime 1.29.0 exactly):
 * `npm install com.github.asus4.onnxruntime.linux-x64-gpu@0.4.9`. onnxruntime looks for their libraries beside its own,
 * so they are linked there. CUDA 13 and cuDNN 9 themselves must be installed; their folders have to be on the loader's
 * path before the process starts, see `providerEnvironment`. None of this was ever run on a machine with such a GPU.
 */
const extraPackage = 'com.github.asus4.onnxruntime.linux-x64-gpu';
const providerLibrary = /^libonnxruntime_providers_(shared|cuda|tensorrt)\.so$/;

/** An installed package, looked for as node does; bundlers take `require.resolve` away. */
function packageFolder(name: string): string | undefined {
  for (let folder = __dirname; ; folder = dirname(folder)) {
    const found = join(folder, 'node_modules', name);
    if (existsSync(join(found, 'package.json'))) return found;
    if (folder === dirname(folder)) return undefined;
  }
}

function findFiles(folder: string, wanted: RegExp, depth: number): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return depth > 0 ? findFiles(path, wanted, depth - 1) : [];
    return wanted.test(entry.name) ? [path] : [];
  });
}

/** Folder of onnxruntime's own libraries on this machine. */
export function onnxruntimeFolder(): string | undefined {
  const root = packageFolder('onnxruntime-node');
  const folder = root && join(root, 'bin/napi-v6', process.platform, process.arch);
  return folder && existsSync(folder) ? folder : undefined;
}

/** Links the CUDA and TensorRT providers beside onnxruntime where the extra package is installed. @returns a problem, if there was one */
export function linkExtraProviders(
  extra = packageFolder(extraPackage),
  target = onnxruntimeFolder(),
): string | undefined {
  if (!extra || !target) return undefined;
  for (const path of findFiles(extra, providerLibrary, 6)) {
    const link = join(target, path.split('/').at(-1)!);
    if (existsSync(link)) continue;
    try {
      symlinkSync(path, link);
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'EEXIST') continue;
      return `${link} could not be made: ${(thrown as Error).message}`;
    }
  }
  return undefined;
}

/** Where CUDA's libraries usually lie, newest first. */
function cudaFolders(): string[] {
  const below = (parent: string, name: RegExp) =>
    existsSync(parent)
      ? readdirSync(parent)
          .filter(entry => name.test(entry))
          .sort()
          .reverse()
      : [];
  const toolkits = below('/usr/local', /^cuda(-13.*)?$/).flatMap(name => [
    join('/usr/local', name, 'lib64'),
    join('/usr/local', name, 'targets/x86_64-linux/lib'),
  ]);
  // The CUDA wheels of Python carry the same libraries.
  const wheels = ['/usr/local/lib', '/usr/lib'].flatMap(root =>
    below(root, /^python3/).flatMap(python =>
      ['dist-packages', 'site-packages'].flatMap(packages => {
        const nvidia = join(root, python, packages, 'nvidia');
        return below(nvidia, /./).map(name => join(nvidia, name, 'lib'));
      }),
    ),
  );
  return [...(process.env.REVERIE_CUDA_LIBRARIES?.split(':') ?? []), ...toolkits, ...wheels].filter(
    folder => existsSync(folder) && statSync(folder).isDirectory(),
  );
}

/**
 * glibc gives back what lies unused above this much, and takes what is larger than that from the system each time. Both
 * spare it much of what a released net held; lower, a 1280x720 step of the embedded net, whose tensors are then new
 * pages at each run, takes a fifth longer.
 */
const glibcSettings = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_TRIM_THRESHOLD_: String(256 << 20),
  MALLOC_MMAP_THRESHOLD_: String(32 << 20),
};

/** Environment of a child that is to compute on `provider`: glibc's settings, and CUDA's folders on the loader's path. */
export function providerEnvironment(provider: ProviderName | 'auto'): Record<string, string> {
  if (process.platform !== 'linux' || provider === 'cpu' || provider === 'webgpu') return glibcSettings;
  const folders = [...new Set([...(process.env.LD_LIBRARY_PATH?.split(':') ?? []), ...cudaFolders()])].filter(
    folder => folder !== '',
  );
  return folders.length > 0 ? { ...glibcSettings, LD_LIBRARY_PATH: folders.join(':') } : glibcSettings;
}

/**
 * What a process that is to compute on CUDA itself lacks on its loader's path, where the extra package is installed.
 * @returns undefined when nothing is missing, or there is no such package
 */
export function missingLoaderPath(extra = packageFolder(extraPackage)): string | undefined {
  if (!extra) return undefined;
  const { LD_LIBRARY_PATH: needed } = providerEnvironment('cuda');
  return needed === process.env.LD_LIBRARY_PATH ? undefined : needed;
}
