import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CatalogueRow, NetFile } from '../../bridge-server/src/models/catalogue';
import { download } from '../../bridge-server/src/models/download';
import { plainRgb } from '../../bridge-server/src/models/imported-net';
import { NetDraft } from '../../bridge-server/src/models/net-draft';
import { createNetStore, type NetStore, type PullProgress } from '../../bridge-server/src/models/store';
import { writeCaffeModel } from './caffe-writer';

/** A net large enough to break a connection in the middle of it. */
const caffe = writeCaffeModel([
  { name: 'data', type: 'Input', tops: ['data'], inputDims: [1, 3, 8, 8] },
  {
    name: 'conv',
    type: 'Convolution',
    bottoms: ['data'],
    tops: ['conv'],
    param: { 1: 400, 4: 7, 3: 3 },
    blobs: [
      { dims: [400, 3, 7, 7], data: new Float32Array(400 * 147).map((_, index) => Math.sin(index)) },
      { dims: [400], data: new Float32Array(400) },
    ],
  },
]);

function hashOf(bytes: Uint8Array, algorithm: 'sha256' | 'sha1' = 'sha256'): NetFile['hash'] {
  return { algorithm, hex: createHash(algorithm).update(bytes).digest('hex') };
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** Serves `bytes` with ranges, as a good server does. */
function serve(bytes: Uint8Array): Handler {
  return (request, response) => {
    const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (start >= bytes.length) return void response.writeHead(416).end();
    const part = bytes.subarray(start);
    response.writeHead(request.headers.range ? 206 : 200, { 'content-length': part.length });
    response.end(part);
  };
}

let home: string;
let server: Server;
let handler: Handler;
let requests: { url: string; range: string | undefined }[];

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'reverie-store-'));
  requests = [];
  server = createServer((request, response) => {
    requests.push({ url: request.url ?? '', range: request.headers.range });
    handler(request, response);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise(resolve => server.close(resolve));
  await rm(home, { recursive: true, force: true });
});

const address = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

function makeRow(over: Partial<CatalogueRow> = {}, file: Partial<NetFile> = {}): CatalogueRow {
  return {
    name: 'far-net',
    title: 'A net from far away',
    kind: 'pulled',
    uses: ['dream'],
    architecture: 'one convolution',
    licence: 'MIT',
    origin: 'this test',
    format: 'caffe',
    files: [
      {
        name: 'models/far.caffemodel',
        sizeBytes: caffe.length,
        hash: hashOf(caffe),
        url: `${address()}/original/far.caffemodel`,
        ...file,
      },
    ],
    convention: plainRgb,
    multipleOf: 1,
    layers: [],
    ...over,
  };
}

function makeStore(row: CatalogueRow = makeRow(), mirror?: string): NetStore {
  return createNetStore({ embeddedDir: join(home, 'embedded'), homeDir: home, rows: [row], mirror });
}

