import { createHash, randomBytes, timingSafeEqual, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { AppError, errors, toAppError } from '#protocol/errors';
import { z } from 'zod';
import { syncFolder } from '../../media/write-whole';
import { asDiskFull } from '../journal';
import type { TaskOrder } from '../task';
import {
  depotPath,
  endSchema,
  jobPathSchema,
  keepSchema,
  largestMessageBytes,
  pieceBytes,
  saySchema,
  takeSchema,
  type NodeOutcome,
  type NodeRecord,
  type Said,
  type Taken,
} from './node-messages';
import { filesOfTask, neededFiles, type HashMemory } from './task-files';
import type { WorkerEvent } from '../task';

/** A task in the hands of a node. */
export type DepotRun = {
  readonly order: TaskOrder;
  readonly onSay: (events: readonly WorkerEvent[], lines: readonly string[]) => void;
  readonly onEnd: (outcome: NodeOutcome) => void;
};

export type DepotOptions = {
  /** A node asks for the task behind a ticket. Undefined: nobody wants it done any more. */
  readonly take: (ticket: string, node: NodeRecord, run: string) => DepotRun | undefined;
  /** The run that `take` began, unless it was stopped or given to another node. */
  readonly find: (run: string) => DepotRun | undefined;
  readonly newRun: () => string;
  readonly memory: HashMemory;
};

type Upload = { readonly hash: Hash; received: number };

const pieceSchema = z.object({
  path: jobPathSchema,
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  size: z.coerce.number().int().nonnegative(),
  offset: z.coerce.number().int().nonnegative(),
});

/**
 * Where render nodes fetch what a task needs and bring what they made, over the bridge's own HTTP server. A token of its
 * own opens it and nothing else. A node reads only files that its task needs, and writes only below its task's folder.
 */
export class Depot {
  readonly token = randomBytes(32).toString('base64url');
  private readonly uploads = new Map<string, Upload>();
  private readonly offered = new Map<string, Map<string, string>>();

  constructor(private readonly options: DepotOptions) {}

  /** Answers a request whose path begins with `depotPath`. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      this.checkToken(request);
      const url = new URL(request.url ?? '/', 'http://depot');
      const [what, run = '', sha256 = ''] = url.pathname.replace(depotPath, '').split('/').filter(Boolean);
      if (request.method === 'GET' && what === 'content')
        return await this.give(run, sha256, Number(url.searchParams.get('offset') ?? 0), response);
      if (request.method === 'PUT' && what === 'content') {
        const piece = pieceSchema.safeParse(Object.fromEntries(url.searchParams));
        if (!piece.success) throw new AppError('MESSAGE_INVALID', { problem: 'not a piece of a file' });
        return answer(response, await this.put(run, piece.data, request));
      }
      if (request.method === 'POST') {
        const body = await readJson(request);
        if (what === 'take') return answer(response, await this.take(body));
        if (what === 'say') return answer(response, this.say(body));
        if (what === 'keep') return answer(response, await this.keep(body));
        if (what === 'end') return answer(response, this.end(body));
      }
      throw new AppError('FILE_NOT_FOUND', { path: 'this address' });
    } catch (thrown) {
      const error = toAppError(thrown);
      if (response.headersSent) return void response.destroy();
      response.writeHead(errors[error.code].http, { 'Content-Type': 'application/json', Connection: 'close' });
      response.end(JSON.stringify(error.toJSON()));
      request.resume();
    }
  }

  /** A run is over: its unfinished files and offers go. */
  forget(run: string): void {
    this.offered.delete(run);
    for (const key of this.uploads.keys()) if (key.startsWith(`${run} `)) this.uploads.delete(key);
  }

  private checkToken(request: IncomingMessage): void {
    const given = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
    const digest = (text: string) => createHash('sha256').update(text).digest();
    if (!timingSafeEqual(digest(given), digest(this.token))) throw new AppError('UNAUTHORISED');
  }

  private async take(body: unknown): Promise<Taken> {
    const { ticket, node } = parsed(takeSchema, body);
    const id = this.options.newRun();
    const run = this.options.take(ticket, node, id);
    if (!run) return { gone: true };
    const files = await neededFiles(run.order, this.options.memory);
    this.offered.set(id, new Map(files.map(file => [file.sha256, join(run.order.folders[file.area], file.path)])));
    const { folders: _folders, ...order } = run.order;
    return { run: id, order, files };
  }

  private say(body: unknown): Said {
    const { run: id, events, lines } = parsed(saySchema, body);
    const run = this.options.find(id);
    run?.onSay(events, lines);
    return { stop: run === undefined };
  }

  private async keep(body: unknown): Promise<object> {
    const { run: id, paths } = parsed(keepSchema, body);
    const { order } = this.need(id);
    const kept = new Set(paths);
    for (const path of await filesOfTask(order.folders.job, order.task.id))
      if (!kept.has(path)) await rm(join(order.folders.job, path), { force: true });
    return {};
  }

  private end(body: unknown): object {
    const { run: id, outcome } = parsed(endSchema, body);
    this.options.find(id)?.onEnd(outcome);
    this.forget(id);
    return {};
  }

  private async give(run: string, sha256: string, offset: number, response: ServerResponse): Promise<void> {
    this.need(run);
    const path = this.offered.get(run)?.get(sha256);
    const found = path && (await stat(path).catch(() => undefined));
    if (!path || !found || !Number.isInteger(offset) || offset < 0 || offset > found.size)
      throw new AppError('FILE_NOT_FOUND', { path: 'what the task needs' });
    response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': found.size - offset });
    if (offset === found.size) return void response.end();
    // A node that goes away in the middle asks again from where it is.
    await pipeline(createReadStream(path, { start: offset, highWaterMark: 1024 * 1024 }), response).catch(
      () => undefined,
    );
  }

  /** One piece of a file. With the last one the file is checked, synced and gets its name. */
  private async put(
    id: string,
    { path, sha256, size, offset }: z.infer<typeof pieceSchema>,
    request: IncomingMessage,
  ): Promise<{ received: number }> {
    const { order } = this.need(id);
    if (!path.startsWith(`tasks/${order.task.id}/`) && !path.startsWith('previews/'))
      throw new AppError('MESSAGE_INVALID', { problem: 'a file of another task' });
    const bytes = await readBody(request, pieceBytes);
    const target = join(order.folders.job, path);
    const partial = `${target}.${id}.part`;
    const key = `${id} ${path}`;
    const begun = this.uploads.get(key);
    // A node that does not know how far it came begins again.
    if (offset !== 0 && begun?.received !== offset) throw new AppError('UPLOAD_UNKNOWN');
    const upload = offset === 0 || !begun ? { hash: createHash('sha256'), received: 0 } : begun;
    if (offset + bytes.length > size)
      throw new AppError('MESSAGE_INVALID', { problem: 'more bytes than were announced' });
    try {
      await mkdir(dirname(target), { recursive: true });
      const file = await open(partial, offset === 0 ? 'w' : 'r+', 0o600);
      try {
        await file.write(bytes, 0, bytes.length, offset);
        upload.hash.update(bytes);
        upload.received = offset + bytes.length;
        this.uploads.set(key, upload);
        if (upload.received < size) return { received: upload.received };
        await file.sync();
      } finally {
        await file.close();
      }
      this.uploads.delete(key);
      if (upload.hash.digest('hex') !== sha256) throw new AppError('UPLOAD_HASH_WRONG');
      // Stopped or given to somebody else meanwhile: the file is not wanted.
      this.need(id);
      await rename(partial, target);
      await syncFolder(dirname(target));
      await this.options.memory.learn(target, sha256);
      return { received: size };
    } catch (error) {
      this.uploads.delete(key);
      await rm(partial, { force: true });
      throw asDiskFull(error, target);
    }
  }

  /** @throws AppError JOB_NOT_FOUND for a run that is over */
  private need(run: string): DepotRun {
    const found = this.options.find(run);
    if (!found) throw new AppError('JOB_NOT_FOUND', { id: run });
    return found;
  }
}

/** What nodes of an ended bridge were bringing. */
export async function sweepPartial(jobFolder: string): Promise<void> {
  for (const entry of await readdir(jobFolder, { recursive: true }).catch(() => []))
    if (entry.endsWith('.part')) await rm(join(jobFolder, entry), { force: true });
}

function parsed<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (!result.success)
    throw new AppError('MESSAGE_INVALID', { problem: result.error.issues[0]?.message ?? 'not valid' });
  return result.data;
}

function answer(response: ServerResponse, value: unknown): void {
  const text = JSON.stringify(value);
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) });
  response.end(text);
}

async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of request) {
    size += (piece as Buffer).length;
    if (size > limit) throw new AppError('MESSAGE_TOO_LARGE', { actual: size, limit });
    pieces.push(piece as Buffer);
  }
  return Buffer.concat(pieces);
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const text = (await readBody(request, largestMessageBytes)).toString('utf8');
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new AppError('MESSAGE_INVALID', { problem: (error as Error).message }, { cause: error });
  }
}
