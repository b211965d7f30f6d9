import { createHash } from 'node:crypto';
import { decodeChunk, encodeChunk } from '#protocol/binary';
import type { ErrorJson } from '#protocol/errors';
import { chunkBytes, creditChunks, requestSchema, type Request } from '#protocol/messages';
import type { OpenSocket, Socket, SocketEvents } from '../../extension/src/bridge/socket';

type Upload = { sha256: string; sizeBytes: number; bytes: Uint8Array; received: number };

/**
 * A small bridge at the other end of a socket: answers what the panel's client asks, keeps uploads by hash across
 * connections, counts what was sent beyond the credit, and can cut the line, refuse, stay silent or forget.
 */
export function createFakeBridge() {
  const uploads = new Map<string, Upload>();
  const transfers = new Map<
    number,
    { upload?: Upload; download?: { bytes: Uint8Array; sent: number; credit: number } }
  >();
  let nextTransfer = 1;
  let current: { events: SocketEvents; open: boolean } | undefined;
  const fake = {
    /** Requests as they came, `ping` left out. */
    requests: [] as Request[],
    /** Chunks as they came. */
    chunks: [] as { transfer: number; offset: number; length: number }[],
    connections: 0,
    /** Largest number of bytes that were under way without an acknowledgement. */
    mostUnderWay: 0,
    /** Cuts the line when this many chunks (of a connection) have come. */
    cutAfterChunks: Infinity,
    /** How many further connections are cut as well. */
    cuts: 0,
    /** Refuses to open. */
    down: false,
    closeCode: 1006,
    /** Takes everything and answers nothing. */
    silent: false,
    version: 1,
    /** Chunks are taken, but no credit is given. */
    withholdCredit: false,
    /** Answers instead of the usual ones, by request type. */
    answers: {} as Partial<Record<Request['type'], (request: Request) => unknown>>,
    failures: {} as Partial<Record<Request['type'], ErrorJson[]>>,
    result: new Uint8Array(0),
    /** Sends a download's first chunks twice. */
    repeatChunks: false,
    uploads,
    cut() {
      const old = current;
      current = undefined;
      transfers.clear();
      old?.events.onClose(1006);
    },
    send(message: object) {
      const to = current;
      queueMicrotask(() => to === current && to?.events.onText(JSON.stringify(message)));
    },
    sendChunk(transfer: number, offset: number, bytes: Uint8Array) {
      const to = current;
      queueMicrotask(() => to === current && to?.events.onBinary(encodeChunk(transfer, offset, bytes)));
    },
    open: ((events: SocketEvents): Socket => {
      fake.connections++;
      const mine = { events, open: false };
      current = mine;
      let chunksHere = 0;
      queueMicrotask(() => {
        if (fake.down) {
          if (current === mine) current = undefined;
          events.onClose(fake.closeCode);
        } else {
          mine.open = true;
          events.onOpen();
        }
      });
      return {
        send(data) {
          if (current !== mine || fake.silent) return;
          if (typeof data === 'string') receive(data);
          else {
            chunksHere++;
            takeChunk(data);
            if (chunksHere >= fake.cutAfterChunks && fake.cuts > 0) {
              fake.cuts--;
              fake.cut();
            }
          }
        },
        close() {
          if (current === mine) fake.cut();
        },
        bufferedBytes: () => 0,
      };
    }) as OpenSocket,
  };

  const reply = (id: number, value: unknown) => fake.send({ type: 'reply', id, value });

  function receive(text: string) {
    const request = requestSchema.parse(JSON.parse(text));
    if (request.type !== 'ping') fake.requests.push(request);
    const failure = fake.failures[request.type]?.shift();
    if (failure) return fake.send({ type: 'error', id: request.id, error: failure });
    const answer = fake.answers[request.type];
    if (answer) return reply(request.id, answer(request));
    switch (request.type) {
      case 'hello':
        return reply(request.id, { version: fake.version, bridge: 'fake', provider: 'cpu' });
      case 'upload-open': {
        const upload = uploads.get(request.sha256) ?? {
          sha256: request.sha256,
          sizeBytes: request.sizeBytes,
          bytes: new Uint8Array(request.sizeBytes),
          received: 0,
        };
        uploads.set(request.sha256, upload);
        const transfer = nextTransfer++;
        transfers.set(transfer, { upload });
        return reply(request.id, { transfer, offset: upload.received, complete: false });
      }
      case 'upload-close': {
        const upload = transfers.get(request.transfer)?.upload;
        const hash = upload && createHash('sha256').update(upload.bytes).digest('hex');
        if (hash === upload?.sha256) return reply(request.id, { sha256: hash });
        return fake.send({ type: 'error', id: request.id, error: { code: 'UPLOAD_HASH_WRONG', details: {} } });
      }
      case 'download-open': {
        const transfer = nextTransfer++;
        const download = { bytes: fake.result, sent: request.offset, credit: request.offset };
        transfers.set(transfer, { download });
        reply(request.id, {
          transfer,
          sizeBytes: fake.result.length,
          sha256: createHash('sha256').update(fake.result).digest('hex'),
          name: 'result.mov',
        });
        return pump(transfer, download);
      }
      case 'download-credit': {
        const download = transfers.get(request.transfer)?.download;
        if (download) {
          download.credit = request.receivedBytes;
          pump(request.transfer, download);
        }
        return reply(request.id, {});
      }
      default:
        return reply(request.id, {});
    }
  }

  function takeChunk(frame: Uint8Array) {
    const chunk = decodeChunk(frame);
    const upload = chunk && transfers.get(chunk.transfer)?.upload;
    if (!chunk || !upload) return;
    fake.chunks.push({ transfer: chunk.transfer, offset: chunk.offset, length: chunk.bytes.length });
    fake.mostUnderWay = Math.max(fake.mostUnderWay, chunk.offset + chunk.bytes.length - upload.received);
    upload.bytes.set(chunk.bytes, chunk.offset);
    const taken = chunk.offset + chunk.bytes.length;
    const { transfer } = chunk;
    // Written to disk a moment later; only then is it acknowledged, and only then does it survive a cut.
    setTimeout(() => {
      if (fake.withholdCredit || !transfers.has(transfer)) return;
      upload.received = Math.max(upload.received, taken);
      fake.send({ type: 'credit', transfer, receivedBytes: upload.received });
    }, 1);
  }

  function pump(transfer: number, download: { bytes: Uint8Array; sent: number; credit: number }) {
    while (download.sent < download.bytes.length && download.sent - download.credit < creditChunks * chunkBytes) {
      const piece = download.bytes.slice(download.sent, download.sent + chunkBytes);
      const frame = encodeChunk(transfer, download.sent, piece);
      const to = current;
      fake.mostUnderWay = Math.max(fake.mostUnderWay, download.sent + piece.length - download.credit);
      download.sent += piece.length;
      for (let times = fake.repeatChunks ? 2 : 1; times > 0; times--) {
        queueMicrotask(() => to === current && to?.events.onBinary(frame));
      }
    }
  }

  return fake;
}
export type FakeBridge = ReturnType<typeof createFakeBridge>;
