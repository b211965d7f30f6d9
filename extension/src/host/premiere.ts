import type { ClipInfo } from '#protocol/clip';
import { AppError } from '#protocol/errors';
import type { HostHandshake, PlacedFacts, PremiereCalls, PremiereFacts } from '#protocol/host-facts';
import type { ExportedClip, Placed, Placement, RenderedClip, Theme, TimelineRange } from '#protocol/timeline';
import type { Host, TaskContext, Unsubscribe } from './host';
import type { HostFiles } from './host-files';
import { checkExportLength, createClipFiles, exportStem } from './export-file';
import { check } from './host-check';
import { normalPath } from './host-path';
import {
  exactSource,
  freeTrack,
  isMoved,
  mirroredClips,
  placedRange,
  placeTimes,
  rateOfTimebase,
  stylizeMarkers,
  toMarkers,
  toTicks,
  toTimelineRange,
  toWantedRange,
  tracksToMute,
} from './premiere-plan';
import { followSource, isOutdated, liesWhereWanted } from './place-again';
import { isSamePlace, labelFileOf, makeLabel, readLabel, writeLabel, type ResultLabel } from './result-label';
import type { CallOf, ScriptCaller } from './script-call';
import { rangeOrNone, watchByStamp } from './watch-by-stamp';

export const panelScriptVersion = 4;
const binName = 'Reverie';
/** An export blocks the application; a long one is no dialog. */
const exportTimeoutMs = 60 * 60_000;

/** What a person can set, and what the page around the panel brings along. */
export type PremiereChoices = {
  /** The export preset that a person picked or that worked before. */
  readonly preset?: { get(): string | undefined; set(path: string | undefined): void };
  /** Reads the source instead of exporting it where both show the same. */
  readonly readSources?: () => boolean;
  readonly watchTheme?: Host['watchTheme'];
  readonly startBridge?: () => Promise<void>;
  readonly isVisible?: () => boolean;
  /** The panel's own native right-click menu, where the page around it has one. */
  readonly offerMenu?: Host['offerMenu'];
  /** The host's file dialog. */
  readonly chooseFile?: (extensions: readonly string[]) => Promise<string | undefined>;
  /** Something that did not stop the work and that a person should know. */
  readonly notice?: (error: AppError) => void;
};

export type PremiereParts = PremiereChoices & {
  readonly name: 'premiere-cep' | 'premiere-uxp';
  /** Whatever brings the calls to Premiere. */
  readonly script: Pick<ScriptCaller, 'isBusy'> & { readonly call: CallOf<PremiereCalls> };
  readonly files: HostFiles;
  /** Exports and results are kept in its folders `exports` and `results`. */
  readonly folder: string;
  /** @throws AppError EXPORT_PRESET_MISSING */
  findPreset(applicationPath: string, remembered: string | undefined): Promise<string>;
  /** All export presets that are fit, the best first. */
  listPresets?(applicationPath: string): Promise<readonly string[]>;
  /** @throws AppError EXPORT_PRESET_UNFIT */
  checkPreset?(path: string): Promise<void>;
  /** The host's own events; asking every second goes on without them. */
  readonly events?: (onEvent: () => void) => Unsubscribe;
};

type Result = PlacedFacts & { readonly of: ResultLabel };

export const noTheme: Host['watchTheme'] = onChange => {
  const theme: Theme = { dark: true, background: '#262626', text: '#d6d6d6', accent: '#3d8bf2', fontSizePx: 12 };
  onChange(theme);
  return () => undefined;
};

