import { rmSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { binaryHeaderBytes } from '#protocol/binary';
import { AppError, errors, toAppError } from '#protocol/errors';
import { httpPaths } from '#protocol/http';
import type { JobEvent } from '#protocol/job';
import { chunkBytes, heartbeatMs, type ServerMessage } from '#protocol/messages';
import { writeFileSynced } from '../jobs/journal';
import { identityOf } from '../jobs/process-identity';
import { providerEnvironment } from '../runtime/provider-libraries';
import { createAccess, socketProtocolPrefix, type Access } from './access';
import { closeCodes, Connection } from './connection';
import type { BridgeCore } from './core';
import { FramePictures } from './frame-pictures';
import { Glimpses } from './glimpses';
import { defaultLimits, type Limits } from './limits';
import { PictureCache } from './picture-cache';
import { handleRequest, type RequestContext } from './requests';
import { createRoutes } from './routes';
import { SideDesk } from './side-desk';
import { TriggerDesk } from './trigger-desk';
import { UploadDesk } from './uploads';
import { sendEvent } from './watch';

export type BridgeOptions = {
  readonly core: BridgeCore;
  readonly host?: string;
  /** 0 takes any free port. */
  readonly port?: number;
  /** PEM; wanted for any address off the loopback. */
  readonly tls?: { readonly cert: string | Buffer; readonly key: string | Buffer };
  /** Further names under which this bridge is reached ("render.studio.example"); with a port when a proxy has another one. */
  readonly publicHosts?: readonly string[];
  /** Further page origins that may connect with the token. */
  readonly origins?: readonly string[];
  /** How render nodes reach this bridge; its first public host, or the address that it listens on, when absent. */
  readonly nodeAddress?: string;
  readonly token?: string;
  readonly panel: string;
  readonly painters: string;
  readonly limits?: Partial<Limits>;
  readonly allowedFolders?: readonly string[];
  readonly workerEnv?: Readonly<Record<string, string>>;
  readonly heartbeatMs?: number;
  readonly log?: (line: string) => void;
};

export type Bridge = {
  /** "http://127.0.0.1:4711", without the token. */
  readonly address: string;
  readonly token: string;
  /** The address that opens the panel. */
  readonly url: string;
  readonly port: number;
  readonly connections: () => number;
  close(): Promise<void>;
};

const loopback = /^(127(\.\d{1,3}){3}|::1|localhost)$/i;

/** @throws AppError USAGE for a plain bridge off the loopback, or a port that is taken */
export async function openBridge(options: BridgeOptions): Promise<Bridge> {
  const { core, host = '127.0.0.1', tls, log = () => undefined } = options;
  const limits: Limits = { ...defaultLimits, ...options.limits };
  const isLocal = loopback.test(host);
  if (!isLocal && !tls)
    throw new AppError('USAGE', {
      problem: `Off the loopback (${host}) the bridge wants TLS: give a certificate and its key.`,
    });

  const side = new SideDesk({
    worker: core.worker,
    workerEnv: { ...providerEnvironment('auto'), ...options.workerEnv },
    folder: join(core.home.temporary, String(process.pid)),
    onReady: ready => core.machine.sawProvider(ready.provider, ready.refused),
  });
  const uploads = new UploadDesk(core.home.uploads, limits);
  await uploads.sweep();
  const connections = new Set<Connection>();
  const tellPanels = (message: ServerMessage): void => {
    for (const connection of connections) if (connection.greeted) connection.send(message);
  };
  const triggers = new TriggerDesk();
  const cache = new PictureCache();
  const glimpses = new Glimpses(cache);

  const server: Server = tls
    ? createTlsServer({ cert: tls.cert, key: tls.key, minVersion: 'TLSv1.2' })
    : createHttpServer();
  server.maxConnections = limits.connections * 4;
  server.headersTimeout = 10_000;
  server.requestTimeout = 60_000;
  await listen(server, options.port ?? 0, host);
  const { port } = server.address() as AddressInfo;
  const name = host.includes(':') ? `[${host}]` : host;
  const address = `${tls ? 'https' : 'http'}://${name}:${port}`;
  const hosts = [
    `${name}:${port}`,
    ...(isLocal ? [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`] : []),
    ...(options.publicHosts ?? []).flatMap(other => (/:\d+$/.test(other) ? [other] : [other, `${other}:${port}`])),
  ];
  const [publicHost] = options.publicHosts ?? [];
  core.depot?.announce(
    options.nodeAddress ??
      (publicHost
        ? `${tls ? 'https' : 'http'}://${/:\d+$/.test(publicHost) ? publicHost : `${publicHost}:${port}`}`
        : address),
  );
  const access = createAccess({
    hosts,
    origins: options.origins,
    port,
    secure: tls !== undefined,
    token: options.token,
  });

  const context: RequestContext = {
    core,
    limits,
    side,
    uploads,
    glimpses,
    triggers,
    tellPanels,
    async tellJob(id) {
      const [job] = await core.engine.list({ id });
      if (!job) return;
      for (const connection of connections) {
        if (!connection.watching || connection.watching.has(id)) continue;
        await introduce(core, connection, id);
      }
    },
    // A path means something only where panel and bridge see the same disk.
    allowedFolders: isLocal ? (options.allowedFolders ?? []) : undefined,
    log,
  };

  server.on(
    'request',
    createRoutes({
      core,
      access,
      side,
      pictures: new FramePictures(cache),
      glimpses,
      triggers,
      panel: options.panel,
      painters: options.painters,
      log,
    }),
  );
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: chunkBytes + binaryHeaderBytes,
    perMessageDeflate: false,
    // A browser wants one of the protocols that it offered back.
    handleProtocols: offered => [...offered].find(protocol => protocol.startsWith(socketProtocolPrefix)) ?? false,
  });
  server.on('upgrade', (request, socket, head) => {
    // A client that goes away in mid-handshake is no event.
    socket.on('error', () => socket.destroy());
    try {
      admit(request, access, connections.size, limits);
    } catch (thrown) {
      refuseUpgrade(socket, toAppError(thrown));
      return;
    }
    sockets.handleUpgrade(request, socket, head, webSocket => {
      const connection = new Connection(webSocket, {
        limits,
        log,
        handle: (from, message) => handleRequest(message, from, context),
        onChunk: (upload, offset, bytes) => uploads.write(upload, offset, bytes),
        onClose(closed) {
          connections.delete(closed);
          triggers.forget(closed);
          for (const upload of closed.uploads.values()) void uploads.abort(upload);
          for (const download of closed.downloads.values()) void download.close();
          for (const stop of [...closed.stills.values(), ...closed.atlases.values()]) stop();
        },
      });
      connections.add(connection);
      // One that never says hello is not kept.
      setTimeout(() => !connection.greeted && connection.close(closeCodes.notUnderstood, 'no hello'), 10_000).unref();
    });
  });

  const stopWatching = core.engine.watch((event: JobEvent) => {
    for (const connection of connections) {
      if (!connection.watching) continue;
      if (connection.watching.has(event.job)) sendEvent(connection, event);
      else void introduce(core, connection, event.job).catch(error => log(String(error)));
    }
  });
  const heartbeat = setInterval(() => {
    for (const connection of connections) {
      if (connection.alive) connection.ping();
      else connection.terminate();
    }
  }, options.heartbeatMs ?? heartbeatMs);
  heartbeat.unref();

  writeFileSynced(
    core.home.bridgeFile,
    `${JSON.stringify({ address, token: access.token, version: core.version, ...identityOf(process.pid) })}\n`,
  );
  return {
    address,
    token: access.token,
    url: `${address}/?token=${access.token}`,
    port,
    connections: () => connections.size,
    async close() {
      clearInterval(heartbeat);
      stopWatching();
      rmSync(core.home.bridgeFile, { force: true });
      for (const connection of connections) connection.close(closeCodes.goingAway, 'the bridge ends');
      await new Promise<void>(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
        setTimeout(() => {
          for (const connection of connections) connection.terminate();
        }, 200).unref();
      });
      sockets.close();
      await uploads.end();
      await side.close();
    },
  };
}

