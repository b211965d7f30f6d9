import { stat } from 'node:fs/promises';
import { imagesOf, otherClipsOf, type BridgeCore } from './core';

/** A clip, picture or sound that no job needs is kept this long after it came, for the next try with another preset. */
const keptMs = 14 * 24 * 3600 * 1000;

/** Deletes clips, pictures and sounds that belong to no job and that nobody used for a while. What a job refers to stays. */
export async function sweepContent(core: BridgeCore, now = Date.now()): Promise<string[]> {
  const jobs = await core.engine.list();
  const needed = new Set(
    jobs.flatMap(job => [job.spec.clip, ...imagesOf(job.spec.preset), ...otherClipsOf(job.spec.preset)]),
  );
  for (const { preset } of await core.presets.list()) for (const sha256 of imagesOf(preset)) needed.add(sha256);
  const swept: string[] = [];
  for (const store of [core.clips, core.images, core.sounds]) {
    for (const sha256 of await store.list()) {
      if (needed.has(sha256)) continue;
      const found = await stat(store.pathOf(sha256)).catch(() => undefined);
      if (!found || now - Math.max(found.mtimeMs, found.atimeMs, found.ctimeMs) < keptMs) continue;
      await store.remove(sha256);
      swept.push(sha256);
    }
  }
  return swept;
}