/** Premiere Pro: the script in it reads and does, `premiere-plan` decides, and nothing is believed unread. */
export function createPremiereHost(parts: PremiereParts): Host {
  const { script, files, folder, preset, chooseFile, notice = () => undefined } = parts;
  const { call } = script;
  const folders = { exports: files.join(folder, 'exports'), results: files.join(folder, 'results') };
  let greeting: Promise<HostHandshake> | undefined;
  let exported: { clip: ExportedClip; range: TimelineRange['range'] } | undefined;

  /** Once; a failed one is tried again with the next call. */
  function handshake(): Promise<HostHandshake> {
    greeting ??= call('handshake', {}).then(hello => {
      if (hello.script !== panelScriptVersion)
        throw new AppError('HOST_SCRIPT_WRONG', { script: hello.script, panel: panelScriptVersion });
      return hello;
    });
    greeting.catch(() => (greeting = undefined));
    return greeting;
  }

  async function readFacts(sequence?: string): Promise<PremiereFacts> {
    await handshake();
    return call('readTimeline', sequence ? { sequence } : {});
  }

  function checkAborted({ signal }: TaskContext): void {
    if (signal.aborted) throw new AppError('CANCELLED');
  }

  /** The label of a placed file: from the project, or from the file beside it where metadata did not stay. */
  async function labelOf(placed: PlacedFacts): Promise<ResultLabel | undefined> {
    return readLabel(placed.label) ?? readLabel((await files.readText(labelFileOf(placed.path))) ?? '');
  }

  async function findResults(sequence: string): Promise<{ results: Result[]; locked: readonly number[] }> {
    const { placed, locked } = await call('findPlaced', { sequence, folder: folders.results });
    const labels = await Promise.all(placed.map(labelOf));
    const results = placed.flatMap((each, index) => {
      const of = labels[index];
      return of ? [{ ...each, of }] : [];
    });
    return { results, locked };
  }

  async function forget(file: string): Promise<void> {
    if (normalPath(file).startsWith(normalPath(folders.results))) await files.remove(file);
  }

  const outcomeOf = (outcome: Placed['outcome'], result: PlacedFacts, rate: Placement['range']['rate']): Placed => ({
    outcome,
    track: result.track,
    range: placedRange(result, rate),
  });

  const foundAgain = (result: Result) =>
    outcomeOf(isMoved(result, result.of) ? 'moved-by-user' : 'already-there', result, result.of.range.rate);

  async function importClip(clip: RenderedClip, wanted: Placement, context: TaskContext): Promise<Placed> {
    checkAborted(context);
    context.report(undefined, 'reading');
    let facts = await readFacts(wanted.sequence);
    const rate = rateOfTimebase(facts.sequence.timebase);
    const { results, locked } = await findResults(wanted.sequence);
    const own = results.find(result => result.of.job === clip.job);
    if (own) {
      if (normalPath(own.path) !== normalPath(clip.path)) await forget(clip.path);
      return foundAgain(own);
    }
    const at = followSource(facts, wanted);
    const label = makeLabel(clip, at);
    await files.writeText(labelFileOf(clip.path), writeLabel(label));
    checkAborted(context);

    const older =
      results.find(result => isSamePlace(result.of, label)) ?? results.find(result => liesWhereWanted(result, label));
    if (older) {
      context.report(undefined, 'placing');
      await call('replace', { from: older.path, to: clip.path, label: writeLabel(label) });
      const now = (await findResults(at.sequence)).results.find(
        result => result.of.job === clip.job && normalPath(result.path) === normalPath(clip.path),
      );
      if (!now)
        throw new AppError('REPLACE_FAILED', { path: older.path, problem: 'the timeline still shows the older file' });
      return outcomeOf('replaced', now, rate);
    }

    context.report(undefined, 'importing');
    const scale = clip.width > facts.sequence.width || clip.height > facts.sequence.height;
    const result = { path: clip.path, label: writeLabel(label), scale };
    await call('importFile', { ...result, bin: binName });
    checkAborted(context);
    context.report(undefined, 'placing');
    const times = placeTimes(clip, at.range);
    const { sequence } = at;
    const outdated = results.filter(each => isOutdated(each, label));
    const removeOutdated = async () => {
      for (const { path } of outdated) await call('remove', { sequence, path });
    };
    // What it stands for goes when it lies; before that only where there is no room beside it.
    let track = freeTrack(facts, at.sourceTrack, times, locked);
    const needsRoom = track === undefined && outdated.length > 0;
    if (needsRoom) {
      await removeOutdated();
      facts = await readFacts(sequence);
      track = freeTrack(facts, at.sourceTrack, times, locked);
    }
    track ??= (await call('addTrack', { sequence, path: clip.path })).videoTracks - 1;
    await call('place', { ...result, ...times, sequence, track });
    if (!needsRoom) await removeOutdated();
    const placed = (await findResults(at.sequence)).results.find(result => result.of.job === clip.job);
    if (!placed) throw new AppError('NOT_PLACED', { problem: 'it was there and is not any more' });
    return outcomeOf('placed', placed, rate);
  }

  async function exportRange(range: TimelineRange, context: TaskContext): Promise<ExportedClip> {
    checkAborted(context);
    const hello = await handshake();
    const facts = await readFacts(range.sequence.id);
    const source = parts.readSources?.() ? exactSource(facts, range.range) : undefined;
    if (source && (await files.sizeOf(source.path)) !== undefined) {
      return { path: source.path, name: files.nameOf(source.path), range: source.range, isSource: true, handle: 0 };
    }
    const epr = await parts.findPreset(hello.path, preset?.get());
    context.report(undefined, 'exporting');
    const sequence = range.sequence.id;
    const { extension } = await call('exportExtension', { sequence, preset: epr });
    await files.makeFolder(folders.exports);
    const file = files.join(folders.exports, `${exportStem(range, Date.now().toString(36))}.${extension || 'mp4'}`);
    const { first, last, rate } = range.range;
    const written = await call(
      'exportRange',
      {
        sequence,
        preset: epr,
        path: file,
        start: toTicks(first, rate),
        end: toTicks(last + 1, rate),
        mute: tracksToMute(facts, range, folders.results),
      },
      exportTimeoutMs,
    );
    if (!(await files.sizeOf(file)))
      throw new AppError('EXPORT_FAILED', { path: file, problem: 'no file was written' });
    if (!written.restored) notice(new AppError('HOST_RANGE_NOT_RESTORED'));
    preset?.set(epr);
    const clip: ExportedClip = { path: file, name: files.nameOf(file), isSource: false, handle: 0 };
    if (context.signal.aborted) await files.remove(file);
    checkAborted(context);
    exported = { clip, range: range.range };
    return clip;
  }

  return {
    name: parts.name,
    capabilities: {
      range: 'timeline',
      result: 'place',
      disk: true,
      markers: true,
      nativeMenu: parts.offerMenu !== undefined,
      sources: true,
    },
    async readRange(wanted) {
      const facts = await readFacts();
      return wanted ? toWantedRange(facts, wanted, folders.results) : toTimelineRange(facts, folders.results);
    },
    exportRange,
    importClip,
    async findResult(job, at) {
      await handshake();
      const own = (await findResults(at.sequence)).results.find(result => result.of.job === job);
      return own && foundAgain(own);
    },
    watchTheme: parts.watchTheme ?? noTheme,
    ...createClipFiles(files, folders.results),
    learnClip(info: ClipInfo) {
      const last = exported;
      exported = undefined;
      // Builds that ignore in and out points render the whole timeline: the length tells.
      if (last) checkExportLength(last.range, info);
    },
    watchSelection(onChange) {
      return watchByStamp({
        readStamp: async () => (await call('stamp', {})).stamp,
        async onChange(stamp) {
          if (stamp === '') return onChange([], undefined);
          const facts = await readFacts();
          onChange(
            mirroredClips(facts, folders.results),
            rangeOrNone(() => toTimelineRange(facts, folders.results)),
            stylizeMarkers(facts),
          );
        },
        mayAsk: () => parts.isVisible?.() !== false && !script.isBusy(),
        notice,
        events: parts.events,
      });
    },
    async removeResult(job, at) {
      await handshake();
      const found = (await findResults(at.sequence)).results.filter(result => result.of.job === job);
      for (const result of found) await call('remove', { sequence: at.sequence, path: result.path });
      return found.length > 0;
    },
    async readMarkers() {
      return toMarkers(await readFacts());
    },
    async writeMarkers(markers) {
      const { sequence } = await readFacts();
      const rate = rateOfTimebase(sequence.timebase);
      const wanted = markers.map(({ name, comment, first, length, colour }) => ({
        name,
        comment,
        start: toTicks(first, rate),
        end: toTicks(first + length, rate),
        colour: colour ?? -1,
      }));
      await call('writeMarkers', { sequence: sequence.id, markers: wanted });
    },
    async checkSetup() {
      return Promise.all([
        check('Premiere Pro', async () => (await handshake()).version),
        check('export-preset', async () => parts.findPreset((await handshake()).path, preset?.get())),
        check('results-folder', async () => {
          await files.makeFolder(folders.results);
          return folders.results;
        }),
      ]);
    },
    async listExportPresets() {
      const { path } = await handshake();
      const chosen = preset?.get();
      const used = await parts.findPreset(path, chosen).catch(() => undefined);
      const listed = (await parts.listPresets?.(path)) ?? [];
      const all = used && !listed.includes(used) ? [used, ...listed] : listed;
      const found = all.map(id => ({ id, label: files.nameOf(id).replace(/\.epr$/i, '') }));
      return { found, used, isChosen: used !== undefined && used === chosen };
    },
    chooseExportPreset: id => preset?.set(id),
    ...(chooseFile
      ? {
          async browseExportPreset() {
            const path = await chooseFile(['epr']);
            if (path === undefined) return undefined;
            await parts.checkPreset?.(path);
            preset?.set(path);
            return path;
          },
        }
      : {}),
    ...(parts.offerMenu ? { offerMenu: parts.offerMenu } : {}),
    ...(parts.startBridge ? { startBridge: parts.startBridge } : {}),
  };
}
