import { existsSync } from 'node:fs';
import { createChildRuntime } from '../fakes/child-runtime';
import { describeRuntime } from '../conformance/runtime';

/** Chromium's software Vulkan driver: slow, but it computes as a GPU does. */
const swiftShader = '/usr/lib/chromium/vk_swiftshader_icd.json';

if (existsSync(swiftShader)) {
  describeRuntime('webgpu on SwiftShader', async () => createChildRuntime('webgpu', { VK_DRIVER_FILES: swiftShader }), {
    computes: true,
  });
} else {
  test.skip(`runtime: webgpu (no adapter: ${swiftShader} is absent)`, () => undefined);
}
