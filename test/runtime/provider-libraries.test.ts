import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  linkExtraProviders,
  missingLoaderPath,
  onnxruntimeFolder,
  providerEnvironment,
} from '../../bridge-server/src/runtime/provider-libraries';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'reverie-libraries-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('providers of the extra package are linked beside onnxruntime, nothing else is, and twice does no harm', () => {
  const [extra, target] = [join(folder, 'extra'), join(folder, 'target')];
  mkdirSync(join(extra, 'Plugins/Linux/x64'), { recursive: true });
  mkdirSync(target);
  for (const name of ['libonnxruntime_providers_shared.so', 'libonnxruntime_providers_cuda.so', 'libonnxruntime.so'])
    writeFileSync(join(extra, 'Plugins/Linux/x64', name), name);
  expect(linkExtraProviders(extra, target)).toBeUndefined();
  expect(linkExtraProviders(extra, target)).toBeUndefined();
  expect(readFileSync(join(target, 'libonnxruntime_providers_cuda.so'), 'utf8')).toBe(
    'libonnxruntime_providers_cuda.so',
  );
  expect(existsSync(join(target, 'libonnxruntime.so'))).toBe(false);
});

test('a folder that cannot be written is a problem in words', () => {
  const extra = join(folder, 'extra');
  mkdirSync(extra);
  writeFileSync(join(extra, 'libonnxruntime_providers_cuda.so'), '');
  expect(linkExtraProviders(extra, join(folder, 'absent'))).toMatch(/could not be made/);
});

test('without the extra package there is nothing to do', () => {
  expect(linkExtraProviders(undefined, folder)).toBeUndefined();
});

test('onnxruntime is found', () => {
  expect(existsSync(join(onnxruntimeFolder()!, 'onnxruntime_binding.node'))).toBe(true);
});

test('every child gives memory back; only CUDA changes where libraries are looked for', () => {
  expect(providerEnvironment('cpu')).toEqual({
    MALLOC_ARENA_MAX: '1',
    MALLOC_TRIM_THRESHOLD_: '268435456',
    MALLOC_MMAP_THRESHOLD_: '33554432',
  });
  const before = process.env.REVERIE_CUDA_LIBRARIES;
  process.env.REVERIE_CUDA_LIBRARIES = folder;
  try {
    if (process.platform === 'linux') expect(providerEnvironment('cuda').LD_LIBRARY_PATH!.split(':')).toContain(folder);
    expect(providerEnvironment('cpu').LD_LIBRARY_PATH).toBeUndefined();
  } finally {
    if (before === undefined) delete process.env.REVERIE_CUDA_LIBRARIES;
    else process.env.REVERIE_CUDA_LIBRARIES = before;
  }
});

const onLinux = process.platform === 'linux' ? test : test.skip;
onLinux('a process lacks CUDA on its loader path until it is started with it (Linux)', () => {
  const { REVERIE_CUDA_LIBRARIES, LD_LIBRARY_PATH } = process.env;
  try {
    process.env.REVERIE_CUDA_LIBRARIES = folder;
    expect(missingLoaderPath(undefined)).toBeUndefined();
    const missing = missingLoaderPath(folder)!;
    expect(missing.split(':')).toContain(folder);
    process.env.LD_LIBRARY_PATH = missing;
    expect(missingLoaderPath(folder)).toBeUndefined();
  } finally {
    for (const [name, value] of Object.entries({ REVERIE_CUDA_LIBRARIES, LD_LIBRARY_PATH }))
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
  }
});
