import type { EncoderManager, Project, Sequence } from '@adobe/premierepro';
import { AppError } from '#protocol/errors';
import type { PremiereCalls } from '#protocol/host-facts';
import type { PlugInFiles } from './files';
import type { HostTimes, Premiere } from './modules';
import { readPoints } from './read';
import { isNear, openSequence, type OpenSequence } from './timeline';
import { transact } from './transaction';

type Calls = PremiereCalls;
export async function exportExtension(
  ppro: Premiere,
  { sequence: id, preset }: Calls['exportExtension']['params'],
): Promise<Calls['exportExtension']['value']> {
  const { sequence } = await openSequence(ppro, id);
  const extension = (await ppro.EncoderManager.getExportFileExtension(sequence, preset)) || '';
  return { extension: extension.replace(/^\./, '') };
}

/** Sets in and out, reads them back, exports, and puts everything back as it was. */
export async function exportRange(
  ppro: Premiere,
  files: PlugInFiles,
  params: Calls['exportRange']['params'],
  times: HostTimes,
): Promise<Calls['exportRange']['value']> {
  const { path } = params;
  const open = await openSequence(ppro, params.sequence);
  const { sequence } = open;
  const raw = { first: (await sequence.getInPoint()).ticks, last: (await sequence.getOutPoint()).ticks };
  const before = await readPoints(sequence);
  const muted: number[] = [];
  const failed = (problem: string) => new AppError('EXPORT_FAILED', { path, problem });
  let outcome: { sizeBytes: number } | { failure: unknown };
  try {
    setRange(ppro, open, params.start, params.end);
    await checkRange(sequence, params.start, params.end);
    for (const index of params.mute) {
      const track = await sequence.getVideoTrack(index);
      if (!track || (await track.isMuted())) continue;
      muted.push(index);
      await track.setMute(true);
      if (!(await track.isMuted())) throw failed(`video track ${index + 1} cannot be muted`);
    }
    // A file that lay there before would read as success.
    await files.remove(path);
    if ((await files.sizeOf(path)) !== undefined) throw failed('an older file of that name cannot be removed');
    outcome = { sizeBytes: await runExport(ppro, files, open, params, times) };
  } catch (failure) {
    outcome = { failure };
  }
  const restored = await restore(ppro, open, raw, before, muted);
  if ('failure' in outcome) throw outcome.failure;
  return { path, sizeBytes: outcome.sizeBytes, restored };
}

function setRange({ TickTime }: Premiere, { project, sequence }: OpenSequence, first: string, last: string): void {
  transact(project, 'Reverie: range of the export', () => [
    sequence.createSetInPointAction(TickTime.createWithTicks(first)),
    sequence.createSetOutPointAction(TickTime.createWithTicks(last)),
  ]);
}

async function checkRange(sequence: Sequence, first: string, last: string): Promise<void> {
  const timebase = await sequence.getTimebase();
  const [inPoint, outPoint] = await Promise.all([sequence.getInPoint(), sequence.getOutPoint()]);
  if (!isNear(inPoint.ticks, first, timebase) || !isNear(outPoint.ticks, last, timebase))
    throw new AppError('HOST_RANGE_IGNORED');
}

/** @returns whether in, out and the muted tracks read as before */
async function restore(
  ppro: Premiere,
  open: OpenSequence,
  raw: { first: string; last: string },
  before: Awaited<ReturnType<typeof readPoints>>,
  muted: readonly number[],
): Promise<boolean> {
  const { sequence } = open;
  let whole = true;
  for (const index of muted) {
    const track = await sequence.getVideoTrack(index);
    await track.setMute(false);
    if (await track.isMuted()) whole = false;
  }
  // As the host itself gave them, also where they mean "not set".
  setRange(ppro, open, raw.first, raw.last);
  const now = await readPoints(sequence);
  return whole && now.inPoint === before.inPoint && now.outPoint === before.outPoint;
}

/**
 * Waits until the host says that the export is done and the file is there, or the file has stopped growing for long.
 * What is answered is "true" at best when the export has begun; events come from the project or from the encoder.
 */
export async function runExport(
  ppro: Premiere,
  files: PlugInFiles,
  { project, sequence }: OpenSequence,
  { path, preset, whole = false }: { readonly path: string; readonly preset: string; readonly whole?: boolean },
  times: HostTimes,
): Promise<number> {
  const { Constants, EncoderManager } = ppro;
  const manager = EncoderManager.getManager();
  const failed = (problem: string) => new AppError('EXPORT_FAILED', { path, problem });
  const ending = watchEnding(ppro, project, manager);
  try {
    // Since 26.3; before, a stray .xmp may lie beside the file.
    await (manager as Partial<EncoderManager>).setSidecarXMPEnabled?.(false);
    const accepted = await manager.exportSequence(sequence, Constants.ExportType.IMMEDIATELY, path, preset, whole);
    let size = 0;
    let steadyMs = 0;
    for (let waited = 0; waited <= times.exportMs; waited += times.pollMs) {
      const now = (await files.sizeOf(path)) ?? 0;
      steadyMs = now > 0 && now === size ? steadyMs + times.pollMs : 0;
      size = now;
      if (ending.failed()) throw failed('the application says that it failed or was stopped');
      if (ending.done() && size > 0 && steadyMs > 0) return size;
      if (steadyMs >= times.steadyMs) return size;
      if (size === 0 && waited >= times.steadyMs)
        throw failed(accepted ? 'no file was written' : 'the application refused the export');
      await new Promise(resolve => setTimeout(resolve, times.pollMs));
    }
    throw failed(`it is not done after ${Math.round(times.exportMs / 60_000)} minutes`);
  } finally {
    ending.stop();
  }
}

function watchEnding(
  { EventManager, EncoderManager, OperationCompleteEvent }: Premiere,
  project: Project,
  manager: EncoderManager,
) {
  let state: 'running' | 'done' | 'failed' = 'running';
  const onProject = (event?: object) => {
    const { state: told } = (event ?? {}) as { state?: number };
    const isBad =
      told === OperationCompleteEvent.OPERATION_STATE_FAILED ||
      told === OperationCompleteEvent.OPERATION_STATE_CANCELLED;
    state = isBad ? 'failed' : 'done';
  };
  const heard: [Project | EncoderManager, string, (event?: object) => void][] = [
    [project, OperationCompleteEvent.EVENT_EXPORT_MEDIA_COMPLETE, onProject],
    [manager, EncoderManager.EVENT_RENDER_COMPLETE, () => (state = 'done')],
    [manager, EncoderManager.EVENT_RENDER_ERROR, () => (state = 'failed')],
    [manager, EncoderManager.EVENT_RENDER_CANCEL, () => (state = 'failed')],
  ];
  for (const [target, name, listener] of heard) EventManager.addEventListener(target, name, listener);
  return {
    done: () => state === 'done',
    failed: () => state === 'failed',
    stop: () => heard.forEach(([target, name, listener]) => EventManager.removeEventListener(target, name, listener)),
  };
}
