import { createHash, randomFillSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { WebSocket } from 'ws';
import { decodeChunk, encodeChunk } from '#protocol/binary';
import {
  chunkBytes,
  creditChunks,
  protocolVersion,
  type Reply,
  type Request,
  type RequestOf,
  type ServerMessage,
} from '#protocol/messages';
import { openBridge, type Bridge, type BridgeOptions } from '../../bridge-server/src/server/bridge';
import { createBridgeCore, type BridgeCore, type CoreOptions } from '../../bridge-server/src/server/core';
import type { NetShelf } from '../../bridge-server/src/server/nets';
import { eventually, fakeWorker, makePlace } from './jobs';

export const noNets: NetShelf = {
  list: async () => [],
  importFile: async () => {
    throw new Error('this shelf takes nothing');
  },
  hashes: () => ({}),
};

export type Place = ReturnType<typeof makePlace>;

export type OpenBridge = { readonly bridge: Bridge; readonly core: BridgeCore; close(): Promise<void> };

/** A bridge with a fake worker, in this process. */
export async function openTestBridge(
  place: Place,
  changes: Partial<BridgeOptions> & { readonly core?: never } = {},
  coreChanges: Partial<CoreOptions> = {},
): Promise<OpenBridge> {
  const workerEnv = { FAKE_WORKER_FAULTS: place.faults, FAKE_WORKER_DIARY: join(place.folder, 'diary') };
  const core = createBridgeCore({
    home: join(place.folder, 'home'),
    worker: fakeWorker,
    nets: noNets,
    adopt: true,
    engine: { workerEnv, progressMs: 0 },
    ...coreChanges,
  });
  const panel = join(place.folder, 'panel');
  mkdirSync(panel, { recursive: true });
  writeFileSync(join(panel, 'index.html'), '<!doctype html><title>panel</title>');
  writeFileSync(join(panel, 'main.js'), '"panel"');
  const bridge = await openBridge({ panel, painters: panel, workerEnv, ...changes, core });
  return {
    bridge,
    core,
    async close() {
      await bridge.close();
      await core.close();
    },
  };
}

/** A picture that counts as a clip of one frame, with noise so that it has about the size that is wanted. */
export async function makePicture(megabytes = 0.01, seed?: number): Promise<{ bytes: Buffer; sha256: string }> {
  const side = Math.max(32, Math.ceil(Math.sqrt((megabytes * 1e6) / 3)));
  const pixels = Buffer.alloc(side * side * 3);
  if (seed === undefined) randomFillSync(pixels);
  else for (let i = 0; i < pixels.length; i++) pixels[i] = (Math.imul(i + seed, 2654435761) >>> 13) & 255;
  const bytes = await sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
    .png({ compressionLevel: 1 })
    .toBuffer();
  return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}

type Fields<T extends Request['type']> = Omit<RequestOf<T>, 'id' | 'type'>;

/** A panel's side of the socket, as bare as can be, so that tests can also misbehave. */
export class TestClient {
  readonly messages: ServerMessage[] = [];
  readonly chunks: { transfer: number; offset: number; bytes: Uint8Array }[] = [];
  closed: { code: number; reason: string } | undefined;
  private nextId = 1;

  private constructor(readonly socket: WebSocket) {
    socket.on('message', (data, isBinary) => {
      if (isBinary) this.chunks.push(decodeChunk(new Uint8Array(data as Buffer))!);
      else this.messages.push(JSON.parse(String(data)) as ServerMessage);
    });
    socket.on('close', (code, reason) => (this.closed = { code, reason: String(reason) }));
    socket.on('error', () => undefined);
  }

  static async connect(bridge: Pick<Bridge, 'address' | 'token'>, greet = true): Promise<TestClient> {
    const socket = new WebSocket(`${bridge.address.replace(/^http/, 'ws')}/socket?token=${bridge.token}`);
    const client = new TestClient(socket);
    await new Promise((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    if (greet) await client.ask('hello', { version: protocolVersion, client: 'test' });
    return client;
  }

  send(text: unknown): void {
    this.socket.send(typeof text === 'string' ? text : JSON.stringify(text));
  }

  start<T extends Request['type']>(type: T, fields: Fields<T>): { id: number; reply: Promise<Reply<T>> } {
    const id = this.nextId++;
    this.send({ id, type, ...fields });
    const reply = eventually(() => {
      const message = this.messages.find(
        found => (found.type === 'reply' || found.type === 'error') && found.id === id,
      );
      if (!message && this.closed) throw new Error(`closed: ${this.closed.code} ${this.closed.reason}`);
      return message;
    }).then(message => {
      if (message.type === 'error') throw Object.assign(new Error(message.error.code), message.error);
      return (message as { value: Reply<T> }).value;
    });
    return { id, reply };
  }

  ask<T extends Request['type']>(type: T, fields: Fields<T>): Promise<Reply<T>> {
    return this.start(type, fields).reply;
  }

  received(transfer: number): number {
    return this.messages.reduce(
      (most, message) =>
        message.type === 'credit' && message.transfer === transfer ? Math.max(most, message.receivedBytes) : most,
      0,
    );
  }

  /** Sends bytes from `from` up to `until` under credit. */
  async sendBytes(transfer: number, bytes: Uint8Array, from: number, until = bytes.length): Promise<void> {
    for (let at = from; at < until;) {
      const end = Math.min(until, at + chunkBytes);
      const before = at;
      await eventually(() => before - Math.max(from, this.received(transfer)) <= (creditChunks - 1) * chunkBytes);
      this.socket.send(encodeChunk(transfer, at, bytes.subarray(at, end)));
      at = end;
    }
  }

  async upload(
    bytes: Uint8Array,
    sha256: string,
    kind: RequestOf<'upload-open'>['kind'] = 'clip',
    name = 'clip.png',
    pair: Pick<RequestOf<'upload-open'>, 'waits' | 'beside'> = {},
  ): Promise<Reply<'upload-close'>> {
    const opened = await this.ask('upload-open', { kind, sha256, sizeBytes: bytes.length, name, ...pair });
    if (opened.complete) return { sha256, clip: opened.clip };
    await this.sendBytes(opened.transfer, bytes, opened.offset);
    return this.ask('upload-close', { transfer: opened.transfer });
  }

  /** Fetches a result under credit, from `offset`, at most `limit` bytes. */
  async download(
    job: string,
    offset = 0,
    limit = Infinity,
  ): Promise<{ bytes: Buffer; sha256: string; sizeBytes: number }> {
    const opened = await this.ask('download-open', { what: 'result', job, offset });
    const parts: Buffer[] = [];
    let received = offset;
    while (received < opened.sizeBytes && received - offset < limit) {
      const chunk = await eventually(() =>
        this.chunks.find(found => found.transfer === opened.transfer && found.offset === received),
      );
      parts.push(Buffer.from(chunk.bytes));
      received += chunk.bytes.length;
      await this.ask('download-credit', { transfer: opened.transfer, receivedBytes: received });
    }
    return { bytes: Buffer.concat(parts), sha256: opened.sha256, sizeBytes: opened.sizeBytes };
  }

  close(): void {
    this.socket.terminate();
  }
}
