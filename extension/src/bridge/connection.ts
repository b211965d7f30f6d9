import { decodeChunk, encodeChunk } from '#protocol/binary';
import { AppError, type ErrorJson } from '#protocol/errors';
import {
  heartbeatMs,
  protocolVersion,
  replySchemas,
  serverMessageSchema,
  type Reply,
  type Request,
  type RequestOf,
  type ServerMessage,
} from '#protocol/messages';
import type { OpenSocket, Socket } from './socket';

export type ConnectionState =
  | { readonly status: 'connecting' }
  | { readonly status: 'open'; readonly bridge: string; readonly provider: string }
  /** Tried again by itself. */
  | { readonly status: 'lost'; readonly error: AppError }
  /** Trying again would not help: wrong token, other version. */
  | { readonly status: 'refused'; readonly error: AppError }
  | { readonly status: 'closed' };

export type Unsubscribe = () => void;
type Fields<T extends Request['type']> = Omit<RequestOf<T>, 'id' | 'type'>;
/** A request of which only some fields have defaults in the schema: what a caller must give. */
export type RequestFields<T extends Request['type']> = Fields<T>;

export interface Connection {
  state(): ConnectionState;
  onState(listener: (state: ConnectionState) => void): Unsubscribe;
  /** @throws AppError what the bridge answered, or CONNECTION_LOST */
  request<T extends Request['type']>(type: T, fields: RequestFields<T>): Promise<Reply<T>>;
  /** Like `request`, and tells the request's number, which later messages carry (`still`, `atlas-tile`). */
  start<T extends Request['type']>(
    type: T,
    fields: RequestFields<T>,
  ): { readonly id: number; readonly reply: Promise<Reply<T>> };
  sendChunk(transfer: number, offset: number, bytes: Uint8Array): void;
  bufferedBytes(): number;
  onMessage(listener: (message: ServerMessage) => void): Unsubscribe;
  onChunk(listener: (transfer: number, offset: number, bytes: Uint8Array) => void): Unsubscribe;
  /** Resolves when requests can be made. @throws AppError when refused or closed; CANCELLED by the signal */
  whenOpen(signal?: AbortSignal): Promise<void>;
  /** Tries now instead of after the pause. */
  retryNow(): void;
  close(): void;
}

export type ConnectionOptions = {
  readonly open: OpenSocket;
  /** Who this is, for the bridge's log. */
  readonly client: string;
  /** Asked when a socket closes before it opened: says whether a bridge is there and only the token is wrong. */
  readonly probe?: () => Promise<'absent' | 'unauthorised'>;
};

const firstPauseMs = 250;
const longestPauseMs = 5000;
/** Close codes of the bridge that no second try changes (RFC 6455 leaves 4000 and up to applications). */
const closeUnauthorised = 4401;
const closeOriginRefused = 4403;

