import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '#protocol/errors';
import type { Runtime } from '../runtime/runtime';
import { catalogue, findRow, type CatalogueRow, type NetFile } from './catalogue';
import { download } from './download';
import { nameForFile, readNetFile, type FoundNet } from './import-file';
import type { InputConvention } from './imported-net';
import { inspectNet, type Inspection } from './inspect';
import { netRecordSchema, type NetRecord } from './net-record';
import { keepOutputs } from './onnx-outputs';

export type NetStoreOptions = {
  /** Where the nets that come with Reverie lie. */
  readonly embeddedDir: string;
  /** The user's folder; nets go below `nets/` in it. */
  readonly homeDir: string;
  /** Address of a server that has the catalogue's files under the same names, for closed networks. */
  readonly mirror?: string;
  /** For tests. */
  readonly rows?: readonly CatalogueRow[];
};

export type PullProgress = { readonly doneBytes: number; readonly totalBytes: number };

export type ImportOptions = {
  /** Where to try the net once before it is filed. */
  readonly runtime?: Runtime;
  /** What the net wants to be fed, instead of a guess. */
  readonly convention?: InputConvention;
  /** File of the net that makes of a style picture the numbers by which the imported one paints. */
  readonly styleNet?: string;
  /** Only look, file nothing. */
  readonly dryRun?: boolean;
};

export type ImportResult = { readonly record: NetRecord; readonly inspection: Inspection };

export type NetStore = {
  /** Everything that is there or could be pulled, imported nets last. */
  list(): Promise<NetRecord[]>;
  /** @throws AppError NET_NOT_FOUND */
  info(name: string): Promise<NetRecord>;
  /** Serialised ONNX. @throws AppError NET_NOT_FOUND, NET_DAMAGED when the file is not the one that was filed */
  bytes(name: string): Promise<Uint8Array>;
  /** SHA-256 of each installed net's file, by name: what a job's results depend on. */
  hashes(): Promise<Record<string, string>>;
  /**
   * Files a net of the user: `.onnx`, `.caffemodel`, `.tflite`, RAFT's `.pth`, or ncnn's `.param` with its `.bin` beside it.
   * @throws AppError NET_UNKNOWN_FORMAT, NET_DAMAGED, NET_UNSUPPORTED, FILE_NOT_FOUND
   */
  importFile(path: string, name?: string, options?: ImportOptions): Promise<ImportResult>;
  /** Fetches a net of the catalogue. @throws AppError NET_NOT_FOUND, DOWNLOAD_FAILED, MODEL_HASH_WRONG, DISK_FULL, CANCELLED */
  pull(name: string, onProgress?: (progress: PullProgress) => void, signal?: AbortSignal): Promise<NetRecord>;
  /** Removes a pulled or imported net. @throws AppError NET_NOT_FOUND */
  remove(name: string): Promise<void>;
};

const netFile = 'net.onnx';
const recordFile = 'net.json';
const downloads = '.downloads';
const filableName = /^[a-z0-9][a-z0-9._-]{0,99}$/;

