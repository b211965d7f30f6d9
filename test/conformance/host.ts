import { AppError } from '#protocol/errors';
import {
  exportedClipSchema,
  placedSchema,
  timelineRangeSchema,
  type Placement,
  type RenderedClip,
  type StylizeMarker,
  type TimelineClip,
  type TimelineRange,
} from '#protocol/timeline';
import type { Host, TaskContext } from '../../extension/src/host/host';

/** A host with something to mark in it. */
export type HostUnderTest = {
  readonly host: Host;
  /** Marks 20 frames, as a person does; before that nothing is marked. */
  mark(): void;
  /** A finished result for what is marked, where the host expects it. */
  makeResult(job: string, range: TimelineRange): Promise<RenderedClip>;
  /** Hosts that place: the timeline as a person sees it. */
  readonly timeline?: {
    /** Our results on it, in frames of the sequence, `last` included. */
    results(): readonly { readonly track: number; readonly first: number; readonly last: number }[];
    /** Everything else on it, in any form that can be compared. */
    own(): unknown;
    /** Moves the one result by hand. */
    moveResult(frames: number): void;
    /** A marker, in frames of the sequence; without length it is a point. */
    addMarker?(name: string, first: number, frames: number): void;
    /** A point somewhere on the source of what `mark` marks. */
    addClipMarker?(name: string): void;
  };
  close?(): void;
};

type Told = {
  readonly clips: readonly TimelineClip[];
  readonly range: TimelineRange | undefined;
  readonly markers: readonly StylizeMarker[];
};

export const idle = (): TaskContext => ({ signal: new AbortController().signal, report: () => undefined });

export function placementOf(range: TimelineRange): Placement {
  return {
    sequence: range.sequence.id,
    range: range.range,
    sourceKey: range.clips[0].key,
    sourceTrack: range.clips[0].track,
  };
}

