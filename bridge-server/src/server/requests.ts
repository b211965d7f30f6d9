import { rename, rm } from 'node:fs/promises';
import { extname } from 'node:path';
import { AppError } from '#protocol/errors';
import type { JobSpec } from '#protocol/job';
import { httpPaths } from '#protocol/http';
import { protocolVersion, type Reply, type Request, type RequestOf, type ServerMessage } from '#protocol/messages';
import { planStill } from '../effects/chain';
import { readAllowedFolders, resolveAllowed } from './allowed-folders';
import { closeCodes, type Connection } from './connection';
import { imagesOf, newJobId, type BridgeCore } from './core';
import { examine } from './doctor';
import { Download } from './downloads';
import type { Glimpses } from './glimpses';
import type { Limits } from './limits';
import { findAtlas, findReport, findResult } from './results';
import type { SideDesk } from './side-desk';
import type { TriggerDesk } from './trigger-desk';
import type { UploadDesk } from './uploads';
import { watchJobs } from './watch';

export type RequestContext = {
  readonly core: BridgeCore;
  readonly limits: Limits;
  readonly side: SideDesk;
  readonly uploads: UploadDesk;
  readonly glimpses: Glimpses;
  readonly triggers: TriggerDesk;
  readonly tellPanels: (message: ServerMessage) => void;
  /** Says a new or changed job to all who watch. */
  readonly tellJob: (id: string) => Promise<void>;
  /** Folders that may be named by path beside those of the settings; only where panel and bridge share the disk. */
  readonly allowedFolders: readonly string[] | undefined;
  readonly log: (line: string) => void;
};

type Handler<T extends Request['type']> = (
  request: RequestOf<T>,
  connection: Connection,
  context: RequestContext,
) => Promise<Reply<T>>;

