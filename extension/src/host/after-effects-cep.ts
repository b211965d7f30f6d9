import type { ClipInfo } from '#protocol/clip';
import { AppError } from '#protocol/errors';
import type { AfterEffectsFacts, AfterEffectsScriptCalls, HostHandshake } from '#protocol/host-facts';
import type { ExportedClip, Placed, Placement, RenderedClip, TimelineRange } from '#protocol/timeline';
import {
  exactLayerSource,
  followLayer,
  isMovedLayer,
  isOutdated,
  labelOfLayer,
  layersToHide,
  liesWhereWanted,
  pickTemplate,
  rateOfComposition,
  mirroredLayers,
  stylizeMarkers,
  toCompositionMarkers,
  toCompositionRange,
  toWantedRange,
  type PlacedResult,
} from './after-effects-plan';
import { probeAfterEffects } from './after-effects-probes';
import { checkExportLength, createClipFiles, exportStem } from './export-file';
import type { Host, TaskContext } from './host';
import { check } from './host-check';
import { normalPath } from './host-path';
import { nodeFiles, type NodeParts } from './node-parts';
import { noTheme, panelScriptVersion, type PremiereChoices } from './premiere';
import { isSamePlace, labelFileOf, makeLabel, writeLabel } from './result-label';
import { createScriptCaller, type CallOf, type EvalScript } from './script-call';
import { rangeOrNone, watchByStamp } from './watch-by-stamp';

const folderName = 'Reverie';
/** A render blocks the application; a long one is no dialog. */
const exportTimeoutMs = 4 * 60 * 60_000;

/** `preset` remembers the output module template. */
export type AfterEffectsCepOptions = Omit<PremiereChoices, 'chooseFile'> & {
  readonly evalScript: EvalScript;
  readonly node: NodeParts;
  /** Exports and results are kept in its folders `exports` and `results`. */
  readonly folder: string;
  readonly timeoutMs?: number;
};

