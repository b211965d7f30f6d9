import { access, constants } from 'node:fs/promises';
import { cpus, release } from 'node:os';
import { AppError, errors, fillText, toAppError } from '#protocol/errors';
import type { Check } from '#protocol/messages';
import { formatBytes } from '../jobs/estimate';
import { findFfmpeg } from '../media/find-ffmpeg';
import { freeBytes, memoryBytes, type BridgeCore } from './core';

/** Below this a short clip already does not fit. */
const littleDiskBytes = 5e9;
const littleMemoryBytes = 3.5e9;

async function check(what: string, look: () => Promise<Omit<Check, 'what'>>): Promise<Check> {
  try {
    return { what, ...(await look()) };
  } catch (error) {
    const { code, details } = toAppError(error);
    return {
      what,
      ok: false,
      found: fillText(errors[code].cause, details),
      remedy: fillText(errors[code].remedy, details),
    };
  }
}

function renderNodes(nodes: readonly { readonly name: string; readonly provider: string }[]): Omit<Check, 'what'> {
  if (nodes.length === 0)
    return { ok: false, found: 'none', remedy: 'Start `reverie worker --redis` on each machine that should render.' };
  return { ok: true, found: nodes.map(({ name, provider }) => `${name} (${provider})`).join(', ') };
}

/** What is installed, what is missing and what to do about it: the same list for the panel and the command line. */
export async function examine(core: BridgeCore): Promise<Check[]> {
  return Promise.all([
    check('program', async () => ({
      ok: true,
      found: `Reverie ${core.version}, Node ${process.versions.node}, ${process.platform} ${release()} on ${process.arch}`,
    })),
    check('ffmpeg', async () => {
      const ffmpeg = await findFfmpeg();
      return { ok: true, found: `ffmpeg ${ffmpeg.version} at ${ffmpeg.path}` };
    }),
    check('worker', async () => {
      await access(core.worker, constants.R_OK).catch((error: unknown) => {
        throw new AppError('FILE_NOT_FOUND', { path: core.worker }, { cause: error });
      });
      return { ok: true, found: core.worker };
    }),
    check('provider', async () => {
      const refused = core.machine.refused().map(row => `${row.provider}: ${row.reason}`);
      if (!core.machine.isKnown())
        return { ok: true, found: 'Not tried yet: the first preview or job chooses what to compute on.' };
      return { ok: true, found: [core.machine.provider(), ...refused].join('; ') };
    }),
    check('processor', async () => ({ ok: true, found: `${cpus().length} x ${cpus()[0]?.model.trim() ?? 'unknown'}` })),
    check('memory', async () => {
      const bytes = memoryBytes();
      return bytes < littleMemoryBytes
        ? { ok: false, found: formatBytes(bytes), remedy: 'Choose the preset "draft" or a smaller working size.' }
        : { ok: true, found: formatBytes(bytes) };
    }),
    check('disk', async () => {
      const free = await freeBytes(core.home.jobs);
      const found = `${formatBytes(free)} free for ${core.home.root}`;
      return free < littleDiskBytes
        ? { ok: false, found, remedy: 'Make space, or let REVERIE_HOME name a folder on a larger drive.' }
        : { ok: true, found };
    }),
    ...(core.depot ? [check('render nodes', async () => renderNodes(core.depot!.present()))] : []),
    check('nets', async () => {
      const nets = await core.nets.list();
      const missing = nets.filter(net => net.kind === 'embedded' && !net.installed);
      const found = `${nets.filter(net => net.installed).length} of ${nets.length} installed`;
      return missing.length > 0
        ? {
            ok: false,
            found: `${found}; missing: ${missing.map(net => net.name).join(', ')}`,
            remedy: 'Install Reverie again: nets that come with it are not there.',
          }
        : { ok: true, found };
    }),
  ]);
}