/** Nets by name, from three places: beside the program, pulled from their makers, and imported by the user. */
export function createNetStore(options: NetStoreOptions): NetStore {
  const rows = options.rows ?? catalogue;
  const homeNets = join(options.homeDir, 'nets');
  const rowOf = (name: string): CatalogueRow | undefined =>
    options.rows ? rows.find(row => row.name === name) : findRow(name);

  const folderOf = (name: string): string => {
    if (!filableName.test(name)) throw new AppError('NET_NOT_FOUND', { name });
    return join(homeNets, name);
  };

  const recordAt = async (name: string): Promise<NetRecord | undefined> => {
    const text = await readFile(join(folderOf(name), recordFile), 'utf8').catch(() => undefined);
    if (text === undefined) return undefined;
    const parsed = netRecordSchema.safeParse(parseJson(text));
    if (!parsed.success)
      throw new AppError('NET_DAMAGED', {
        name,
        where: recordFile,
        problem: parsed.error.issues[0]?.message ?? 'not readable',
      });
    return parsed.data;
  };

  const rowRecord = async (row: CatalogueRow): Promise<NetRecord> => {
    const filed = row.kind === 'pulled' ? await recordAt(row.name).catch(() => undefined) : undefined;
    if (filed) return filed;
    const first = row.files[0]!;
    const isThere =
      row.kind === 'embedded' &&
      (await stat(join(options.embeddedDir, first.name)).then(
        () => true,
        () => false,
      ));
    return {
      version: 1,
      name: row.name,
      title: row.title,
      kind: row.kind,
      uses: [...row.uses],
      installed: isThere,
      sizeBytes: row.files.reduce((sum, file) => sum + file.sizeBytes, 0),
      licence: row.licence,
      origin: row.origin,
      layers: [...row.layers],
      architecture: row.architecture,
      sha256: row.kind === 'embedded' ? first.hash.hex : '',
      convention: { ...row.convention, mean: [...row.convention.mean] },
      multipleOf: row.multipleOf,
    };
  };

  const importedNames = async (): Promise<string[]> => {
    const names = await readdir(homeNets).catch(() => []);
    return names.filter(name => filableName.test(name) && !rowOf(name)).sort();
  };

  const info = async (name: string): Promise<NetRecord> => {
    const row = rowOf(name);
    const record = row ? await rowRecord(row) : await recordAt(name);
    if (!record) throw new AppError('NET_NOT_FOUND', { name });
    return record;
  };

  /** Files a net under its name, whole or not at all. */
  const file = async (model: Uint8Array, record: FiledRecord): Promise<NetRecord> => {
    const full: NetRecord = { ...record, sha256: sha256Of(model), sizeBytes: model.length };
    const target = folderOf(record.name);
    await mkdir(homeNets, { recursive: true });
    const work = await mkdtemp(join(homeNets, '.new-'));
    try {
      await writeFile(join(work, netFile), model, { flush: true });
      await writeFile(join(work, recordFile), `${JSON.stringify(full, undefined, 2)}\n`, { flush: true });
      await rm(target, { recursive: true, force: true });
      await rename(work, target);
    } catch (error) {
      await rm(work, { recursive: true, force: true });
      if ((error as { code?: string }).code === 'ENOSPC')
        throw new AppError(
          'DISK_FULL',
          { need: `${(model.length / 1e6).toFixed(0)} MB`, path: homeNets },
          { cause: error },
        );
      throw error;
    }
    return full;
  };

  const fetchFiles = async (
    row: CatalogueRow,
    onProgress: (progress: PullProgress) => void,
    signal?: AbortSignal,
  ): Promise<string[]> => {
    const folder = join(homeNets, downloads, row.name);
    await mkdir(folder, { recursive: true });
    const totals = row.files.map(each => each.sizeBytes);
    const done = row.files.map(() => 0);
    const paths: string[] = [];
    for (const [index, each] of row.files.entries()) {
      const path = join(folder, each.name.split('/').pop()!);
      await download({
        name: row.name,
        url: addressOf(each, options.mirror, row.name),
        hash: each.hash,
        sizeBytes: each.sizeBytes,
        partPath: `${path}.part`,
        signal,
        onProgress(doneBytes, totalBytes) {
          done[index] = doneBytes;
          totals[index] = totalBytes;
          onProgress({ doneBytes: sum(done), totalBytes: sum(totals) });
        },
      });
      await rename(`${path}.part`, path);
      paths.push(path);
    }
    return paths;
  };

  const list = async (): Promise<NetRecord[]> => {
    const known = await Promise.all(rows.map(rowRecord));
    const imported = await Promise.all((await importedNames()).map(name => recordAt(name).catch(() => undefined)));
    return [...known, ...imported.filter(record => record !== undefined)];
  };

  return {
    list,
    info,
    async bytes(name) {
      const row = rowOf(name);
      if (row?.kind === 'embedded') {
        const first = row.files[0]!;
        const model = await readFile(join(options.embeddedDir, first.name)).catch(() => undefined);
        if (!model) throw new AppError('NET_NOT_FOUND', { name });
        requireHash(model, first.hash.hex, name);
        return row.outputs ? keepOutputs(model, row.outputs, name) : model;
      }
      const record = await recordAt(name);
      const model = record && (await readFile(join(folderOf(name), netFile)).catch(() => undefined));
      if (!record || !model) throw new AppError('NET_NOT_FOUND', { name });
      requireHash(model, record.sha256, name);
      return model;
    },
    async hashes() {
      const records = await list();
      return Object.fromEntries(records.filter(record => record.installed).map(record => [record.name, record.sha256]));
    },
    async importFile(path, wanted, { runtime, convention, styleNet, dryRun } = {}) {
      const name = wanted ?? nameForFile(path);
      if (!filableName.test(name))
        throw new AppError('USAGE', {
          problem: `"${name}" is not a name for a net: use small letters, digits, dots and dashes.`,
        });
      if (rowOf(name))
        throw new AppError('USAGE', {
          problem: `"${name}" is the name of a net that comes with Reverie; choose another.`,
        });
      const net = await readNetFile(path, name, { convention, styleNet });
      const inspection = await inspectNet(net, runtime);
      if (inspection.testRun && !inspection.testRun.ok)
        throw new AppError('NET_LOAD_FAILED', { name, problem: inspection.testRun.problem });
      const record: FiledRecord = {
        ...recordOf(net),
        kind: 'imported',
        title: name,
        uses: net.uses,
        licence: 'not stated',
        origin: `imported from a file of ${net.format}`,
        architecture: `${net.format}, ${net.description.parameters.toLocaleString('en')} numbers`,
        layers: [...net.layers],
      };
      return {
        inspection,
        record: dryRun
          ? { ...record, installed: false, sha256: sha256Of(net.model), sizeBytes: net.model.length }
          : await file(net.model, record),
      };
    },
    async pull(name, onProgress = () => undefined, signal) {
      const row = rowOf(name);
      if (!row) throw new AppError('NET_NOT_FOUND', { name });
      const present = await info(name);
      if (present.installed) return present;
      if (row.kind === 'embedded') throw new AppError('NET_NOT_FOUND', { name });
      const paths = await fetchFiles(row, onProgress, signal);
      const net = await readNetFile(paths[0]!, name, { convention: row.convention, outputs: row.outputs });
      const record = await file(net.model, {
        ...recordOf(net),
        kind: 'pulled',
        title: row.title,
        uses: [...row.uses],
        licence: row.licence,
        origin: row.origin,
        architecture: row.architecture,
        layers: row.layers.length > 0 ? [...row.layers] : [...net.layers],
      });
      await rm(join(homeNets, downloads, name), { recursive: true, force: true });
      return record;
    },
    async remove(name) {
      if (rowOf(name)?.kind === 'embedded' || !(await recordAt(name).catch(() => true)))
        throw new AppError('NET_NOT_FOUND', { name });
      await rm(folderOf(name), { recursive: true, force: true });
    },
  };
}

type FiledRecord = Omit<NetRecord, 'sha256' | 'sizeBytes'>;

function recordOf(net: FoundNet): Pick<NetRecord, 'version' | 'name' | 'installed' | 'convention' | 'multipleOf'> {
  return {
    version: 1,
    name: net.name,
    installed: true,
    convention: { ...net.convention, mean: [...net.convention.mean] },
    multipleOf: net.multipleOf,
  };
}

function addressOf(file: NetFile, mirror: string | undefined, name: string): string {
  const address = mirror ? `${mirror.replace(/\/+$/, '')}/${file.name}` : file.url;
  if (address === undefined)
    throw new AppError('DOWNLOAD_FAILED', { name, problem: 'the catalogue knows no address for it' });
  return address;
}

function requireHash(model: Uint8Array, expected: string, name: string): void {
  if (sha256Of(model) !== expected)
    throw new AppError('NET_DAMAGED', { name, where: 'its file', problem: 'the hash is not the one that was filed' });
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