/** One row for each request of the protocol. */
const handlers: { readonly [T in Request['type']]: Handler<T> } = {
  async hello({ version, client }, connection, { core, log }) {
    if (version !== protocolVersion) {
      setTimeout(() => connection.close(closeCodes.version, 'another version'), 50).unref();
      throw new AppError('VERSION_MISMATCH', { panel: version, bridge: protocolVersion });
    }
    connection.greeted = true;
    connection.client = client.replace(/[^\w .()/-]/g, '');
    log(`connected: ${connection.client}`);
    return { version: protocolVersion, bridge: core.version, provider: core.machine.provider() };
  },
  async ping() {
    return {};
  },

  async 'upload-open'(request, connection, { core, limits, uploads, side }) {
    if (request.kind === 'clip') side.warm();
    const { clips, images, sounds } = core;
    const store = { clip: clips, image: images, sound: sounds, net: undefined }[request.kind];
    const number = connection.newTransfer();
    if (store?.has(request.sha256)) {
      const clip = request.kind === 'clip' ? await core.clips.info(request.sha256) : undefined;
      return { transfer: number, offset: request.sizeBytes, complete: true, ...(clip ? { clip } : {}) };
    }
    if (connection.uploads.size >= limits.uploadsPerConnection)
      throw new AppError('TOO_MANY', { what: 'uploads', limit: limits.uploadsPerConnection });
    const { kind, sha256, sizeBytes, name, waits, beside } = request;
    const upload = await uploads.open({ number, kind, sha256, sizeBytes, name, waits, beside }, receivedBytes =>
      connection.send({ type: 'credit', transfer: number, receivedBytes }),
    );
    if (!connection.isOpen) {
      // It closed meanwhile, and what it had open was closed with it; this would stay open for ever.
      await uploads.abort(upload);
      throw new AppError('CONNECTION_LOST');
    }
    connection.uploads.set(number, upload);
    return { transfer: number, offset: upload.received, complete: false };
  },
  async 'upload-close'({ transfer }, connection, { core, uploads }) {
    const upload = connection.uploads.get(transfer);
    if (!upload) throw new AppError('UPLOAD_UNKNOWN');
    connection.uploads.delete(transfer);
    const path = await uploads.close(upload);
    const { sha256, name, kind, waits, beside } = upload;
    if (kind === 'clip') return { sha256, clip: await core.clips.keep(path, sha256, name) };
    if (kind === 'image') await core.images.keep(path, sha256, name);
    else if (kind === 'sound') await core.sounds.keep(path, sha256, name);
    else if (!waits)
      await keepNet(core, { path, name }, beside && { ...beside, path: await uploads.waiting('net', beside.sha256) });
    return { sha256 };
  },
  async 'upload-abort'({ transfer }, connection, { uploads }) {
    const upload = connection.uploads.get(transfer);
    if (!upload) throw new AppError('UPLOAD_UNKNOWN');
    connection.uploads.delete(transfer);
    await uploads.abort(upload);
    return {};
  },
  async 'clip-from-path'({ path }, _connection, { core, allowedFolders }) {
    if (allowedFolders === undefined) throw new AppError('FILE_NOT_FOUND', { path: path.slice(0, 300) });
    const real = await resolveAllowed(path, [...allowedFolders, ...readAllowedFolders(core.home.settingsFile)]);
    return { clip: await core.addClip(real) };
  },
  async 'clip-info'({ clip }, _connection, { core, side }) {
    if (core.clips.has(clip)) side.warm();
    return { clip: await core.clips.info(clip) };
  },

  async glimpses({ of }, _connection, { glimpses, allowedFolders }) {
    // A path means something only where panel and bridge see the same disk.
    if (allowedFolders === undefined) return { paths: of.map(() => null) };
    const keys = await Promise.all(of.map(({ path, seconds }) => glimpses.admit(path, seconds)));
    return { paths: keys.map(key => (key === undefined ? null : httpPaths.glimpse(key))) };
  },

  async 'download-open'({ what, job, offset }, connection, { core, limits, log, side }) {
    if (connection.downloads.size >= limits.downloadsPerConnection)
      throw new AppError('TOO_MANY', { what: 'downloads', limit: limits.downloadsPerConnection });
    const file =
      what === 'result'
        ? await findResult(core, job)
        : what === 'report'
          ? await findReport(core, job)
          : await findAtlas(side, job);
    const number = connection.newTransfer();
    const download = await Download.open(
      number,
      file.path,
      offset,
      (at, bytes) => connection.sendChunk(number, at, bytes),
      error => {
        log(`download of ${job}: ${String(error)}`);
        connection.send({ type: 'error', error: new AppError('CONNECTION_LOST').toJSON() });
        connection.downloads.delete(number);
        void download.close();
      },
    );
    if (!connection.isOpen) {
      await download.close();
      throw new AppError('CONNECTION_LOST');
    }
    connection.downloads.set(number, download);
    // The reply goes first: it names the transfer that the chunks belong to.
    setImmediate(() => download.pump());
    return { transfer: number, sizeBytes: file.sizeBytes, sha256: file.sha256, name: file.name };
  },
  async 'download-credit'({ transfer, receivedBytes }, connection) {
    connection.downloads.get(transfer)?.credit(receivedBytes);
    return {};
  },
  async 'download-close'({ transfer }, connection) {
    const download = connection.downloads.get(transfer);
    connection.downloads.delete(transfer);
    await download?.close();
    return {};
  },

  async presets(_request, _connection, { core }) {
    return { presets: await core.presets.list() };
  },
  async 'preset-save'({ preset }, _connection, { core }) {
    await core.presets.save(preset);
    return {};
  },
  async 'preset-delete'({ name }, _connection, { core }) {
    await core.presets.remove(name);
    return {};
  },
  async nets(_request, _connection, { core }) {
    const nets = await core.nets.list();
    return {
      nets: nets.map(({ name, title, kind, uses, installed, sizeBytes, licence, origin, layers }) => ({
        name,
        title,
        kind,
        uses,
        installed,
        sizeBytes,
        licence,
        origin,
        layers,
      })),
    };
  },

  async estimate({ spec }, _connection, { core, log, tellPanels }) {
    const offer = await core.estimate(spec);
    // Measured while the person still looks; the next estimate rests on it.
    if (offer.estimate.basis === 'table' && offer.estimate.seconds > worthMeasuring)
      void calibrateWhenIdle(core, spec).then(
        measured => measured && tellPanels({ type: 'measured' }),
        error => log(`calibration: ${String(error)}`),
      );
    return offer;
  },
  async submit({ spec }, connection, { core, limits, tellJob }) {
    const unfinished = await core.engine.list({ status: ['queued', 'active', 'paused'] });
    if (unfinished.length >= limits.unfinishedJobs)
      throw new AppError('TOO_MANY', { what: 'jobs', limit: limits.unfinishedJobs });
    const job = await core.submit({ ...spec, sender: connection.id });
    await tellJob(job.id);
    return { job };
  },
  async jobs(_request, _connection, { core }) {
    const jobs = await core.engine.list();
    return { jobs, seqs: Object.fromEntries(jobs.map(job => [job.id, core.engine.lastSeq(job.id)])) };
  },
  async cancel({ job }, _connection, { core }) {
    await core.engine.cancel(job);
    return {};
  },
  async pause({ job }, _connection, { core }) {
    await core.engine.pause(job);
    return {};
  },
  async resume({ job }, _connection, { core }) {
    await core.engine.resume(job);
    return {};
  },
  async delete({ job }, _connection, { core }) {
    await core.engine.remove(job);
    return {};
  },
  async report({ job }, _connection, { core }) {
    return { report: await core.engine.report(job) };
  },
  async watch({ since }, connection, { core }) {
    await watchJobs(core, connection, since);
    return {};
  },

  async still(request, connection, { core, side }) {
    const clip = await core.clips.info(request.clip);
    if (request.frame >= clip.frames)
      throw new AppError('RANGE_OUTSIDE', { first: request.frame, last: request.frame, frames: clip.frames });
    for (const sha256 of imagesOf(request.preset))
      if (!core.images.has(sha256)) throw new AppError('FILE_NOT_FOUND', { path: `the picture ${sha256.slice(0, 8)}` });
    // One preview a panel: the newer wish ends the older one.
    for (const stop of connection.stills.values()) stop();
    connection.stills.clear();
    const plan = planStill(request.preset, clip, request.frame, { provider: core.machine.provider() }, request.maxSide);
    const { key, path } = side.makeFolder();
    const errand = side.still(
      {
        clip,
        frame: request.frame,
        stages: plan.stages,
        maxSide: request.maxSide,
        seed: request.seed,
        provider: 'auto',
        folder: path,
        folders: { clips: core.home.clips, images: core.home.images, nets: core.home.nets },
      },
      picture => {
        if (picture.type !== 'still') return;
        connection.send(
          {
            type: 'still',
            id: request.id,
            path: `/pictures/${key}/${picture.file}`,
            done: picture.done,
            total: picture.total,
            final: picture.final,
          },
          !picture.final,
        );
      },
    );
    connection.stills.set(request.id, errand.stop);
    errand.done
      .catch((error: unknown) => {
        if (!(error instanceof AppError) || error.code !== 'CANCELLED')
          connection.send({ type: 'error', id: request.id, error: toJson(error) });
      })
      .finally(() => connection.stills.delete(request.id));
    return { width: plan.width, height: plan.height };
  },
  async 'still-stop'({ still }, connection) {
    for (const errands of [connection.stills, connection.atlases]) {
      errands.get(still)?.();
      errands.delete(still);
    }
    return {};
  },
  async atlas(request, connection, { core, side }) {
    if (request.image !== undefined && !core.images.has(request.image))
      throw new AppError('FILE_NOT_FOUND', { path: 'the picture' });
    // One atlas a panel: the newer wish ends the older one.
    for (const stop of connection.atlases.values()) stop();
    connection.atlases.clear();
    // Named like a job: its pictures can be downloaded as one.
    const { key, path } = side.makeFolder(newJobId());
    const { net, image, channelsOf } = request;
    const errand = side.atlas(
      {
        net,
        image,
        channelsOf,
        provider: 'auto',
        folder: path,
        folders: { clips: core.home.clips, images: core.home.images, nets: core.home.nets },
      },
      tile => {
        if (tile.type !== 'atlas-tile') return;
        const { layer, channels, file, done, total } = tile;
        connection.send({
          type: 'atlas-tile',
          id: request.id,
          layer,
          channels,
          path: `/pictures/${key}/${file}`,
          done,
          total,
        });
      },
    );
    connection.atlases.set(request.id, errand.stop);
    errand.done
      .catch((error: unknown) => {
        if (!(error instanceof AppError) || error.code !== 'CANCELLED')
          connection.send({ type: 'error', id: request.id, error: toJson(error) });
      })
      .finally(() => connection.atlases.delete(request.id));
    return { job: key };
  },
  async doctor(_request, _connection, { core }) {
    return { checks: await examine(core) };
  },
  async attend({ host, marked }, connection, { triggers }) {
    triggers.attend(connection, host, marked);
    return {};
  },
  async 'trigger-take'({ ticket }, connection, { triggers }) {
    return { granted: triggers.take(connection, ticket) };
  },
  async sections({ clip }, _connection, { core, side }) {
    const store = [core.clips, core.sounds].find(each => each.has(clip));
    if (!store) throw new AppError('CLIP_NOT_FOUND', { clip });
    return (await side.sections(clip, store.folder)) as Reply<'sections'>;
  },
};

