import { createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { AppError, errors, type ErrorJson } from '#protocol/errors';
import { depotPath, largestMessageBytes, pieceBytes, type BridgeRecord, type NeededFile } from './node-messages';
import { hashFile } from './task-files';

/** The bridge did not answer, or broke off: worth another attempt. What it refuses is an AppError. */
export class BridgeSilent extends Error {}

/** A bridge that says nothing for this long is taken for gone. */
const silenceMs = 20_000;

/** A render node's way to the depot of one bridge. */
export class DepotClient {
  private readonly agent: HttpAgent | HttpsAgent;

  /** @param ca further certificates (PEM) that are trusted for `https` */
  constructor(
    private readonly bridge: BridgeRecord,
    ca?: Buffer,
  ) {
    const secure = bridge.address.startsWith('https:');
    this.agent = secure
      ? new HttpsAgent({ keepAlive: true, ...(ca ? { ca } : {}) })
      : new HttpAgent({ keepAlive: true });
  }

  /** @throws AppError what the bridge refuses, BridgeSilent */
  async ask(what: 'take' | 'say' | 'keep' | 'end', body: unknown): Promise<unknown> {
    const response = await this.send('POST', `/${what}`, Buffer.from(JSON.stringify(body)));
    return JSON.parse((await readAll(response)).toString('utf8'));
  }

  /** Fetches a file to `target`, going on where an earlier attempt stopped. @throws AppError UPLOAD_HASH_WRONG, BridgeSilent */
  async fetch(run: string, file: NeededFile, target: string): Promise<void> {
    await mkdir(dirname(target), { recursive: true });
    const partial = `${target}.part`;
    let offset = (await stat(partial).catch(() => undefined))?.size ?? 0;
    if (offset > file.sizeBytes) offset = 0;
    const response = await this.send('GET', `/content/${run}/${file.sha256}?offset=${offset}`);
    await pipeline(response, createWriteStream(partial, { flags: offset === 0 ? 'w' : 'a' })).catch(
      (error: unknown) => {
        if ((error as NodeJS.ErrnoException).code === 'ENOSPC')
          throw new AppError(
            'DISK_FULL',
            { need: `${file.sizeBytes} bytes are`, path: dirname(target) },
            { cause: error },
          );
        throw new BridgeSilent((error as Error).message, { cause: error });
      },
    );
    if ((await hashFile(partial)) !== file.sha256) {
      await rm(partial, { force: true });
      throw new AppError('UPLOAD_HASH_WRONG');
    }
    await rename(partial, target);
  }

  /** Brings the file at `from` to the place `path` in the job's folder. @throws AppError, BridgeSilent */
  async bring(run: string, path: string, from: string, sha256: string): Promise<void> {
    const file = await open(from, 'r');
    try {
      const { size } = await file.stat();
      let offset = 0;
      do {
        const length = Math.min(pieceBytes, size - offset);
        const { buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, offset);
        const query = new URLSearchParams({ path, sha256, size: String(size), offset: String(offset) });
        const response = await this.send('PUT', `/content/${run}?${query.toString()}`, buffer);
        await readAll(response);
        offset += length;
      } while (offset < size);
    } finally {
      await file.close();
    }
  }

  close(): void {
    this.agent.destroy();
  }

  private async send(method: string, path: string, body?: Buffer): Promise<IncomingMessage> {
    const { address, token } = this.bridge;
    const ask = address.startsWith('https:') ? httpsRequest : httpRequest;
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = ask(`${address}${depotPath}${path}`, {
        method,
        agent: this.agent,
        timeout: silenceMs,
        headers: {
          Authorization: `Bearer ${token}`,
          ...(body ? { 'Content-Length': body.length, 'Content-Type': 'application/octet-stream' } : {}),
        },
      });
      request.on('response', resolve);
      request.on('timeout', () => request.destroy(new Error('it does not answer')));
      request.on('error', error => reject(new BridgeSilent(error.message, { cause: error })));
      request.end(body);
    });
    if (response.statusCode === 200) return response;
    throw toRefusal(await readAll(response), response.statusCode ?? 0);
  }
}

function toRefusal(bytes: Buffer, status: number): Error {
  try {
    const json = JSON.parse(bytes.toString('utf8')) as ErrorJson;
    if (json.code in errors) return AppError.from(json);
  } catch {
    // Not the depot's answer: a proxy's page, perhaps.
  }
  return new BridgeSilent(`it answered with status ${status}`);
}

async function readAll(response: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  try {
    for await (const piece of response) {
      size += (piece as Buffer).length;
      if (size > largestMessageBytes) throw new Error('its answer is too long');
      pieces.push(piece as Buffer);
    }
  } catch (error) {
    throw new BridgeSilent((error as Error).message, { cause: error });
  }
  return Buffer.concat(pieces);
}