/** A job that a watching client has not heard of: as it is now, and its events from here on. */
async function introduce(core: BridgeCore, connection: Connection, id: string): Promise<void> {
  const [job] = await core.engine.list({ id });
  if (!job || !connection.watching || connection.watching.has(id)) return;
  connection.watching.set(id, core.engine.lastSeq(id));
  connection.send({ type: 'job', job });
}

/** @throws AppError FILE_NOT_FOUND, ORIGIN_REFUSED, UNAUTHORISED, TOO_MANY */
function admit(request: IncomingMessage, access: Access, count: number, limits: Limits): void {
  if ((request.url ?? '').split('?')[0] !== httpPaths.socket)
    throw new AppError('FILE_NOT_FOUND', { path: 'this address' });
  access.check(request);
  if (count >= limits.connections) throw new AppError('TOO_MANY', { what: 'connections', limit: limits.connections });
}

function refuseUpgrade(socket: Duplex, error: AppError): void {
  const status = errors[error.code].http;
  socket.end(`HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const problem =
        error.code === 'EADDRINUSE'
          ? `Port ${port} is taken by another program.`
          : `The bridge cannot listen on ${host}:${port} (${error.code ?? error.message}).`;
      reject(new AppError('USAGE', { problem }, { cause: error }));
    });
    server.listen(port, host, () => resolve());
  });
}
