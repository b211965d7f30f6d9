import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseProvider, probeProviders, reasonFrom } from '../../bridge-server/src/runtime/choose';
import type { ProviderName } from '../../bridge-server/src/runtime/runtime';
import type { SelfTestResult } from '../../bridge-server/src/runtime/self-test';

const works = (stepMs: number, half = false): SelfTestResult => ({ ok: true, half, stepMs });
const fails = (reason: string): SelfTestResult => ({ ok: false, half: false, reason });

/** A machine on which each provider answers as given; others are absent. */
function machine(answers: Partial<Record<ProviderName, SelfTestResult>>) {
  const asked: ProviderName[] = [];
  return {
    asked,
    probe: async (provider: ProviderName) => {
      asked.push(provider);
      return answers[provider] ?? fails('absent');
    },
  };
}

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'reverie-providers-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('the first that works is chosen, and it is said why the ones before are not', async () => {
  const { probe } = machine({ webgpu: works(2, true), cpu: works(40) });
  expect(await chooseProvider('auto', { probe, platform: 'linux' })).toEqual({
    provider: 'webgpu',
    half: true,
    refused: [{ provider: 'cuda', reason: 'absent' }],
  });
});

test('a provider that computes wrongly is not used', async () => {
  const { probe } = machine({ cuda: fails('It computes wrongly: Gram matrix is off by 80 %.'), cpu: works(40) });
  const choice = await chooseProvider('auto', { probe, platform: 'linux' });
  expect(choice.provider).toBe('cpu');
  expect(choice.refused[0]).toEqual({ provider: 'cuda', reason: 'It computes wrongly: Gram matrix is off by 80 %.' });
});

test('a device slower than the processor is left alone unless it is named', async () => {
  const { probe } = machine({ webgpu: works(900), cpu: works(40) });
  const choice = await chooseProvider('auto', { probe, platform: 'linux' });
  expect(choice.provider).toBe('cpu');
  expect(choice.refused[1]).toMatchObject({ provider: 'webgpu', reason: expect.stringContaining('slower') });
  expect(await chooseProvider('webgpu', { probe, platform: 'linux' })).toMatchObject({ provider: 'webgpu' });
});

test('each system tries its own, and TensorRT only by name', async () => {
  for (const [platform, expected] of [
    ['darwin', ['coreml', 'webgpu', 'cpu']],
    ['win32', ['dml', 'webgpu', 'cpu']],
    ['linux', ['cuda', 'webgpu', 'cpu']],
  ] as const) {
    const { probe, asked } = machine({ cpu: works(40) });
    await chooseProvider('auto', { probe, platform });
    expect(asked).toEqual(expected);
  }
  const { probe } = machine({ tensorrt: works(1), cpu: works(40) });
  expect(await chooseProvider('tensorrt', { probe, platform: 'linux' })).toMatchObject({ provider: 'tensorrt' });
});

test('a named provider that does not work is an error with its reason', async () => {
  const { probe } = machine({ cpu: works(40) });
  await expect(chooseProvider('cuda', { probe })).rejects.toMatchObject({
    code: 'PROVIDER_UNAVAILABLE',
    details: { provider: 'cuda', problem: 'absent' },
  });
});

test('what was found is kept for this machine, and a damaged file is not trusted', async () => {
  const cacheFile = join(folder, 'a', 'providers.json');
  const first = machine({ cpu: works(40) });
  await chooseProvider('auto', { probe: first.probe, platform: 'linux', cacheFile });
  const second = machine({});
  expect((await chooseProvider('auto', { probe: second.probe, platform: 'linux', cacheFile })).provider).toBe('cpu');
  expect(second.asked).toEqual([]);

  const file = JSON.parse(readFileSync(cacheFile, 'utf8')) as { machine: string };
  writeFileSync(cacheFile, JSON.stringify({ ...file, machine: 'another' }));
  const third = machine({ cpu: works(40) });
  await chooseProvider('cpu', { probe: third.probe, cacheFile });
  expect(third.asked).toEqual(['cpu']);

  writeFileSync(cacheFile, '{"version":1');
  const fourth = machine({ cpu: works(40) });
  await chooseProvider('cpu', { probe: fourth.probe, cacheFile });
  expect(fourth.asked).toEqual(['cpu']);
});

test('doctor sees every provider of the system', async () => {
  const { probe } = machine({ cpu: works(40) });
  expect((await probeProviders({ probe, platform: 'linux' })).map(found => [found.provider, found.ok])).toEqual([
    ['tensorrt', false],
    ['cuda', false],
    ['webgpu', false],
    ['cpu', true],
  ]);
});

test('the reason is read from the log', () => {
  const missing =
    'Failed to load library /x/libonnxruntime_providers_shared.so with error: /x/libonnxruntime_providers_shared.so: cannot open shared object file: No such file or directory';
  expect(reasonFrom(`\u001b[1;31m2026 [E:onnxruntime:Default, provider_bridge_ort.cc:1] ${missing}\u001b[m\n`)).toBe(
    'libonnxruntime_providers_shared.so is not installed.',
  );
  const cuda =
    'Failed to load library /x/libonnxruntime_providers_cuda.so with error: libcublasLt.so.13: cannot open shared object file: No such file or directory';
  expect(reasonFrom(cuda)).toBe('libonnxruntime_providers_cuda.so needs libcublasLt.so.13, which was not found.');
  expect(reasonFrom('nothing of note')).toBeUndefined();
});
