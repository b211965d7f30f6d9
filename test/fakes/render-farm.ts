import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { BullmqEngine, type BullmqEngineOptions } from '../../bridge-server/src/jobs/bullmq-engine';
import { createMachineStore } from '../../bridge-server/src/jobs/machine-store';
import { startRenderNode, type NodeOptions, type RenderNode } from '../../bridge-server/src/jobs/redis/render-node';
import { fakeWorker, makePlace } from './jobs';

export type Farm = {
  readonly place: ReturnType<typeof makePlace>;
  readonly engine: BullmqEngine;
  readonly address: string;
  readonly nodes: RenderNode[];
  join(changes?: Partial<NodeOptions>): Promise<RenderNode>;
  /** Ends the bridge's engine and starts another one on the same folder. */
  restart(): Promise<BullmqEngine>;
  close(): Promise<void>;
};

/** A bridge's engine with its depot on a port of its own, and render nodes in this process with workers that compute nothing. */
export async function openFarm(
  redis: string,
  count: number,
  changes: Partial<BullmqEngineOptions> = {},
): Promise<Farm> {
  const place = makePlace();
  const nodes: RenderNode[] = [];
  const env = { FAKE_WORKER_FAULTS: place.faults, FAKE_WORKER_DIARY: join(place.folder, 'diary') };
  let engine: BullmqEngine;
  const server: Server = createServer((request, response) => void engine.crew.handle(request, response));
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const open = () => {
    engine = new BullmqEngine({
      redis,
      bridge: 'test-bridge',
      jobs: join(place.folder, 'jobs'),
      folders: {
        clips: join(place.folder, 'clips'),
        images: join(place.folder, 'images'),
        nets: join(place.folder, 'nets'),
      },
      worker: fakeWorker,
      workerEnv: env,
      machine: createMachineStore(join(place.folder, 'machine.json')),
      version: 'test',
      progressMs: 0,
      adopt: true,
      ...changes,
    });
    engine.crew.announce(address);
    return engine;
  };
  open();
  const join_ = async (own: Partial<NodeOptions> = {}) => {
    const name = own.name ?? `node-${nodes.length + 1}`;
    const node = await startRenderNode({
      redis,
      folder: join(place.folder, name),
      worker: fakeWorker,
      workerEnv: env,
      name,
      version: 'test',
      mirrorMs: 100,
      lockMs: 2000,
      ...own,
    });
    nodes.push(node);
    return node;
  };
  for (let index = 0; index < count; index++) await join_();
  return {
    place,
    address,
    get engine() {
      return engine;
    },
    nodes,
    join: join_,
    async restart() {
      await engine.close();
      return open();
    },
    async close() {
      for (const node of nodes) await node.close();
      await engine.close();
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
      place.remove();
    },
  };
}
