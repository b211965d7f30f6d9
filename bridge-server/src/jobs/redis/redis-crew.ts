import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { AppError, toAppError } from '#protocol/errors';
import type { Crew, Errand, Work } from '../crew';
import type { LocalCrew } from '../local-crew';
import type { MachineStore } from '../machine-store';
import type { Outcome } from '../worker-slot';
import { Depot, sweepPartial, type DepotRun } from './depot';
import { nodeRecordSchema, type BridgeRecord, type NodeOutcome, type NodeRecord, type Ticket } from './node-messages';
import { bridgeKey, connectRedis, nodeKey, nodesKey, queueName, recordMs } from './redis-connection';
import { HashMemory } from './task-files';

export type RedisCrewOptions = {
  readonly redis: string;
  /** Name of this bridge among those that use the same Redis. */
  readonly bridge: string;
  readonly version: string;
  readonly machine: MachineStore;
  /** Joins segments where they lie: on the bridge's own machine. */
  readonly home: LocalCrew;
  readonly log?: (line: string) => void;
};

/** A task that is waiting in the queue or in the hands of a node. */
type Pending = {
  readonly errand: Errand;
  readonly settle: (outcome: Outcome) => void;
  ticket: string;
  run?: string;
  node?: string;
  lastSign: number;
};

/** A node that says nothing for this long is looked after: is its task still in the queue? */
const quietMs = 5000;

/** Render nodes on any machine: tasks go through a BullMQ queue, bytes through the depot. */
export class RedisCrew implements Crew {
  readonly depot: Depot;
  private readonly redis: Redis;
  private readonly queue: Queue<Ticket>;
  private readonly session = randomUUID();
  private readonly pending = new Set<Pending>();
  private readonly memory = new HashMemory();
  private nodes = new Map<string, NodeRecord>();
  private address: string | undefined;
  /** Nodes can find this bridge: a ticket before that would lead nowhere. */
  private isKnown = false;
  private looking = false;
  private closed = false;
  private lastTrouble = '';

  constructor(private readonly options: RedisCrewOptions) {
    this.redis = connectRedis(options.redis);
    this.queue = new Queue(queueName(options.version), { connection: this.redis });
    const trouble = (error: Error) => this.tellTrouble(error);
    this.redis.on('error', trouble);
    this.queue.on('error', trouble);
    this.redis.on('ready', () => {
      if (this.lastTrouble) options.log?.('Redis answers again.');
      this.lastTrouble = '';
      this.look();
    });
    this.depot = new Depot({
      take: (ticket, node, run) => this.take(ticket, node, run),
      find: run => this.find(run),
      newRun: () => randomUUID(),
      memory: this.memory,
    });
    this.look();
  }

  /** From now on nodes reach the depot at `address` ("https://render.studio.example:4711"). */
  announce(address: string): void {
    this.address = address;
    this.look();
  }

  handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    return this.depot.handle(request, response);
  }

  /** The nodes that are there now. */
  present(): NodeRecord[] {
    return [...this.nodes.values()];
  }

  get places(): number {
    // One task always waits, so that the first node that comes begins at once.
    return Math.max(1, this.nodes.size);
  }

  async meet(): Promise<void> {
    while (!this.options.machine.isKnown()) {
      if (this.closed) throw new AppError('CANCELLED');
      await new Promise(resolve => setTimeout(resolve, 50));
    }
  }

  begin(errand: Errand): Work {
    if (errand.order.task.kind === 'join') return this.options.home.begin(errand);
    let settle: Pending['settle'] = () => undefined;
    const outcome = new Promise<Outcome>(resolve => (settle = resolve));
    const pending: Pending = { errand, settle, ticket: '', lastSign: performance.now() };
    this.pending.add(pending);
    void sweepPartial(`${errand.order.folders.job}/tasks/${errand.order.task.id}`).then(() => this.enqueue(pending));
    const over = () => {
      this.pending.delete(pending);
      if (pending.run) this.depot.forget(pending.run);
      if (!this.closed && pending.ticket)
        void this.queue.remove(pending.ticket).catch(error => this.tellTrouble(error as Error));
    };
    return {
      ended: outcome.finally(over),
      // The node asks four times a second whether it should go on.
      stop: () => settle({ type: 'ended', problem: 'it was stopped' }),
    };
  }

  watch(): void {
    this.options.home.watch();
    this.look();
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const pending of this.pending) pending.settle({ type: 'ended', problem: 'the bridge ends' });
    await this.options.home.close();
    // A Redis that is away must not keep the bridge from ending.
    const tidy = async () => {
      if (this.redis.status !== 'ready') return;
      for (const { ticket } of this.pending) if (ticket) await this.queue.remove(ticket).catch(() => 0);
      await this.redis.del(bridgeKey(this.options.bridge));
      await this.queue.close();
    };
    await Promise.race([tidy().catch(() => undefined), new Promise(resolve => setTimeout(resolve, 1000).unref())]);
    this.redis.disconnect();
  }

  // The queue

  private enqueue(pending: Pending): void {
    // What was not put into the queue now, `lookAround` finds.
    if (this.closed || !this.pending.has(pending) || !this.isKnown) return;
    pending.ticket = randomUUID();
    pending.run = undefined;
    pending.lastSign = performance.now();
    const ticket: Ticket = { bridge: this.options.bridge, session: this.session };
    void this.queue
      .add('task', ticket, {
        jobId: pending.ticket,
        // BullMQ takes the smallest number first.
        priority: 10 - pending.errand.priority,
        removeOnComplete: true,
        removeOnFail: true,
      })
      .then(() => {
        if (!this.pending.has(pending)) return this.queue.remove(pending.ticket);
        return undefined;
      })
      .catch(error => this.tellTrouble(error as Error));
  }

  private take(ticket: string, node: NodeRecord, run: string): DepotRun | undefined {
    const pending = [...this.pending].find(one => one.ticket === ticket);
    if (!pending) return undefined;
    if (pending.run) {
      pending.errand.onLine(`The render node ${pending.node} is gone; ${node.name} goes on with what it had sent.`);
      this.depot.forget(pending.run);
    }
    this.options.machine.sawProvider(node.provider, node.refused);
    pending.run = run;
    pending.node = node.name;
    pending.lastSign = performance.now();
    try {
      pending.errand.onStart({ where: `${node.name}:${node.pid}`, host: node.name, provider: node.provider });
    } catch (error) {
      // The start could not be written down.
      pending.settle({ type: 'failed', error: toAppError(error).toJSON() });
      return undefined;
    }
    return this.runOf(pending);
  }

  private find(run: string): DepotRun | undefined {
    const pending = [...this.pending].find(one => one.run === run);
    return pending && this.runOf(pending);
  }

  private runOf(pending: Pending): DepotRun {
    return {
      order: pending.errand.order,
      onSay: (events, lines) => {
        pending.lastSign = performance.now();
        for (const line of lines) pending.errand.onLine(line);
        for (const event of events) pending.errand.onEvent(event);
      },
      onEnd: outcome => this.finish(pending, outcome),
    };
  }

  private finish(pending: Pending, outcome: NodeOutcome): void {
    if (outcome.type !== 'left') return pending.settle(outcome);
    pending.errand.onLine(`The render node ${pending.node} leaves; the next one goes on with what it had sent.`);
    this.enqueue(pending);
  }

  // Once a second

  /** Gives a sign, sees who is there, and looks after tasks that Redis or a node has lost. */
  private look(): void {
    if (this.looking || this.closed || this.redis.status !== 'ready') return;
    this.looking = true;
    void this.lookAround()
      .catch(error => this.tellTrouble(error as Error))
      .finally(() => (this.looking = false));
  }

  private async lookAround(): Promise<void> {
    const { bridge, machine } = this.options;
    if (this.address) {
      const record: BridgeRecord = { address: this.address, token: this.depot.token, session: this.session };
      await this.redis.set(bridgeKey(bridge), JSON.stringify(record), 'PX', recordMs);
      this.isKnown = true;
    }
    this.nodes = await readNodes(this.redis, this.options.version);
    const [first] = this.nodes.values();
    if (first) machine.sawProvider(first.provider, first.refused);
    for (const pending of this.pending) {
      if (!pending.ticket) this.enqueue(pending);
      if (performance.now() - pending.lastSign < quietMs) continue;
      pending.lastSign = performance.now();
      const state = await this.queue.getJobState(pending.ticket);
      // Redis came back empty, or a node gave the task up without a word.
      if (state === 'unknown' || state === 'completed' || state === 'failed') this.enqueue(pending);
    }
  }

  private tellTrouble(error: Error): void {
    if (this.closed || error.message === this.lastTrouble) return;
    this.lastTrouble = error.message;
    this.options.log?.(`Redis: ${error.message}`);
  }
}

/** Nodes of one version that gave a sign lately, by id. */
export async function readNodes(redis: Redis, version: string): Promise<Map<string, NodeRecord>> {
  const ids = await redis.smembers(nodesKey);
  const texts = ids.length === 0 ? [] : await redis.mget(ids.map(nodeKey));
  const nodes = new Map<string, NodeRecord>();
  for (const [index, id] of ids.entries()) {
    const text = texts[index];
    const record = text ? nodeRecordSchema.safeParse(JSON.parse(text)) : undefined;
    if (!record?.success) await redis.srem(nodesKey, id);
    else if (record.data.version === version) nodes.set(id, record.data);
  }
  return nodes;
}