function emitter<A extends unknown[]>() {
  const listeners = new Set<(...args: A) => void>();
  return {
    add(listener: (...args: A) => void): Unsubscribe {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    emit(...args: A) {
      for (const listener of [...listeners]) listener(...args);
    },
  };
}

/** One socket to the bridge, opened again whenever it is lost. Requests that were under way then fail with CONNECTION_LOST. */
export function createConnection({ open, client, probe }: ConnectionOptions): Connection {
  const states = emitter<[ConnectionState]>();
  const messages = emitter<[ServerMessage]>();
  const chunks = emitter<[number, number, Uint8Array]>();
  const pending = new Map<
    number,
    { type: Request['type']; resolve(value: unknown): void; reject(error: AppError): void }
  >();

  let state: ConnectionState = { status: 'connecting' };
  let socket: Socket | undefined;
  let nextId = 1;
  let pauseMs = firstPauseMs;
  let retryTimer: ReturnType<typeof setTimeout> | undefined;
  let heartbeat: ReturnType<typeof setInterval> | undefined;
  let heardSinceBeat = true;
  let refusals = 0;

  function setState(next: ConnectionState) {
    state = next;
    states.emit(next);
  }

  function post(message: Request) {
    if (!socket) throw new AppError('CONNECTION_LOST');
    socket.send(JSON.stringify(message));
  }

  function start<T extends Request['type']>(type: T, fields: RequestFields<T>) {
    const id = nextId++;
    const reply = new Promise<Reply<T>>((resolve, reject) => {
      if (state.status !== 'open' && type !== 'hello') {
        reject(state.status === 'refused' ? state.error : new AppError('CONNECTION_LOST'));
        return;
      }
      pending.set(id, { type, resolve: value => resolve(value as Reply<T>), reject });
      try {
        post({ ...fields, id, type } as unknown as Request);
      } catch (thrown) {
        pending.delete(id);
        reject(thrown instanceof AppError ? thrown : new AppError('CONNECTION_LOST', {}, { cause: thrown }));
      }
    });
    return { id, reply };
  }

  function settle(message: Extract<ServerMessage, { type: 'reply' | 'error' }>) {
    const request = message.id === undefined ? undefined : pending.get(message.id);
    if (!request || message.id === undefined) return;
    pending.delete(message.id);
    if (message.type === 'error') {
      request.reject(AppError.from(message.error as ErrorJson));
      return;
    }
    const parsed = replySchemas[request.type].safeParse(message.value);
    if (parsed.success) request.resolve(parsed.data);
    else
      request.reject(
        new AppError('MESSAGE_INVALID', { problem: `${request.type}: ${parsed.error.issues[0]?.message ?? ''}` }),
      );
  }

  function onText(text: string) {
    heardSinceBeat = true;
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      json = undefined;
    }
    const parsed = serverMessageSchema.safeParse(json);
    // A newer bridge of the same version may send kinds of messages that this panel does not know: they are not for it.
    if (!parsed.success) return;
    if (parsed.data.type === 'reply' || parsed.data.type === 'error') settle(parsed.data);
    messages.emit(parsed.data);
  }

  /** @param quietly nothing is said of it yet: the next try will tell */
  function drop(error: AppError, retry: boolean, quietly = false) {
    socket = undefined;
    clearInterval(heartbeat);
    for (const request of [...pending.values()])
      request.reject(error.code === 'BRIDGE_UNREACHABLE' ? new AppError('CONNECTION_LOST') : error);
    pending.clear();
    if (state.status === 'closed') return;
    if (!retry) {
      setState({ status: 'refused', error });
      return;
    }
    if (!quietly) setState({ status: 'lost', error });
    retryTimer = setTimeout(connect, pauseMs * (0.8 + 0.4 * Math.random()));
    pauseMs = Math.min(longestPauseMs, pauseMs * 2);
  }

  async function closedBeforeHello(code: number) {
    if (code === closeUnauthorised) return drop(new AppError('UNAUTHORISED'), false);
    if (code === closeOriginRefused)
      return drop(new AppError('ORIGIN_REFUSED', { origin: globalThis.location?.origin ?? '' }), false);
    const found = (await probe?.().catch(() => 'absent' as const)) ?? 'absent';
    refusals = found === 'unauthorised' ? refusals + 1 : 0;
    // Twice in a row: a bridge that came up between the socket's failure and the question is not a refusal.
    if (refusals >= 2) drop(new AppError('UNAUTHORISED'), false);
    else if (refusals === 1) drop(new AppError('BRIDGE_UNREACHABLE'), true, true);
    else drop(new AppError('BRIDGE_UNREACHABLE'), true);
  }

  function beat() {
    if (!heardSinceBeat) {
      // The other end is gone without a word (sleep, pulled cable): a socket may take minutes to notice.
      socket?.close();
      return;
    }
    heardSinceBeat = false;
    start('ping', {}).reply.catch(() => undefined);
  }

  async function greet() {
    const patience = setTimeout(() => socket?.close(), heartbeatMs);
    try {
      const hello = await start('hello', { version: protocolVersion, client }).reply;
      if (hello.version !== protocolVersion) {
        throw new AppError('VERSION_MISMATCH', { panel: protocolVersion, bridge: hello.version });
      }
      pauseMs = firstPauseMs;
      heardSinceBeat = true;
      clearInterval(heartbeat);
      heartbeat = setInterval(beat, heartbeatMs);
      setState({ status: 'open', bridge: hello.bridge, provider: hello.provider });
    } catch (thrown) {
      const error =
        thrown instanceof AppError ? thrown : new AppError('INTERNAL', { problem: String(thrown) }, { cause: thrown });
      if (error.code === 'CONNECTION_LOST') return;
      const old = socket;
      drop(error, false);
      old?.close();
    } finally {
      clearTimeout(patience);
    }
  }

  function connect() {
    clearTimeout(retryTimer);
    if (state.status === 'closed') return;
    if (state.status !== 'connecting') setState({ status: 'connecting' });
    let opened = false;
    const mine = open({
      onOpen() {
        opened = true;
        void greet();
      },
      onText: text => mine === socket && onText(text),
      onBinary(frame) {
        if (mine !== socket) return;
        heardSinceBeat = true;
        const chunk = decodeChunk(frame);
        if (chunk) chunks.emit(chunk.transfer, chunk.offset, chunk.bytes);
      },
      onClose(code) {
        if (mine !== socket) return;
        if (!opened) void closedBeforeHello(code);
        else if (code === closeUnauthorised || code === closeOriginRefused) void closedBeforeHello(code);
        else drop(new AppError('CONNECTION_LOST'), true);
      },
    });
    socket = mine;
  }

  connect();

  return {
    state: () => state,
    onState: states.add,
    onMessage: messages.add,
    onChunk: chunks.add,
    start,
    request: (type, fields) => start(type, fields).reply,
    sendChunk(transfer, offset, bytes) {
      if (!socket) throw new AppError('CONNECTION_LOST');
      socket.send(encodeChunk(transfer, offset, bytes));
    },
    bufferedBytes: () => socket?.bufferedBytes() ?? 0,
    whenOpen(signal) {
      return new Promise((resolve, reject) => {
        const finish = (act: () => void) => {
          stop();
          signal?.removeEventListener('abort', onAbort);
          act();
        };
        const look = (now: ConnectionState) => {
          if (now.status === 'open') finish(resolve);
          else if (now.status === 'refused') finish(() => reject(now.error));
          else if (now.status === 'closed') finish(() => reject(new AppError('CONNECTION_LOST')));
        };
        const onAbort = () => finish(() => reject(new AppError('CANCELLED')));
        const stop = states.add(look);
        signal?.addEventListener('abort', onAbort);
        if (signal?.aborted) onAbort();
        else look(state);
      });
    },
    retryNow() {
      if (state.status !== 'lost' && state.status !== 'refused') return;
      pauseMs = firstPauseMs;
      connect();
    },
    close() {
      clearTimeout(retryTimer);
      clearInterval(heartbeat);
      const old = socket;
      setState({ status: 'closed' });
      drop(new AppError('CONNECTION_LOST'), false);
      old?.close();
    },
  };
}