describe('pulling a net', () => {
  test('fetches it, checks it, turns it into ONNX and tells how far it is', async () => {
    handler = serve(caffe);
    const store = makeStore();
    expect((await store.info('far-net')).installed).toBe(false);
    await expect(store.bytes('far-net')).rejects.toMatchObject({ code: 'NET_NOT_FOUND' });
    const progress: PullProgress[] = [];
    const record = await store.pull('far-net', step => progress.push(step));
    expect(record).toMatchObject({
      name: 'far-net',
      kind: 'pulled',
      installed: true,
      licence: 'MIT',
      layers: [{ name: 'conv', channels: 400 }],
    });
    expect(progress[progress.length - 1]).toEqual({ doneBytes: caffe.length, totalBytes: caffe.length });
    expect(hashOf(await store.bytes('far-net')).hex).toBe(record.sha256);
    expect(readdirSync(join(home, 'nets')).sort()).toEqual(['.downloads', 'far-net']);
    expect(readdirSync(join(home, 'nets/.downloads'))).toEqual([]);
    // What is there is not fetched again.
    await store.pull('far-net');
    expect(requests.length).toBe(1);
  });

  test('goes on where a broken connection stopped', async () => {
    let breaks = 2;
    handler = (request, response) => {
      if (breaks === 0) return serve(caffe)(request, response);
      breaks -= 1;
      const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      response.writeHead(start > 0 ? 206 : 200, { 'content-length': caffe.length - start });
      response.write(caffe.subarray(start, start + 60_000), () => setTimeout(() => response.destroy(), 30));
    };
    await makeStore().pull('far-net');
    expect(requests.map(request => request.range)).toEqual([undefined, 'bytes=60000-', 'bytes=120000-']);
  });

  test('goes on at the next call when it was given up before', async () => {
    handler = (_, response) => {
      response.writeHead(200, { 'content-length': caffe.length });
      response.write(caffe.subarray(0, 50_000), () => setTimeout(() => response.destroy(), 30));
    };
    const stop = new AbortController();
    const store = makeStore();
    const first = store.pull('far-net', ({ doneBytes }) => doneBytes >= 50_000 && stop.abort(), stop.signal);
    await expect(first).rejects.toMatchObject({ code: 'CANCELLED' });
    expect((await store.info('far-net')).installed).toBe(false);
    handler = serve(caffe);
    await store.pull('far-net');
    expect(requests[requests.length - 1]!.range).toBe('bytes=50000-');
  });

  test('starts anew where the server knows no ranges', async () => {
    let first = true;
    handler = (_, response) => {
      response.writeHead(200, { 'content-length': caffe.length });
      if (!first) return void response.end(caffe);
      first = false;
      response.write(caffe.subarray(0, 50_000), () => setTimeout(() => response.destroy(), 30));
    };
    expect((await makeStore().pull('far-net')).installed).toBe(true);
  });

  test('refuses what has another hash, and leaves nothing behind', async () => {
    const wrong = caffe.slice();
    wrong[wrong.length - 5] ^= 1;
    handler = serve(wrong);
    const store = makeStore();
    await expect(store.pull('far-net')).rejects.toMatchObject({
      code: 'MODEL_HASH_WRONG',
      details: { name: 'far-net', expected: hashOf(caffe).hex, actual: hashOf(wrong).hex },
    });
    expect((await store.info('far-net')).installed).toBe(false);
    expect(readdirSync(join(home, 'nets/.downloads/far-net'))).toEqual([]);
  });

  test('fetches the whole file again when its first half was of another version', async () => {
    handler = serve(caffe);
    const part = join(home, 'far.part');
    await writeFile(part, new Uint8Array(50_000));
    await download({
      name: 'far',
      url: `${address()}/x`,
      hash: hashOf(caffe),
      sizeBytes: caffe.length,
      partPath: part,
    });
    expect(requests.map(request => request.range)).toEqual(['bytes=50000-', undefined]);
    expect(hashOf(await readFile(part))).toEqual(hashOf(caffe));
  });

  test('takes a whole file that was only not renamed yet', async () => {
    handler = serve(caffe);
    const part = join(home, 'far.part');
    await writeFile(part, caffe);
    await download({
      name: 'far',
      url: `${address()}/x`,
      hash: hashOf(caffe),
      sizeBytes: caffe.length,
      partPath: part,
    });
    expect(hashOf(await readFile(part))).toEqual(hashOf(caffe));
  });

  test('checks the SHA-1 where nothing else is published', async () => {
    handler = serve(caffe);
    await makeStore(makeRow({}, { hash: hashOf(caffe, 'sha1') })).pull('far-net');
    handler = serve(caffe.slice(1));
    const other = makeRow({ name: 'other' }, { hash: hashOf(caffe, 'sha1') });
    await expect(
      createNetStore({ embeddedDir: home, homeDir: home, rows: [other] }).pull('other'),
    ).rejects.toMatchObject({ code: 'MODEL_HASH_WRONG' });
  });

  test('asks the mirror and nobody else when one is set', async () => {
    handler = serve(caffe);
    await makeStore(makeRow({}, { url: 'http://nowhere.invalid/far.caffemodel' }), `${address()}/mirror/`).pull(
      'far-net',
    );
    expect(requests.map(request => request.url)).toEqual(['/mirror/models/far.caffemodel']);
  });

  test.each([
    [
      'a page that is not there',
      (_: IncomingMessage, response: ServerResponse) => void response.writeHead(404).end(),
      'the server answered 404',
      1,
    ],
    [
      'a server that fails every time',
      (_: IncomingMessage, response: ServerResponse) => void response.writeHead(503).end(),
      'the server answered 503',
      4,
    ],
  ])('says what was wrong with %s', async (_, answer, problem, tries) => {
    handler = answer;
    const part = join(home, 'far.part');
    const wanted = download({
      name: 'far',
      url: `${address()}/x`,
      hash: hashOf(caffe),
      sizeBytes: caffe.length,
      partPath: part,
      retryMs: [5, 5, 5],
    });
    await expect(wanted).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED', details: { name: 'far', problem } });
    expect(requests.length).toBe(tries);
  });

  test('gives a silent server up', async () => {
    handler = (_, response) =>
      void response.writeHead(200, { 'content-length': caffe.length }).write(caffe.subarray(0, 1000));
    const wanted = download({
      name: 'far',
      url: `${address()}/x`,
      hash: hashOf(caffe),
      sizeBytes: caffe.length,
      partPath: join(home, 'far.part'),
      stallMs: 150,
      retryMs: [],
    });
    await expect(wanted).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      details: { problem: 'nothing came any more' },
    });
  });

  test('does not read a file that never ends', async () => {
    handler = (_, response) => {
      response.writeHead(200);
      // As fast as the other side reads, until it hangs up.
      const more = (): void =>
        void (
          !response.destroyed &&
          (response.write(new Uint8Array(100_000)) ? setImmediate(more) : response.once('drain', more))
        );
      more();
    };
    await expect(makeStore().pull('far-net')).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' });
  });

  test('of a name that the catalogue does not know is refused', async () => {
    await expect(makeStore().pull('../../etc')).rejects.toMatchObject({ code: 'NET_NOT_FOUND' });
  });
});

