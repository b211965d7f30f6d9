import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { DelayedError, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { AppError } from '#protocol/errors';
import type { WorkerEvent } from '../task';
import { WorkerSlot } from '../worker-slot';
import { DepotClient } from './depot-client';
import {
  bridgeRecordSchema,
  takenSchema,
  ticketSchema,
  type BridgeRecord,
  type NodeRecord,
  type Taken,
  type Ticket,
} from './node-messages';
import { NodeRun } from './node-run';
import { trimNodeFolders } from './node-folders';
import {
  bridgeKey,
  checkRedis,
  connectRedis,
  nodeKey,
  nodesKey,
  queueName,
  recordMs,
  signMs,
} from './redis-connection';
import { HashMemory } from './task-files';

export type NodeOptions = {
  readonly redis: string;
  /** Where clips, pictures, nets and unfinished tasks are kept; nothing there is needed when no task is under way. */
  readonly folder: string;
  /** The worker's program. */
  readonly worker: string;
  readonly workerEnv?: Readonly<Record<string, string>>;
  /** What the node computes on; what a job names does not change it. */
  readonly provider?: string;
  /** What reports call this machine. */
  readonly name?: string;
  readonly version: string;
  /** Certificates (PEM) of bridges, where these are not signed by a public authority. */
  readonly ca?: Buffer;
  readonly silenceMs?: number;
  readonly hungMs?: number;
  /** How often what a task has made so far is brought to the bridge. */
  readonly mirrorMs?: number;
  /** A node that renews its lock no more for this long is taken for dead, and another one goes on. */
  readonly lockMs?: number;
  /** Bytes of clips, pictures and tasks that are kept for later tasks. */
  readonly cacheBytes?: number;
  readonly log?: (line: string) => void;
};

/** A node that could not do what it drew leaves the next tickets to others for this long. */
const restMs = 5000;

export type RenderNode = {
  readonly name: string;
  readonly provider: string;
  /** Leaves: what is under way goes back to the queue with all that was made so far. */
  close(): Promise<void>;
};

/**
 * Joins the render nodes of the bridges on one Redis: takes one task at a time, fetches what it needs, does it in a
 * worker process and brings the result.
 * @throws AppError REDIS_UNREACHABLE, WORKER_CRASHED when no worker can be started
 */
export async function startRenderNode(options: NodeOptions): Promise<RenderNode> {
  const { redis: url, folder, version, name = hostname(), provider = 'auto', log = () => undefined } = options;
  await checkRedis(url);
  const folders = {
    clips: join(folder, 'clips'),
    images: join(folder, 'images'),
    nets: join(folder, 'nets'),
    jobs: join(folder, 'jobs'),
  };
  for (const path of Object.values(folders)) mkdirSync(path, { recursive: true, mode: 0o700 });

  let onEvent: (event: WorkerEvent) => void = () => undefined;
  let onLine: (line: string) => void = () => undefined;
  const slot = new WorkerSlot({
    program: options.worker,
    env: options.workerEnv,
    silenceMs: options.silenceMs ?? 60_000,
    hungMs: options.hungMs ?? 20 * 60_000,
    idleMs: 10 * 60_000,
    onEvent: event => onEvent(event),
    onLine: line => onLine(line),
  });
  const first = await slot.ready(provider, 'the messages of `reverie worker`').catch(async (error: unknown) => {
    await slot.close();
    throw error;
  });
  const record: NodeRecord = {
    name,
    pid: process.pid,
    provider: first.ready?.provider ?? provider,
    refused: [...(first.ready?.refused ?? [])],
    version,
  };

  const redis = connectRedis(url);
  const id = randomUUID();
  let trouble = '';
  const tellTrouble = (error: Error) => {
    if (error.message !== trouble) log(`Redis: ${error.message}`);
    trouble = error.message;
  };
  redis.on('error', tellTrouble);
  const sign = async () => {
    if (redis.status !== 'ready') return;
    await redis.multi().set(nodeKey(id), JSON.stringify(record), 'PX', recordMs).sadd(nodesKey, id).exec();
    trouble = '';
  };
  const memory = new HashMemory();
  let current: NodeRun | undefined;
  let closing = false;

  /** One task from the queue, whatever comes of it: how it ended is told to the bridge, not to Redis. */
  async function work(ticketId: string, ticket: Ticket): Promise<void> {
    const bridge = await findBridge(redis, ticket);
    if (!bridge || closing) return;
    const client = new DepotClient(bridge, options.ca);
    try {
      const taken = takenSchema.parse(await client.ask('take', { ticket: ticketId, node: record })) as Taken;
      if ('gone' in taken) return;
      const { job, task } = taken.order;
      log(`${task.kind} ${task.id.slice(0, 8)} of job ${job}: begun`);
      const run = new NodeRun({
        taken,
        client,
        folders: { ...folders, job: join(folders.jobs, job) },
        slot,
        provider,
        memory,
        mirrorMs: options.mirrorMs ?? 5000,
        isOver: async () => !(await findBridge(redis, ticket)),
        log,
      });
      onEvent = event => run.heed(event);
      onLine = line => run.print(line);
      current = run;
      log(`${task.kind} ${task.id.slice(0, 8)} of job ${job}: ${await run.ended}`);
    } finally {
      current = undefined;
      onEvent = () => undefined;
      onLine = () => undefined;
      client.close();
      await trimNodeFolders(folders, options.cacheBytes ?? 50e9);
    }
  }

  await sign();
  const queueRedis = connectRedis(url);
  queueRedis.on('error', tellTrouble);
  const worker = new Worker<Ticket>(
    queueName(version),
    async (job, token) => {
      try {
        await work(job.id!, ticketSchema.parse(job.data));
      } catch (error) {
        log(`a task was given back: ${(error as Error).message}`);
        // For another node: this one cannot reach that bridge, or not now.
        void worker.pause(true).then(() => setTimeout(() => closing || worker.resume(), restMs).unref());
        await job.moveToDelayed(Date.now() + 100, token);
        throw new DelayedError();
      }
    },
    {
      connection: queueRedis,
      concurrency: 1,
      lockDuration: options.lockMs ?? 30_000,
      stalledInterval: options.lockMs ?? 30_000,
      // Nodes may come and go as often as they like.
      maxStalledCount: 1_000_000,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
    },
  );
  worker.on('error', tellTrouble);
  const timer = setInterval(
    () => {
      void sign().catch(tellTrouble);
      slot.watch();
    },
    Math.min(1000, signMs),
  );

  return {
    name,
    provider: record.provider,
    async close() {
      closing = true;
      clearInterval(timer);
      await current?.leave();
      await slot.close();
      const tidy = async () => {
        await worker.close(redis.status !== 'ready');
        if (redis.status === 'ready') await redis.multi().del(nodeKey(id)).srem(nodesKey, id).exec();
      };
      await Promise.race([tidy().catch(tellTrouble), new Promise(resolve => setTimeout(resolve, 3000).unref())]);
      queueRedis.disconnect();
      redis.disconnect();
    },
  };
}

/** The bridge that a ticket is from, if it still runs. */
async function findBridge(redis: Redis, ticket: Ticket): Promise<BridgeRecord | undefined> {
  if (redis.status !== 'ready') throw new AppError('REDIS_UNREACHABLE', { address: 'Redis', problem: redis.status });
  const text = await redis.get(bridgeKey(ticket.bridge));
  const record = text ? bridgeRecordSchema.safeParse(JSON.parse(text)) : undefined;
  return record?.success && record.data.session === ticket.session ? record.data : undefined;
}