/** What every host promises to the screens. */
export function describeHost(name: string, make: () => Promise<HostUnderTest>): void {
  describe(`host ${name}`, () => {
    let it: HostUnderTest;
    beforeEach(async () => {
      it = await make();
    });
    afterEach(() => it.close?.());

    test('says of itself only what it can do', () => {
      const { capabilities, openSink, removeResult, readMarkers, writeMarkers, takeFile, offerMenu } = it.host;
      expect(it.host.name).toBe(name);
      expect(capabilities.disk).toBe(openSink !== undefined);
      expect(capabilities.result === 'place').toBe(removeResult !== undefined);
      expect(capabilities.markers).toBe(readMarkers !== undefined && writeMarkers !== undefined);
      expect(capabilities.nativeMenu).toBe(offerMenu !== undefined);
      expect(capabilities.range === 'clip').toBe(takeFile !== undefined);
    });

    test('with nothing marked, reading is a failure with a code', async () => {
      await expect(it.host.readRange()).rejects.toBeInstanceOf(AppError);
    });

    test('the range is whole frames of a rational rate, and names its clips', async () => {
      it.mark();
      const range = await it.host.readRange();
      expect(timelineRangeSchema.parse(range)).toEqual(range);
      expect(range.range.last - range.range.first + 1).toBe(20);
      expect(range.range.rate).toEqual(range.sequence.rate);
      expect(range.range.last).toBeLessThan(range.sequence.frames);
      expect(JSON.parse(JSON.stringify(range))).toEqual(range);
      expect(range.clips.length).toBeGreaterThan(0);
    });

    test('the bytes of an exported range are read in pieces and to the end', async () => {
      it.mark();
      const exported = await it.host.exportRange(await it.host.readRange(), idle());
      expect(exportedClipSchema.parse(exported)).toEqual(exported);
      const bytes = await it.host.openBytes(exported);
      expect(bytes.sizeBytes).toBeGreaterThan(0);
      const whole = await bytes.read(0, bytes.sizeBytes);
      const [first, rest] = [await bytes.read(0, 3), await bytes.read(3, bytes.sizeBytes)];
      expect([...first, ...rest]).toEqual([...whole]);
      expect(whole).toHaveLength(bytes.sizeBytes);
      await it.host.releaseExport?.(exported);
    });

    test('a file that is gone is a failure with a code', async () => {
      await expect(
        it.host.openBytes({ path: '/no/such/file.mov', name: 'file.mov', isSource: false, handle: 0 }),
      ).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
    });

    test('a result arrives where the host says, and a second time changes nothing', async () => {
      it.mark();
      const range = await it.host.readRange();
      const clip = await it.makeResult('job-1', range);
      const placed = await it.host.importClip(clip, placementOf(range), idle());
      expect(placedSchema.parse(placed)).toEqual(placed);
      if (it.host.capabilities.result === 'save') return expect(placed.outcome).toBe('downloaded');
      expect(placed).toMatchObject({ outcome: 'placed', range: range.range });
      expect(placed.track).toBeGreaterThan(range.clips[0].track);
      expect(await it.host.importClip(clip, placementOf(range), idle())).toEqual({
        ...placed,
        outcome: 'already-there',
      });
    });

    test('a placed result is taken away again, once', async () => {
      if (!it.host.removeResult) return;
      it.mark();
      const range = await it.host.readRange();
      await it.host.importClip(await it.makeResult('job-1', range), placementOf(range), idle());
      expect(await it.host.removeResult('job-1', placementOf(range))).toBe(true);
      expect(await it.host.removeResult('job-1', placementOf(range))).toBe(false);
    });

    test('a result that was rendered again replaces the older one, where the person moved it, and no other clip changes', async () => {
      if (it.host.capabilities.result === 'save') return;
      const { results, own, moveResult } = it.timeline!;
      const before = own();
      it.mark();
      const range = await it.host.readRange();
      const at = placementOf(range);
      const { first, last } = range.range;
      await it.host.importClip(await it.makeResult('job-1', range), at, idle());
      expect(results()).toMatchObject([{ first, last }]);
      moveResult(3);
      const placed = await it.host.importClip(await it.makeResult('job-2', range), at, idle());
      expect(placed).toMatchObject({ outcome: 'replaced', range: { first: first + 3, last: last + 3 } });
      expect(results()).toMatchObject([{ first: first + 3, last: last + 3 }]);
      expect(await it.host.removeResult!('job-1', at)).toBe(false);
      expect(await it.host.removeResult!('job-2', at)).toBe(true);
      expect(results()).toEqual([]);
      expect(own()).toEqual(before);
    });

    test('a result that the person moved is left where it is', async () => {
      if (it.host.capabilities.result === 'save') return;
      it.mark();
      const range = await it.host.readRange();
      const clip = await it.makeResult('job-1', range);
      await it.host.importClip(clip, placementOf(range), idle());
      it.timeline!.moveResult(5);
      const again = await it.host.importClip(clip, placementOf(range), idle());
      expect(again).toMatchObject({ outcome: 'moved-by-user', range: { first: range.range.first + 5 } });
      expect(it.timeline!.results()).toHaveLength(1);
    });

    test('a placement that was cancelled places nothing', async () => {
      if (it.host.capabilities.result === 'save') return;
      it.mark();
      const range = await it.host.readRange();
      const context = { signal: AbortSignal.abort(), report: () => undefined };
      const placing = it.host.importClip(await it.makeResult('job-1', range), placementOf(range), context);
      await expect(placing).rejects.toMatchObject({ code: 'CANCELLED' });
      expect(it.timeline!.results()).toEqual([]);
    });

    test('markers are written once, with their length, and read back in order', async () => {
      if (!it.host.writeMarkers || !it.host.readMarkers) return;
      const wanted = [
        { name: 'Refrain é', comment: '', first: 12, length: 0 },
        { name: 'stylize: draft', comment: 'Verse', first: 2, length: 7 },
      ];
      await it.host.writeMarkers(wanted);
      await it.host.writeMarkers([wanted[0], { ...wanted[1], length: 9 }]);
      const read = (await it.host.readMarkers()).map(({ name, comment, first, length }) => ({
        name,
        comment,
        first,
        length,
      }));
      expect(read).toEqual([{ ...wanted[1], length: 9 }, wanted[0]]);
    });

    /** What `watchSelection` tells, as it comes; ends when `enough` of it has come. */
    async function listen(enough: (told: Told[]) => boolean, act: () => void = () => undefined): Promise<Told[]> {
      const told: Told[] = [];
      const stop = it.host.watchSelection!((clips, range, markers = []) => told.push({ clips, range, markers }));
      const until = async (has: () => boolean) => {
        for (let tries = 0; !has() && tries < 600; tries++) await new Promise(done => setTimeout(done, 5));
      };
      await until(() => told.length > 0);
      act();
      await until(() => enough(told));
      stop();
      return told;
    }

    test('the selection is told at once and again when it changes', async () => {
      if (!it.host.watchSelection) return;
      const selected = ({ clips }: Told) => clips.filter(clip => clip.selected).length;
      const told = await listen(
        all => all.length > 1,
        () => it.mark(),
      );
      expect(told.map(selected)).toEqual([0, 1]);
    });

    test('clips under the playhead stand in for a selection, and each can be read by itself', async () => {
      if (!it.host.watchSelection) return;
      const [{ clips, range }] = await listen(() => true);
      expect(range).toBeUndefined();
      for (const clip of clips.filter(each => each.kind !== 'refused')) {
        const read = await it.host.readRange({ clip: clip.key });
        expect(read).toMatchObject({ origin: 'selection', range: clip.range, clips: [clip] });
        expect(timelineRangeSchema.parse(read)).toEqual(read);
      }
      await expect(it.host.readRange({ clip: 'no such clip' })).rejects.toMatchObject({ code: 'RANGE_GONE' });
    });

    test('markers named "stylize: …" are told with their ranges, and each can be read', async () => {
      const { addMarker } = it.timeline ?? {};
      if (!it.host.watchSelection || !addMarker) return;
      addMarker('Verse', 40, 0);
      addMarker('stylize: Great wave', 30, 0);
      addMarker(' Stylize:tahiti ', 10, 5);
      addMarker('stylize:', 2, 2);
      const [{ markers }] = await listen(() => true);
      expect(markers.map(({ preset, range: { first, last } }) => [preset, first, last])).toEqual([
        ['tahiti', 10, 14],
        ['Great wave', 30, 39],
      ]);
      const [, marker] = markers;
      const read = await it.host.readRange({ marker: marker.id });
      expect(read).toMatchObject({ origin: 'marker', range: marker.range, sequence: { id: marker.sequence } });
      expect(read.clips.length).toBeGreaterThan(0);
      await expect(it.host.readRange({ marker: 'no such marker' })).rejects.toMatchObject({ code: 'RANGE_GONE' });
    });

    test('a new marker is told without a change of the selection', async () => {
      const { addMarker } = it.timeline ?? {};
      if (!it.host.watchSelection || !addMarker) return;
      const told = await listen(
        all => all.length > 1,
        () => addMarker('stylize: tahiti', 10, 5),
      );
      expect(told.map(({ markers }) => markers.length)).toEqual([0, 1]);
    });

    test('a point on a clip asks for the whole clip', async () => {
      const { addClipMarker } = it.timeline ?? {};
      if (!it.host.watchSelection || !addClipMarker) return;
      it.mark();
      const marked = await it.host.readRange();
      addClipMarker('stylize: tahiti');
      const [{ markers }] = await listen(() => true);
      expect(markers).toMatchObject([{ preset: 'tahiti', range: marked.range, clip: { key: marked.clips[0].key } }]);
      expect(await it.host.readRange({ marker: markers[0].id })).toMatchObject({
        origin: 'selection',
        range: marked.range,
        clips: [marked.clips[0]],
      });
    });

    test('a sink gives a complete file that was not there before, or none', async () => {
      if (!it.host.openSink) return;
      const paths: string[] = [];
      for (const text of ['one', 'two']) {
        const sink = await it.host.openSink('result.mov');
        await sink.write(new TextEncoder().encode(text));
        paths.push(await sink.finish());
      }
      expect(new Set(paths).size).toBe(2);
      const bytes = await it.host.openBytes({ path: paths[0], name: 'result.mov', isSource: false, handle: 0 });
      expect(new TextDecoder().decode(await bytes.read(0, 10))).toBe('one');
      const dropped = await it.host.openSink('dropped.mov');
      await dropped.write(new Uint8Array(5));
      await dropped.discard();
      const outside = await it.host.openSink('../../outside.mov');
      expect(await outside.finish()).toContain(paths[0].slice(0, paths[0].lastIndexOf('result')));
    });

    test('the theme is told at once, and no more after it was let go', () => {
      const themes: unknown[] = [];
      const stop = it.host.watchTheme(theme => themes.push(theme));
      expect(themes).toHaveLength(1);
      expect(themes[0]).toMatchObject({
        background: expect.stringMatching(/^#[0-9a-f]{6}$/),
        fontSizePx: expect.any(Number),
      });
      stop();
    });
  });
}
