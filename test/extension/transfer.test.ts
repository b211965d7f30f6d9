import { createHash, randomBytes } from 'node:crypto';
import { chunkBytes, creditChunks } from '#protocol/messages';
import { fromBlob, hashSource, type ByteSource } from '../../extension/src/bridge/bytes';
import { createConnection, type Connection } from '../../extension/src/bridge/connection';
import { download } from '../../extension/src/bridge/download';
import { nextPiece, upload, type UploadProgress } from '../../extension/src/bridge/upload';
import { netName } from '../../extension/src/app/net-name';
import { createFakeBridge, type FakeBridge } from '../fakes/bridge-socket';

let connection: Connection;
const connect = (bridge: FakeBridge) => (connection = createConnection({ open: bridge.open, client: 'test' }));
afterEach(() => connection?.close());

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
function makeFile(sizeBytes: number): { bytes: Uint8Array; source: ByteSource; reads: number[] } {
  const bytes = new Uint8Array(randomBytes(sizeBytes));
  const reads: number[] = [];
  return {
    bytes,
    reads,
    source: {
      name: 'shot.mov',
      sizeBytes,
      async read(offset, length) {
        reads.push(length);
        return bytes.slice(offset, offset + length);
      },
    },
  };
}
function makeSink() {
  const parts: Uint8Array[] = [];
  return {
    parts,
    write: async (bytes: Uint8Array) => void parts.push(bytes.slice()),
    bytes: () => Buffer.concat(parts),
  };
}
/** Jest's own comparison walks megabytes one by one. */
const same = (a: Uint8Array | undefined, b: Uint8Array) => a !== undefined && Buffer.compare(a, b) === 0;
const tenAndAHalf = 10 * chunkBytes + 12_345;

test.each([0, 1, 55, 56, 63, 64, 65, 4 * 1024 * 1024, 4 * 1024 * 1024 + 1])(
  'hashing %i bytes piece by piece gives their SHA-256',
  async size => {
    const { bytes, source } = makeFile(size);
    expect(await hashSource(source)).toBe(sha256(bytes));
  },
);

test("a browser's file is read in pieces and hashed alike", async () => {
  const bytes = new Uint8Array(randomBytes(100_000));
  const source = fromBlob(new Blob([bytes.buffer.slice(0)]), 'a.mov');
  expect(source.sizeBytes).toBe(100_000);
  expect(await hashSource(source)).toBe(sha256(bytes));
  expect(Buffer.from(await source.read(99_990, 10))).toEqual(Buffer.from(bytes.slice(99_990)));
});

test('a file arrives whole, in pieces, never beyond the credit and never whole in memory', async () => {
  const bridge = createFakeBridge();
  const { bytes, source, reads } = makeFile(tenAndAHalf);
  const phases: UploadProgress[] = [];
  const sent = await upload(connect(bridge), source, 'clip', { onProgress: progress => phases.push(progress) });
  expect(sent.sha256).toBe(sha256(bytes));
  expect(same(bridge.uploads.get(sent.sha256)?.bytes, bytes)).toBe(true);
  expect(bridge.chunks.every(chunk => chunk.length <= chunkBytes)).toBe(true);
  expect(bridge.mostUnderWay).toBeLessThanOrEqual(creditChunks * chunkBytes);
  expect(Math.max(...reads)).toBeLessThanOrEqual(4 * 1024 * 1024);
  expect([...new Set(phases.map(each => each.phase))]).toEqual(['hashing', 'sending', 'checking']);
  const sending = phases.filter(each => each.phase === 'sending').map(each => each.doneBytes);
  expect(sending).toEqual([...sending].sort((a, b) => a - b));
  expect(sending[sending.length - 1]).toBeGreaterThan(0);
});

