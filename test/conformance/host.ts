import { createHash } from 'node:crypto';
import { exportedClipSchema, placedSchema, timelineRangeSchema, type ExportedClip, type Placement, type RenderedClip, type TimelineRange } from '#protocol/timeline';
import { frameCount } from '#protocol/time';
import { hostSteps, type Host, type TaskContext } from '../../extension/src/host/host';

/** A host with something marked in it, and what the suite needs to know of the world around it. */
export type HostUnderTest = {
  readonly host: Host;
  /** Bytes of the media that an export of the marked range must hold; undefined where the host encodes anew. */
  readonly sourceBytes?: Uint8Array;
  /** Results that a person would now find: on tracks, or saved. */
  placed(): number;
  /** A finished clip of the marked range, as the panel hands it over. */
  makeResult(job: string): RenderedClip;
  close?(): void;
};

const context = (): TaskContext & { steps: string[] } => {
  const steps: string[] = [];
  return { signal: new AbortController().signal, report: (_done, step) => void steps.push(step), steps };
};

function placementOf(range: TimelineRange): Placement {
  const clip = range.clips.find(each => each.selected) ?? range.clips[0];
  return { sequence: range.sequence.id, range: range.range, sourceKey: clip?.key, sourceTrack: clip?.track ?? 0 };
}

/** What every host must do, whatever application it lives in. */
export function describeHost(name: string, open: () => Promise<HostUnderTest>): void {
  describe(`host ${name}`, () => {
    let under: HostUnderTest;
    beforeEach(async () => {
      under = await open();
    });
    afterEach(() => under.close?.());

    test('the range is frames of a rational rate, inside its sequence', async () => {
      const range = timelineRangeSchema.parse(await under.host.readRange());
      expect(frameCount(range.range)).toBeGreaterThan(0);
      expect(range.range.rate).toEqual(range.sequence.rate);
      expect(range.range.last).toBeLessThan(range.sequence.frames);
      expect(JSON.parse(JSON.stringify(range))).toEqual(range);
    });

    test('an export says what it is, and its bytes can be read in pieces', async () => {
      const { host } = under;
      const range = await host.readRange();
      const exported: ExportedClip = exportedClipSchema.parse(await host.exportRange(range, context()));
      const bytes = await host.openBytes(exported);
      expect(bytes.sizeBytes).toBeGreaterThan(0);
      const half = Math.ceil(bytes.sizeBytes / 2);
      const parts = [await bytes.read(0, half), await bytes.read(half, bytes.sizeBytes - half)];
      expect(parts[0].length + parts[1].length).toBe(bytes.sizeBytes);
      if (under.sourceBytes) {
        const hash = createHash('sha256');
        parts.forEach(part => hash.update(part));
        expect(hash.digest('hex')).toBe(createHash('sha256').update(under.sourceBytes).digest('hex'));
      }
    });

    test('an import tells what became of the result, in known steps', async () => {
      const { host } = under;
      const at = placementOf(await host.readRange());
      const told = context();
      const placed = placedSchema.parse(await host.importClip(under.makeResult('20261122-101500-0a0b0c0d'), at, told));
      expect(placed.outcome).toBe(host.capabilities.result === 'place' ? 'placed' : 'downloaded');
      if (host.capabilities.result === 'place') {
        expect(placed.track).toBeGreaterThan(at.sourceTrack);
        expect(placed.range).toEqual(at.range);
      }
      expect(under.placed()).toBe(1);
      for (const step of told.steps) expect(hostSteps).toContain(step);
    });

    test('the same result again does not stand there twice', async () => {
      const { host } = under;
      if (host.capabilities.result !== 'place') return;
      const at = placementOf(await host.readRange());
      const result = under.makeResult('20261122-101500-0a0b0c0d');
      await host.importClip(result, at, context());
      const again = await host.importClip(result, at, context());
      expect(['already-there', 'replaced']).toContain(again.outcome);
      expect(under.placed()).toBe(1);
    });

    test('the theme is told at once, and no more after leaving', () => {
      const seen: string[] = [];
      const stop = under.host.watchTheme(theme => seen.push(theme.background));
      expect(seen).toHaveLength(1);
      expect(seen[0]).toMatch(/^#[0-9a-f]{6}$/i);
      stop();
      expect(seen).toHaveLength(1);
    });

    test('what the host announces, it has', () => {
      const { host } = under;
      const { capabilities } = host;
      expect(host.takeFile !== undefined && host.learnClip !== undefined).toBe(capabilities.range === 'clip');
      expect(host.openSink !== undefined).toBe(capabilities.disk);
      expect(host.readMarkers !== undefined && host.writeMarkers !== undefined).toBe(capabilities.markers);
      expect(host.showMenu !== undefined).toBe(capabilities.nativeMenu);
    });
  });
}
