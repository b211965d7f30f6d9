import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { extname, join, parse } from 'node:path';
import { AppError } from '#protocol/errors';
import type { Job, JobId } from '#protocol/job';
import type { BridgeCore } from './core';
import { hashFile } from './content-store';
import type { SideDesk } from './side-desk';
import { zipFolder } from './zip-folder';

/** A finished file of a job, ready to be sent. */
export type ResultFile = {
  readonly path: string;
  readonly name: string;
  readonly sizeBytes: number;
  readonly sha256: string;
};

const zipping = new Map<string, Promise<void>>();

/** "clip, starry-night.mov": what a person finds in the downloads folder. No character that a file system refuses. */
export function resultName(job: Job, extension: string): string {
  const words = `${parse(job.spec.clipName).name}, ${job.spec.preset.name}`
    .replace(/[\\/:*?"<>|]/g, '-')
    .replace(/\p{Cc}/gu, ' ')
    .trim();
  return `${words.slice(0, 150)}${extension}`;
}

/**
 * The finished clip; a sequence of pictures as one zip.
 * @throws AppError JOB_NOT_FOUND when there is no such job or it has no result
 */
export async function findResult(core: BridgeCore, id: JobId): Promise<ResultFile> {
  const [job] = await core.engine.list({ id });
  if (!job?.result) throw new AppError('JOB_NOT_FOUND', { id });
  const path = join(core.engine.folder(id), job.result.fileName);
  const found = await stat(path).catch((error: unknown) => {
    throw new AppError('FILE_NOT_FOUND', { path: job.result!.fileName }, { cause: error });
  });
  if (!found.isDirectory())
    return { path, name: resultName(job, extname(path)), sizeBytes: found.size, sha256: job.result.sha256 };
  const zip = `${path}.zip`;
  if (!existsSync(zip)) {
    const work = zipping.get(zip) ?? zipFolder(path, zip).finally(() => zipping.delete(zip));
    zipping.set(zip, work);
    await work;
  }
  return { path: zip, name: resultName(job, '.zip'), sizeBytes: (await stat(zip)).size, sha256: await hashFile(zip) };
}

/** @throws AppError JOB_NOT_FOUND */
export async function findReport(core: BridgeCore, id: JobId): Promise<ResultFile> {
  await core.engine.report(id);
  const path = join(core.engine.folder(id), 'report.json');
  return { path, name: 'report.json', sizeBytes: (await stat(path)).size, sha256: await hashFile(path) };
}

/** The pictures of an atlas as one zip. @throws AppError JOB_NOT_FOUND */
export async function findAtlas(side: SideDesk, id: string): Promise<ResultFile> {
  const folder = side.folderOf(id);
  if (!folder) throw new AppError('JOB_NOT_FOUND', { id });
  // Made anew each time: tiles may have been added since.
  const path = `${folder}.zip`;
  await zipFolder(folder, path);
  return { path, name: 'atlas.zip', sizeBytes: (await stat(path)).size, sha256: await hashFile(path) };
}