test('an upload that is cut twice goes on where the bridge says it stopped', async () => {
  const bridge = createFakeBridge();
  bridge.cutAfterChunks = 9;
  bridge.cuts = 2;
  const { bytes, source } = makeFile(24 * chunkBytes + 5);
  const sent = await upload(connect(bridge), source, 'clip');
  expect(same(bridge.uploads.get(sent.sha256)?.bytes, bytes)).toBe(true);
  expect(bridge.connections).toBe(3);
  const opens = bridge.requests.filter(request => request.type === 'upload-open');
  expect(opens).toHaveLength(3);
  // What was acknowledged before a cut is not sent again: all chunks together repeat at most one window per cut.
  const all = bridge.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  expect(all).toBeGreaterThanOrEqual(bytes.length);
  expect(all).toBeLessThanOrEqual(bytes.length + 2 * creditChunks * chunkBytes);
  const firstAfterCut = bridge.chunks.find(
    chunk => chunk.transfer === bridge.chunks[bridge.chunks.length - 1].transfer,
  );
  expect(firstAfterCut?.offset).toBeGreaterThan(0);
});

test('what the bridge already has is not sent', async () => {
  const bridge = createFakeBridge();
  const { source, bytes } = makeFile(3 * chunkBytes);
  bridge.answers['upload-open'] = () => ({ transfer: 7, offset: 0, complete: true });
  const sent = await upload(connect(bridge), source, 'image');
  expect(sent.sha256).toBe(sha256(bytes));
  expect(bridge.chunks).toEqual([]);
});

test('a bridge that forgot the upload is asked anew; one that finds it damaged is believed', async () => {
  const bridge = createFakeBridge();
  const { source } = makeFile(chunkBytes);
  bridge.failures['upload-close'] = [{ code: 'UPLOAD_UNKNOWN', details: {} }];
  await upload(connect(bridge), source, 'clip');
  expect(bridge.requests.filter(request => request.type === 'upload-open')).toHaveLength(2);
  bridge.failures['upload-close'] = [{ code: 'UPLOAD_HASH_WRONG', details: {} }];
  await expect(upload(connection, makeFile(chunkBytes).source, 'clip')).rejects.toMatchObject({
    code: 'UPLOAD_HASH_WRONG',
  });
});

test('what the bridge says of the file reaches the caller', async () => {
  const bridge = createFakeBridge();
  bridge.failures['upload-close'] = [{ code: 'NOT_MEDIA', details: { path: 'notes.mp4' } }];
  await expect(upload(connect(bridge), makeFile(100).source, 'clip')).rejects.toMatchObject({
    code: 'NOT_MEDIA',
    details: { path: 'notes.mp4' },
  });
});

test('an upload that a person stops is aborted at the bridge', async () => {
  const bridge = createFakeBridge();
  bridge.withholdCredit = true;
  const stop = new AbortController();
  const sending = upload(connect(bridge), makeFile(20 * chunkBytes).source, 'clip', {
    signal: stop.signal,
    onProgress: ({ phase }) => phase === 'sending' && setTimeout(() => stop.abort(), 20),
  });
  await expect(sending).rejects.toMatchObject({ code: 'CANCELLED' });
  await new Promise(resolve => setTimeout(resolve, 5));
  expect(bridge.chunks).toHaveLength(creditChunks);
  expect(bridge.requests.some(request => request.type === 'upload-abort')).toBe(true);
});

test('a file that shrinks while it is read is not sent as if it were whole', async () => {
  const bridge = createFakeBridge();
  const { source, bytes } = makeFile(2 * chunkBytes);
  let sending = false;
  const shrinking: ByteSource = {
    ...source,
    async read(offset, length) {
      return sending ? bytes.slice(offset, offset + length - 1) : source.read(offset, length);
    },
  };
  const result = upload(connect(bridge), shrinking, 'clip', {
    onProgress: ({ phase }) => (sending ||= phase === 'sending'),
  });
  await expect(result).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
});

test('an empty file is refused before anything is asked', async () => {
  const bridge = createFakeBridge();
  await expect(upload(connect(bridge), makeFile(0).source, 'clip')).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
  expect(bridge.requests.filter(request => request.type === 'upload-open')).toEqual([]);
});

