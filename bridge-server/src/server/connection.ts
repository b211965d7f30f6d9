import { randomUUID } from 'node:crypto';
import type { RawData, WebSocket } from 'ws';
import { decodeChunk, encodeChunk } from '#protocol/binary';
import { AppError, toAppError } from '#protocol/errors';
import { maxMessageBytes, requestSchema, type Request, type ServerMessage } from '#protocol/messages';
import type { Download } from './downloads';
import { createBucket, type Limits } from './limits';
import type { Upload } from './uploads';

/** Why a connection is closed; 4000 and up are the application's (RFC 6455). */
export const closeCodes = { flood: 4408, notUnderstood: 4400, version: 4426, slow: 4429, goingAway: 1001 } as const;

export type Handle = (connection: Connection, request: Request) => Promise<unknown>;

export type ConnectionOptions = {
  readonly limits: Limits;
  readonly handle: Handle;
  /** A chunk of an upload of this connection. */
  readonly onChunk: (upload: Upload, offset: number, bytes: Uint8Array) => void;
  readonly onClose: (connection: Connection) => void;
  readonly log: (line: string) => void;
};

/** One panel's socket: what comes is bounded and parsed here, what goes is bounded here. */
export class Connection {
  /** Set by "hello"; nothing else is answered before. */
  greeted = false;
  client = '';
  /** Tells its jobs from those of others. */
  readonly id = randomUUID();
  /** Once it watches: the last event sent of each job, so that none is sent twice or out of order. */
  watching: Map<string, number> | undefined;
  readonly uploads = new Map<number, Upload>();
  readonly downloads = new Map<number, Download>();
  /** What is being made for its panel, by the request's id: the way to stop it. */
  readonly stills = new Map<number, () => void>();
  readonly atlases = new Map<number, () => void>();
  /** False from a ping to the sign of life after it. */
  alive = true;
  private underWay = 0;
  private bad = 0;
  private nextTransfer = 1;
  private readonly bucket;

  constructor(
    private readonly socket: WebSocket,
    private readonly options: ConnectionOptions,
  ) {
    const { limits } = options;
    this.bucket = createBucket(limits.messagesPerSecond, limits.messageBurst);
    socket.on('message', (data, isBinary) => {
      this.alive = true;
      if (isBinary) this.takeChunk(toBytes(data));
      else this.takeText(toBytes(data));
    });
    socket.on('pong', () => (this.alive = true));
    // ws reports frames that are too large or broken here and then closes by itself.
    socket.on('error', error => options.log(`connection ${this.client || '(no name)'}: ${error.message}`));
    socket.on('close', () => options.onClose(this));
  }

  get isOpen(): boolean {
    return this.socket.readyState === this.socket.OPEN;
  }

  newTransfer(): number {
    return this.nextTransfer++;
  }

  /** @param canBeMissed progress and the like: left out for a client that does not keep up */
  send(message: ServerMessage, canBeMissed = false): void {
    const { socket, options } = this;
    if (socket.readyState !== socket.OPEN) return;
    if (canBeMissed && socket.bufferedAmount > options.limits.lazyBytes) return;
    if (socket.bufferedAmount > options.limits.deadBytes) {
      options.log(`connection ${this.client}: does not read; closed. It is told what it missed when it comes back.`);
      socket.terminate();
      return;
    }
    socket.send(JSON.stringify(message));
  }

  sendChunk(transfer: number, offset: number, bytes: Uint8Array): void {
    if (this.socket.readyState === this.socket.OPEN) this.socket.send(encodeChunk(transfer, offset, bytes));
  }

  close(code: number, reason: string): void {
    this.socket.close(code, reason);
    // A peer that does not answer the closing is not waited for.
    setTimeout(() => this.socket.terminate(), 2000).unref();
  }

  terminate(): void {
    this.socket.terminate();
  }

  ping(): void {
    this.alive = false;
    if (this.socket.readyState === this.socket.OPEN) this.socket.ping();
  }

  private refuse(error: AppError, id?: number): void {
    this.send({ type: 'error', ...(id === undefined ? {} : { id }), error: error.toJSON() });
  }

  private complain(error: AppError, id?: number): void {
    this.refuse(error, id);
    if (++this.bad >= this.options.limits.badMessages)
      this.close(closeCodes.notUnderstood, 'too many messages that are not understood');
  }

  private pays(cost: number): boolean {
    if (this.bucket.take(cost)) return true;
    this.refuse(new AppError('TOO_MANY', { what: 'messages', limit: this.options.limits.messageBurst }));
    this.close(closeCodes.flood, 'too many messages');
    return false;
  }

  private takeText(bytes: Uint8Array): void {
    if (this.socket.readyState !== this.socket.OPEN) return;
    if (bytes.length > maxMessageBytes) {
      this.complain(new AppError('MESSAGE_TOO_LARGE', { actual: bytes.length, limit: maxMessageBytes }));
      return;
    }
    let json: unknown;
    try {
      json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    } catch {
      if (this.pays(1)) this.complain(new AppError('MESSAGE_INVALID', { problem: 'it is not JSON' }));
      return;
    }
    const parsed = requestSchema.safeParse(json);
    // Credit comes once a chunk: a fast disk gives hundreds a second.
    if (!this.pays(parsed.success && parsed.data.type === 'download-credit' ? 0.1 : 1)) return;
    const id = idOf(json);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      this.complain(
        new AppError('MESSAGE_INVALID', {
          problem: `${issue?.path.join('.') || 'message'}: ${issue?.message ?? 'not valid'}`.slice(0, 500),
        }),
        id,
      );
      return;
    }
    const request = parsed.data;
    if (!this.greeted && request.type !== 'hello') {
      this.complain(new AppError('MESSAGE_INVALID', { problem: '"hello" comes first' }), id);
      return;
    }
    if (this.underWay >= this.options.limits.requestsUnderWay) {
      this.refuse(
        new AppError('TOO_MANY', { what: 'requests', limit: this.options.limits.requestsUnderWay }),
        request.id,
      );
      return;
    }
    void this.answer(request);
  }

  private async answer(request: Request): Promise<void> {
    this.underWay++;
    try {
      this.send({ type: 'reply', id: request.id, value: await this.options.handle(this, request) });
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code === 'INTERNAL')
        this.options.log(`${request.type}: ${error.cause instanceof Error ? error.cause.stack : error.message}`);
      this.refuse(error, request.id);
    } finally {
      this.underWay--;
    }
  }

  private takeChunk(frame: Uint8Array): void {
    if (this.socket.readyState !== this.socket.OPEN) return;
    const chunk = decodeChunk(frame);
    const upload = chunk && this.uploads.get(chunk.transfer);
    if (!chunk || !upload) {
      // Chunks of an upload that was just ended may still be on their way; a flood of them may not.
      if (this.pays(1) && (!chunk || !this.greeted))
        this.complain(new AppError('MESSAGE_INVALID', { problem: 'bytes that belong to nothing' }));
      return;
    }
    if (chunk.bytes.length === 0 && !this.pays(1)) return;
    try {
      this.options.onChunk(upload, chunk.offset, chunk.bytes);
    } catch (thrown) {
      this.complain(toAppError(thrown));
    }
  }
}

function toBytes(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}

function idOf(json: unknown): number | undefined {
  const id = (json as { id?: unknown } | null)?.id;
  return typeof id === 'number' && Number.isSafeInteger(id) && id > 0 ? id : undefined;
}