/** After Effects through CEP: the script reads and does, `after-effects-plan` decides, and nothing is believed unread. */
export function createAfterEffectsCepHost(options: AfterEffectsCepOptions): Host {
  const { folder, preset, notice = () => undefined } = options;
  const script = createScriptCaller(options.evalScript, options.timeoutMs);
  const call = script.call as CallOf<AfterEffectsScriptCalls>;
  const files = nodeFiles(options.node);
  const folders = { exports: files.join(folder, 'exports'), results: files.join(folder, 'results') };
  let greeting: Promise<HostHandshake> | undefined;
  let exported: TimelineRange | undefined;

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

  async function readFacts(composition?: string): Promise<AfterEffectsFacts> {
    await handshake();
    return call('readTimeline', composition ? { sequence: composition } : {});
  }

  function checkAborted({ signal }: TaskContext): void {
    if (signal.aborted) throw new AppError('CANCELLED');
  }

  async function findResults(composition: string): Promise<PlacedResult[]> {
    await handshake();
    const { placed } = await call('findPlaced', { composition, folder: folders.results });
    const beside = await Promise.all(placed.map(({ path }) => files.readText(labelFileOf(path))));
    return placed.flatMap((each, index) => {
      const of = labelOfLayer([...each.labels, beside[index]]);
      return of ? [{ ...each, of }] : [];
    });
  }

  const outcomeOf = (outcome: Placed['outcome'], { track, first, end, of }: PlacedResult): Placed => ({
    outcome,
    track,
    range: { first: Math.max(0, first), last: Math.max(0, first, end - 1), rate: of.range.rate },
  });

  const foundAgain = (result: PlacedResult) =>
    outcomeOf(isMovedLayer(result, result.of) ? 'moved-by-user' : 'already-there', result);

  async function importClip(clip: RenderedClip, wanted: Placement, context: TaskContext): Promise<Placed> {
    checkAborted(context);
    context.report(undefined, 'reading');
    const composition = wanted.sequence;
    const results = await findResults(composition);
    const own = results.find(result => result.of.job === clip.job);
    if (own) {
      const isCopy = normalPath(own.path) !== normalPath(clip.path);
      if (isCopy && normalPath(clip.path).startsWith(normalPath(folders.results))) await files.remove(clip.path);
      return foundAgain(own);
    }
    const facts = await readFacts(composition);
    const { at, above } = followLayer(facts, wanted);
    const of = makeLabel(clip, at);
    const label = writeLabel(of);
    await files.writeText(labelFileOf(clip.path), label);
    checkAborted(context);

    const older =
      results.find(result => isSamePlace(result.of, of)) ?? results.find(result => liesWhereWanted(result, of));
    if (older) {
      context.report(undefined, 'placing');
      await call('replace', { from: older.path, to: clip.path, label });
      const now = (await findResults(composition)).find(
        result => result.of.job === clip.job && normalPath(result.path) === normalPath(clip.path),
      );
      if (!now)
        throw new AppError('REPLACE_FAILED', {
          path: older.path,
          problem: 'the composition still shows the older file',
        });
      return outcomeOf('replaced', now);
    }

    context.report(undefined, 'importing');
    await call('importFile', { path: clip.path, bin: folderName, label, fps: clip.rate.num / clip.rate.den });
    checkAborted(context);
    context.report(undefined, 'placing');
    const { width, height, pixelAspect } = facts.composition;
    const { first, last } = at.range;
    // A film may have lost the shape of its pixels on the way: After Effects is asked how wide it shows.
    const fit = clip.width !== width || clip.height !== height || pixelAspect !== 1;
    const outdated = results.filter(each => isOutdated(each, of)).map(({ path }) => path);
    await call('place', { composition, path: clip.path, label, first, end: last + 1, above, fit, outdated });
    const placed = (await findResults(composition)).find(result => result.of.job === clip.job);
    if (!placed) throw new AppError('NOT_PLACED', { problem: 'it was there and is not any more' });
    return outcomeOf('placed', placed);
  }

  const templatesOf = async (composition: string) => (await call('templates', { composition })).templates;

  async function exportRange(range: TimelineRange, context: TaskContext): Promise<ExportedClip> {
    checkAborted(context);
    const facts = await readFacts(range.sequence.id);
    const source = options.readSources?.() ? exactLayerSource(facts, range.range) : undefined;
    if (source && (await files.sizeOf(source.path)) !== undefined)
      return { path: source.path, name: files.nameOf(source.path), range: source.range, isSource: true, handle: 0 };
    const template = pickTemplate(await templatesOf(range.sequence.id), preset?.get());
    checkAborted(context);
    context.report(undefined, 'exporting');
    await files.makeFolder(folders.exports);
    const stem = files.join(folders.exports, exportStem(range, Date.now().toString(36)));
    const written = await call(
      'exportRange',
      {
        composition: range.sequence.id,
        template,
        path: stem,
        first: range.range.first,
        end: range.range.last + 1,
        hide: layersToHide(facts, range, folders.results),
      },
      exportTimeoutMs,
    );
    // In this system's way of writing; the host has its own.
    const file = stem + (/\.\w+$/.exec(written.path)?.[0] ?? '');
    if (!(await files.sizeOf(file)))
      throw new AppError('EXPORT_FAILED', { path: file, problem: 'no file was written' });
    if (written.left) notice(new AppError('HOST_NOT_RESTORED', { what: written.left }));
    if (context.signal.aborted) await files.remove(file);
    checkAborted(context);
    exported = range;
    return { path: file, name: files.nameOf(file), isSource: false, handle: 0 };
  }

  /** Builds and templates that ignore what they are told are found out by what they wrote. */
  function learnClip(info: ClipInfo): void {
    const range = exported;
    exported = undefined;
    if (!range) return;
    checkExportLength(range.range, info);
    const { width, height } = range.sequence;
    if (info.codedWidth !== width || info.codedHeight !== height)
      throw new AppError('EXPORT_WRONG_SIZE', {
        actual: `${info.codedWidth} × ${info.codedHeight}`,
        expected: `${width} × ${height}`,
      });
  }

  return {
    name: 'aftereffects-cep',
    capabilities: {
      range: 'timeline',
      result: 'place',
      disk: true,
      markers: true,
      nativeMenu: options.offerMenu !== undefined,
      sources: true,
    },
    async readRange(wanted) {
      const facts = await readFacts();
      return wanted ? toWantedRange(facts, wanted, folders.results) : toCompositionRange(facts, folders.results);
    },
    exportRange,
    importClip,
    learnClip,
    watchTheme: options.watchTheme ?? noTheme,
    ...createClipFiles(files, folders.results),
    watchSelection(onChange) {
      // After Effects has no events of its layers: it is asked every second.
      return watchByStamp({
        readStamp: async () => (await call('stamp', {})).stamp,
        async onChange(stamp) {
          if (stamp === '') return onChange([], undefined);
          const facts = await readFacts();
          onChange(
            mirroredLayers(facts, folders.results),
            rangeOrNone(() => toCompositionRange(facts, folders.results)),
            stylizeMarkers(facts),
          );
        },
        mayAsk: () => options.isVisible?.() !== false && !script.isBusy(),
        notice,
      });
    },
    async findResult(job, at) {
      const own = (await findResults(at.sequence)).find(result => result.of.job === job);
      return own && foundAgain(own);
    },
    async removeResult(job, at) {
      const found = (await findResults(at.sequence)).filter(result => result.of.job === job);
      for (const { path } of found) await call('remove', { composition: at.sequence, path });
      return found.length > 0;
    },
    async readMarkers() {
      return toCompositionMarkers(await readFacts());
    },
    async writeMarkers(markers) {
      const { composition } = await readFacts();
      const wanted = markers.map(({ name, comment, first, length, colour }) => ({
        name,
        comment,
        first,
        frames: length,
        colour: colour ?? -1,
      }));
      await call('writeMarkers', { composition: String(composition.id), markers: wanted });
    },
    async listExportPresets() {
      const { composition } = await readFacts();
      const templates = await templatesOf(String(composition.id));
      const chosen = preset?.get();
      const used = templates.length > 0 ? pickTemplate(templates, chosen) : undefined;
      return { found: templates.map(id => ({ id, label: id })), used, isChosen: used === chosen };
    },
    chooseExportPreset: id => preset?.set(id),
    async checkSetup() {
      return Promise.all([
        check('After Effects', async () => (await handshake()).version),
        check('composition', async () => {
          const facts = await readFacts();
          const { num, den } = rateOfComposition(facts);
          return `${facts.composition.name}: ${den === 1 ? num : `${num}/${den}`}`;
        }),
        check('results-folder', async () => {
          await files.makeFolder(folders.results);
          return folders.results;
        }),
      ]);
    },
    runHostChecks: context =>
      probeAfterEffects(
        {
          call,
          files,
          folder: files.join(folder, 'checks'),
          system: `${options.node.platform} ${options.node.os.release()}`,
          template: () => preset?.get(),
        },
        context,
      ),
    ...(options.offerMenu ? { offerMenu: options.offerMenu } : {}),
    ...(options.startBridge ? { startBridge: options.startBridge } : {}),
  };
}