test('the next piece keeps to chunk, file end and credit', () => {
  const window = creditChunks * chunkBytes;
  expect(nextPiece(0, 0, 10)).toEqual({ offset: 0, length: 10 });
  expect(nextPiece(0, 0, 5 * chunkBytes)).toEqual({ offset: 0, length: chunkBytes });
  expect(nextPiece(window, 0, 2 * window)).toBeUndefined();
  expect(nextPiece(window, 100, 2 * window)).toEqual({ offset: window, length: 100 });
  expect(nextPiece(7, 7, 7)).toBeUndefined();
});

test('a result comes whole over the socket, also when chunks are repeated', async () => {
  const bridge = createFakeBridge();
  bridge.result = new Uint8Array(randomBytes(tenAndAHalf));
  bridge.repeatChunks = true;
  const sink = makeSink();
  const got = await download(connect(bridge), 'result', '20261122-101500-0a0b0c0d', sink);
  expect(got).toMatchObject({ name: 'result.mov', sizeBytes: tenAndAHalf });
  expect(same(sink.bytes(), bridge.result)).toBe(true);
  expect(bridge.mostUnderWay).toBeLessThanOrEqual((creditChunks + 1) * chunkBytes);
});

test('a download that is cut fetches only the rest', async () => {
  const bridge = createFakeBridge();
  bridge.result = new Uint8Array(randomBytes(tenAndAHalf));
  const sink = makeSink();
  let cut = false;
  await download(connect(bridge), 'result', '20261122-101500-0a0b0c0d', sink, {
    onProgress(done) {
      if (cut || done < 4 * chunkBytes) return;
      cut = true;
      bridge.cut();
    },
  });
  expect(same(sink.bytes(), bridge.result)).toBe(true);
  const opens = bridge.requests.filter(request => request.type === 'download-open');
  expect(opens).toHaveLength(2);
  expect((opens[1] as { offset: number }).offset).toBeGreaterThanOrEqual(4 * chunkBytes);
});

test('a damaged download is not called a result', async () => {
  const bridge = createFakeBridge();
  bridge.result = new Uint8Array(randomBytes(1000));
  const sink = makeSink();
  const wrong = createHash('sha256').update('something else').digest('hex');
  bridge.answers['download-open'] = () => {
    const [transfer, bytes] = [1, bridge.result];
    setTimeout(() => bridge.sendChunk(transfer, 0, bytes), 1);
    return { transfer, sizeBytes: bytes.length, sha256: wrong, name: 'result.mov' };
  };
  await expect(download(connect(bridge), 'result', '20261122-101500-0a0b0c0d', sink)).rejects.toMatchObject({
    code: 'DOWNLOAD_FAILED',
  });
});

test('of a net in two files the first waits, and the second names it', async () => {
  const bridge = createFakeBridge();
  connect(bridge);
  const [first, second] = [makeFile(1000), makeFile(2000)];
  const sent = await upload(connection, first.source, 'net', { pair: { waits: true } });
  const beside = { sha256: sent.sha256, name: 'reader.onnx' };
  await upload(connection, second.source, 'net', { pair: { beside } });
  const opened = bridge.requests.filter(({ type }) => type === 'upload-open');
  expect(opened).toMatchObject([{ waits: true }, { beside: { sha256: sha256(first.bytes), name: 'reader.onnx' } }]);
});

test.each([
  [['My Net.onnx'], 'My Net.onnx'],
  [['a.b.param', 'a.b.bin'], 'a.b.param'],
  [['magenta_style_predict_f16w.onnx', 'magenta_style_transform.onnx'], 'magenta_style.onnx'],
  [['painter.onnx', 'reader.onnx'], 'painter.onnx'],
])('the files %j are one net called %s', (files, name) => {
  expect(netName(files)).toBe(name);
});
