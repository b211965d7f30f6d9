import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseProvider, probeProviders } from '../../bridge-server/src/runtime/choose';

const execArgv = ['-r', join(__dirname, '../setup/register-ts.cjs')];
const swiftShader = '/usr/lib/chromium/vk_swiftshader_icd.json';

test('the CPU computes rightly here, and what cannot start says why', async () => {
  const found = await probeProviders({ execArgv });
  const cpu = found.find(probe => probe.provider === 'cpu')!;
  expect(cpu).toMatchObject({ ok: true, half: false });
  expect(cpu.stepMs).toBeGreaterThan(0);
  for (const probe of found) if (!probe.ok) expect(probe.reason).toMatch(/\w{3,}/);
  if (process.platform === 'linux' && !existsSync('/proc/driver/nvidia/version')) {
    expect(found.find(probe => probe.provider === 'cuda')).toMatchObject({
      ok: false,
      reason: expect.stringMatching(/libonnxruntime_providers_\w+\.so/),
    });
  }
});

const withSwiftShader = existsSync(swiftShader) ? test : test.skip;
withSwiftShader('a software WebGPU computes rightly, can be named, and is not chosen by itself', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'reverie-choose-'));
  const before = process.env.VK_DRIVER_FILES;
  process.env.VK_DRIVER_FILES = swiftShader;
  try {
    const options = { execArgv, cacheFile: join(folder, 'providers.json'), timeoutMs: 110_000 };
    expect(await chooseProvider('webgpu', options)).toMatchObject({ provider: 'webgpu' });
    const chosen = await chooseProvider('auto', options);
    expect(chosen.provider).toBe('cpu');
    expect(chosen.refused.find(refused => refused.provider === 'webgpu')?.reason).toMatch(/slower/);
  } finally {
    if (before === undefined) delete process.env.VK_DRIVER_FILES;
    else process.env.VK_DRIVER_FILES = before;
    rmSync(folder, { recursive: true, force: true });
  }
});
