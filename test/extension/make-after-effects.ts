import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import type { AppError } from '#protocol/errors';
import { framesToCover } from '#protocol/time';
import type { RenderedClip, TimelineRange } from '#protocol/timeline';
import { createAfterEffectsCepHost, type AfterEffectsCepOptions } from '../../extension/src/host/after-effects-cep';
import { createFakeAfterEffects, type FakeAfterEffectsOptions } from '../fakes/after-effects';
import { buildHostScript } from '../setup/build-host-script';
import { node } from './make-premiere';

let script: Promise<string> | undefined;

/**
 * A panel in a small After Effects: at the bottom the layers A (frames 0 to 49) and B (50 to 69, to be marked), above
 * them a null object and a logo over B.
 */
export async function makeAfterEffects(
  fake: Partial<FakeAfterEffectsOptions> = {},
  change: Partial<AfterEffectsCepOptions> = {},
) {
  script ??= buildHostScript();
  const afterEffects = createFakeAfterEffects({ script: await script, ...fake });
  const a = afterEffects.addLayer(0, 49, { name: 'A' });
  const b = afterEffects.addLayer(50, 69, { name: 'B café' });
  const mover = afterEffects.addLayer(0, 199, { name: 'Null 1', path: '', nullLayer: true });
  const logo = afterEffects.addLayer(55, 60, { name: 'Logo' });
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'reverie after effects '));
  const notices: AppError[] = [];
  const host = createAfterEffectsCepHost({
    evalScript: afterEffects.evalScript,
    node,
    folder,
    notice: error => notices.push(error),
    ...change,
  });
  const placed = (ours: boolean) => afterEffects.layers().filter(layer => layer.path.includes('/results/') === ours);
  return {
    afterEffects,
    host,
    folder,
    notices,
    layers: { a, b, mover, logo },
    mark() {
      b.selected = true;
    },
    results: () => placed(true),
    timeline: {
      results: () => placed(true).map(({ track, first, last }) => ({ track, first, last })),
      // The place among all layers changes by what is laid between them; the order does not.
      own: () => placed(false).map(({ track: _track, selected: _selected, ...rest }) => rest),
      moveResult: (frames: number) => afterEffects.move(placed(true)[0].id, frames),
      addMarker: (name: string, first: number, frames: number) => afterEffects.addMarker(name, first, frames),
      addClipMarker: (name: string) => afterEffects.addLayerMarker(b, name, 54, 0),
    },
    async makeResult(job: string, range: TimelineRange, about: object = {}): Promise<RenderedClip> {
      const rate = { num: 50, den: 1 };
      const frames = framesToCover(range.range.last - range.range.first + 1, range.range.rate, rate);
      const [width, height] = [2 * range.sequence.width, 2 * range.sequence.height];
      const sink = await host.openSink!('Result é.mov');
      await sink.write(new TextEncoder().encode(JSON.stringify({ frames, rate, width, height, ...about })));
      return { job, path: await sink.finish(), name: 'Result é.mov', frames, rate, width, height, labels: {} };
    },
    close() {
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}