/** Seconds; shorter jobs are done before a measurement would be. */
const worthMeasuring = 60;

/**
 * A measurement beside a render would be wrong and in its way. What a measurement did not settle is not measured again:
 * panels ask anew after each.
 * @returns whether one was made
 */
async function calibrateWhenIdle(core: BridgeCore, spec: JobSpec): Promise<boolean> {
  const { busy, tried } = calibrations.get(core) ?? { busy: false, tried: new Set<string>() };
  const work = JSON.stringify([spec.preset.effects, spec.provider]);
  const jobs = await core.engine.list({ status: ['queued', 'active'] });
  if (busy || tried.has(work) || jobs.length > 0) return false;
  calibrations.set(core, { busy: true, tried: tried.add(work) });
  await core.calibrate(spec).finally(() => calibrations.set(core, { busy: false, tried }));
  return true;
}
const calibrations = new WeakMap<BridgeCore, { readonly busy: boolean; readonly tried: Set<string> }>();

export function handleRequest(request: Request, connection: Connection, context: RequestContext): Promise<unknown> {
  return (handlers[request.type] as Handler<Request['type']>)(request as never, connection, context);
}

function toJson(error: unknown) {
  return (
    error instanceof AppError
      ? error
      : new AppError('INTERNAL', { problem: error instanceof Error ? error.message : String(error) })
  ).toJSON();
}

type SentFile = { readonly path: string; readonly name: string };

/** @param beside the other file of a net in two: the half of it that ncnn keeps apart, or what reads styles for it */
async function keepNet(core: BridgeCore, file: SentFile, beside?: SentFile): Promise<void> {
  // The importer goes by the extension; nothing else of the client's name is used in a path.
  const extensionOf = ({ name }: SentFile) =>
    /^\.[a-z]{1,12}$/i.test(extname(name)) ? extname(name).toLowerCase() : '';
  const path = `${file.path}${extensionOf(file)}`;
  const isHalf = beside !== undefined && ['.param', '.bin'].includes(extensionOf(beside));
  const other = beside && `${isHalf ? file.path : beside.path}${extensionOf(beside)}`;
  try {
    await rename(file.path, path);
    if (beside && other) await rename(beside.path, other);
    await core.nets.importFile(path, netName(file.name), isHalf ? undefined : other);
  } finally {
    for (const used of [path, other]) if (used) await rm(used, { force: true });
  }
}

function netName(name: string): string {
  const words = name
    .toLowerCase()
    .replace(/\.[a-z]+$/, '')
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '');
  return words.slice(0, 60) || 'imported';
}
