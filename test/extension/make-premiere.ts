import * as childProcess from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import * as zlib from 'node:zlib';
import type { AppError } from '#protocol/errors';
import { framesToCover } from '#protocol/time';
import type { RenderedClip, TimelineRange } from '#protocol/timeline';
import type { NodeParts } from '../../extension/src/host/node-parts';
import { createPremiereCepHost, type PremiereCepOptions } from '../../extension/src/host/premiere-cep';
import { createFakePremiere, type FakePremiereOptions } from '../fakes/premiere';
import { buildHostScript } from '../setup/build-host-script';

let script: Promise<string> | undefined;

export const node: NodeParts = { fs, path, os, zlib, childProcess, env: {}, platform: 'linux' };

/**
 * A panel in a small Premiere: on V1 the clips A (frames 0 to 49) and B (50 to 69, to be marked), a logo over B on V2,
 * sound on A1.
 */
export async function makePremiere(fake: Partial<FakePremiereOptions> = {}, change: Partial<PremiereCepOptions> = {}) {
  script ??= buildHostScript();
  const premiere = createFakePremiere({ script: await script, ...fake });
  const a = premiere.addClip(0, 0, 49, { name: 'A' });
  const b = premiere.addClip(0, 50, 69, { name: 'B café', inPoint: 10160640000n * 7n });
  const logo = premiere.addClip(1, 55, 60, { name: 'Logo' });
  const sound = premiere.addClip(0, 0, 69, { name: 'Sound', kind: 'Audio' });
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'reverie premiere '));
  const epr = path.join(folder, 'Match Source.epr');
  fs.writeFileSync(epr, '<PremiereData Version="3"/>');
  const notices: AppError[] = [];
  const placed = (ours: boolean) =>
    premiere
      .tracks()
      .flatMap((clips, track) => clips.map(clip => ({ ...clip, track })))
      .filter(clip => clip.path.includes('/results/') === ours);
  const host = createPremiereCepHost({
    evalScript: premiere.evalScript,
    node,
    folder,
    preset: { get: () => epr, set: () => undefined },
    notice: error => notices.push(error),
    ...change,
  });
  return {
    premiere,
    host,
    folder,
    notices,
    clips: { a, b, logo, sound },
    mark() {
      b.selected = true;
    },
    timeline: {
      results: () => placed(true).map(({ track, first, last }) => ({ track, first, last })),
      own: () => [placed(false), premiere.tracks('audio')],
      moveResult: (frames: number) => premiere.move(placed(true)[0].id, frames),
      addMarker: (name: string, first: number, frames: number) => premiere.addMarker(name, first, frames),
      // Seven frames of the source lie before what the clip shows of it.
      addClipMarker: (name: string) => premiere.addClipMarker(b, name, 7 + 4, 0),
    },
    async makeResult(job: string, range: TimelineRange, name = 'Result é.mov'): Promise<RenderedClip> {
      const rate = { num: 50, den: 1 };
      const frames = framesToCover(range.range.last - range.range.first + 1, range.range.rate, rate);
      const sink = await host.openSink!(name);
      await sink.write(new TextEncoder().encode(JSON.stringify({ frames, rate })));
      const { width, height } = range.sequence;
      return { job, path: await sink.finish(), name, frames, rate, width: 2 * width, height: 2 * height, labels: {} };
    },
    close() {
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}