describe('nets of the user', () => {
  async function writeNet(name: string): Promise<string> {
    const draft = new NetDraft(name);
    draft.input('x', [1, 3, 'h', 'w']);
    draft.node('Relu', ['x'], {}, 'y');
    draft.output('y', [1, 3, 'h', 'w']);
    const path = join(home, `${name}.onnx`);
    await writeFile(path, draft.toBytes());
    return path;
  }

  test('are filed under a name made of the file, listed, read and removed', async () => {
    const store = makeStore();
    const { record } = await store.importFile(await writeNet('My Net (v2)'));
    expect(record).toMatchObject({
      name: 'my-net-v2',
      kind: 'imported',
      installed: true,
      uses: ['upscale', 'style-fast'],
    });
    expect((await store.list()).map(each => each.name)).toEqual(['far-net', 'my-net-v2']);
    expect(await store.hashes()).toEqual({ 'my-net-v2': record.sha256 });
    expect((await store.bytes('my-net-v2')).length).toBe(record.sizeBytes);
    await store.remove('my-net-v2');
    await expect(store.bytes('my-net-v2')).rejects.toMatchObject({ code: 'NET_NOT_FOUND' });
  });

  test('are only looked at in a dry run', async () => {
    const store = makeStore();
    const { inspection } = await store.importFile(await writeNet('look'), 'look', { dryRun: true });
    expect(inspection.operators).toEqual({ Relu: 1 });
    expect(existsSync(join(home, 'nets'))).toBe(false);
  });

  test('replace an older one of the same name as a whole', async () => {
    const store = makeStore();
    const path = await writeNet('mine');
    await store.importFile(path);
    const { record } = await store.importFile(path, 'mine', {
      convention: { order: 'bgr', scale: 255, mean: [1, 2, 3] },
    });
    expect((await store.info('mine')).convention).toEqual({ order: 'bgr', scale: 255, mean: [1, 2, 3] });
    expect(record.sha256).toBe((await store.info('mine')).sha256);
  });

  test('that were changed on the disk are not used', async () => {
    const store = makeStore();
    await store.importFile(await writeNet('mine'));
    await writeFile(join(home, 'nets/mine/net.onnx'), 'something else');
    await expect(store.bytes('mine')).rejects.toMatchObject({ code: 'NET_DAMAGED' });
  });

  test.each([['../evil'], ['Upper'], [''], ['far-net'], ['.hidden']])('cannot be called "%s"', async name => {
    await expect(makeStore().importFile(await writeNet('mine'), name)).rejects.toMatchObject({ code: 'USAGE' });
  });

  test('that are not there, or no nets, are refused', async () => {
    const store = makeStore();
    await expect(store.importFile(join(home, 'none.onnx'))).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
    await writeFile(join(home, 'text.onnx'), 'hello');
    await expect(store.importFile(join(home, 'text.onnx'))).rejects.toMatchObject({ code: 'NET_DAMAGED' });
    await writeFile(join(home, 'text.pb'), 'hello');
    await expect(store.importFile(join(home, 'text.pb'))).rejects.toMatchObject({ code: 'NET_UNKNOWN_FORMAT' });
    await writeFile(join(home, 'half.param'), '7767517\n0 0\n');
    await expect(store.importFile(join(home, 'half.param'))).rejects.toMatchObject({
      code: 'FILE_NOT_FOUND',
      details: { path: 'half.bin' },
    });
  });
});
