import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Fed } from './run-model';

/** Chromium's software Vulkan: slow, but its results are a real driver's. REVERIE_WEBGPU=1 takes the machine's own. */
const softwareDriver = '/usr/lib/chromium/vk_swiftshader_icd.json';
const ownDriver = process.env.REVERIE_WEBGPU === '1';

/** Without it the tests that need it are skipped. */
export const hasWebgpu = ownDriver || existsSync(softwareDriver);

export type WebgpuResult = {
  readonly name: string;
  /** Largest difference from the CPU per output, relative to the output's largest number. */
  readonly differences: Readonly<Record<string, number>>;
  /** Operators that did not run on the device. */
  readonly onCpu: readonly string[];
  readonly failed?: string;
};

/** Runs each model on the CPU and on WebGPU, in a process of its own. */
export function compareOnWebgpu(
  models: readonly {
    readonly name: string;
    readonly model: Uint8Array;
    readonly feeds: Readonly<Record<string, Fed>>;
  }[],
): WebgpuResult[] {
  const folder = mkdtempSync(join(tmpdir(), 'reverie-webgpu-'));
  try {
    models.forEach(({ model, feeds }, at) => {
      const path = join(folder, String(at).padStart(3, '0'));
      writeFileSync(`${path}.onnx`, model);
      writeFileSync(
        `${path}.json`,
        JSON.stringify(
          Object.fromEntries(
            Object.entries(feeds).map(([key, fed]) => [key, { dims: fed.dims, data: Array.from(fed.data) }]),
          ),
        ),
      );
    });
    const child = spawnSync(process.execPath, [join(__dirname, 'webgpu-child.mjs'), folder], {
      env: ownDriver ? process.env : { ...process.env, VK_DRIVER_FILES: softwareDriver },
      encoding: 'utf8',
      timeout: 900_000,
      maxBuffer: 1 << 26,
    });
    const lines = child.stdout.split('\n').filter(line => line !== '');
    const results = lines.map(line => JSON.parse(line) as Omit<WebgpuResult, 'name'> & { file: string });
    return models.map(({ name }, at) => {
      const result = results.find(each => parseInt(each.file, 10) === at);
      return result
        ? { ...result, name }
        : { name, differences: {}, onCpu: [], failed: `the process ended: ${child.stderr.slice(-500)}` };
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
