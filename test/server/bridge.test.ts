import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { encodeChunk } from '#protocol/binary';
import { jobEventSchema } from '#protocol/job';
import { chunkBytes, creditChunks, maxMessageBytes, protocolVersion } from '#protocol/messages';
import { eventually, jobInState, makePlace, makePreset } from '../fakes/jobs';
import { makePicture, openTestBridge, TestClient, type OpenBridge } from '../fakes/bridge-client';

let place: ReturnType<typeof makePlace>;
let open: OpenBridge;
const clients: TestClient[] = [];
const connect = async (greet = true) => {
  const client = await TestClient.connect(open.bridge, greet);
  clients.push(client);
  return client;
};
const reopen = async (changes: Parameters<typeof openTestBridge>[1] = {}) => {
  await open.close();
  open = await openTestBridge(place, changes);
};
const preset = makePreset({ effects: [{ effect: 'zoom', params: { frames: 120 } }] });
const specFor = (clip: string) => ({
  clip,
  clipName: 'clip.png',
  preset,
  seed: 0,
  provider: 'auto' as const,
  priority: 5,
  labels: {},
});

beforeEach(async () => {
  place = makePlace();
  open = await openTestBridge(place);
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await open.close();
  place.remove();
});

type Answer = { status: number; headers: Record<string, string | string[] | undefined>; body: Buffer };
/** A plain request, with whatever Host and Origin a hostile page could bring about. */
function ask(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port: open.bridge.port, path, headers, method }, response => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) }),
      );
    });
    request.on('error', reject);
  });
}

/** How an attempt to open a socket ends: 101 or the HTTP status of the refusal. */
function knock(path: string, headers: Record<string, string> = {}, protocols: string[] = []): Promise<number> {
  return new Promise(resolve => {
    const socket = new WebSocket(`${open.bridge.address.replace(/^http/, 'ws')}${path}`, protocols, { headers });
    socket.on('unexpected-response', (_request, response) => {
      resolve(response.statusCode ?? 0);
      socket.terminate();
    });
    socket.on('open', () => {
      resolve(101);
      socket.terminate();
    });
    socket.on('error', () => undefined);
  });
}

describe('who gets in', () => {
  test('the file with address and token can be read by its owner alone and is gone after the end', async () => {
    const path = open.core.home.bridgeFile;
    const said = JSON.parse(readFileSync(path, 'utf8')) as { address: string; token: string; pid: number };
    expect(said).toMatchObject({ address: open.bridge.address, token: open.bridge.token, pid: process.pid });
    expect(said.token.length).toBeGreaterThan(40);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await reopen();
    expect(open.bridge.token).not.toBe(said.token);
    await open.close();
    expect(existsSync(path)).toBe(false);
    open = await openTestBridge(place);
  });

  test("a socket opens with the token in the address, a header, the subprotocol or the page's cookie, and with nothing else", async () => {
    const { token, address, port } = open.bridge;
    expect(await knock(`/socket?token=${token}`)).toBe(101);
    expect(await knock('/socket', { Authorization: `Bearer ${token}` })).toBe(101);
    expect(await knock('/socket', {}, [`reverie.${token}`])).toBe(101);
    expect(await knock('/socket', { Cookie: `reverie-${port}=${token}`, Origin: address })).toBe(101);
    expect(await knock('/socket')).toBe(401);
    expect(await knock('/socket?token=')).toBe(401);
    expect(await knock(`/socket?token=${token}x`)).toBe(401);
    expect(await knock('/socket', { Cookie: `reverie-${port}=${token.slice(1)}` })).toBe(401);
    expect(await knock(`/elsewhere?token=${token}`)).toBe(404);
  });

  test("a foreign page gets no socket even with the token, and another program's page on this computer none with the cookie", async () => {
    const { token, port } = open.bridge;
    expect(await knock(`/socket?token=${token}`, { Origin: 'https://evil.example' })).toBe(403);
    expect(await knock(`/socket?token=${token}`, { Origin: `http://127.0.0.1:${port + 1}` })).toBe(403);
    expect(await knock('/socket', { Cookie: `reverie-${port}=${token}`, Origin: 'null' })).toBe(401);
    expect(await knock('/socket', { Cookie: `reverie-${port}=${token}`, 'Sec-Fetch-Site': 'same-site' })).toBe(401);
  });

  test('a panel that is loaded from disk gets in with the token in its address', async () => {
    const { token } = open.bridge;
    expect(await knock(`/socket?token=${token}`, { Origin: 'file://' })).toBe(101);
    expect(await knock(`/socket?token=${token}`, { Origin: 'null' })).toBe(101);
    expect(await knock('/socket', { Origin: 'file://' })).toBe(401);
  });

  test('a name that was made to point here (DNS rebinding) is refused', async () => {
    const { token, port } = open.bridge;
    expect(await knock(`/socket?token=${token}`, { Host: `evil.example:${port}` })).toBe(403);
    expect((await ask(`/?token=${token}`, { Host: `evil.example:${port}` })).status).toBe(403);
    expect((await ask('/health', { Host: 'evil.example' })).status).toBe(403);
    expect((await ask('/health', { Host: `localhost:${port}` })).status).toBe(200);
  });

  test('the page gives a cookie for the right token only, and says what may be loaded', async () => {
    const page = await ask(`/?token=${open.bridge.token}`);
    expect(page.status).toBe(200);
    expect(String(page.headers['set-cookie'])).toMatch(/^reverie-\d+=[\w-]+; Path=\/; HttpOnly; SameSite=Strict$/);
    expect(page.headers['content-security-policy']).toContain("script-src 'self'");
    expect((await ask('/?token=wrong')).headers['set-cookie']).toBeUndefined();
    expect((await ask('/main.js')).body.toString()).toBe('"panel"');
  });

  test('nothing but the page and "I live" is answered without the token', async () => {
    const paths = [
      '/jobs/20261122-120000-00000001/result',
      `/clips/${'a'.repeat(64)}/frames/0.jpg`,
      `/images/${'a'.repeat(64)}`,
      '/painters/x.jpg',
      '/pictures/x/y.jpg',
      '/whatever',
    ];
    for (const path of paths) expect([path, (await ask(path)).status]).toEqual([path, 401]);
    expect((await ask('/trigger/place-finished', {}, 'POST')).status).toBe(401);
    expect(JSON.parse((await ask('/health')).body.toString())).toEqual({ ok: true });
    expect(
      JSON.parse((await ask('/health', { Authorization: `Bearer ${open.bridge.token}` })).body.toString()),
    ).toMatchObject({ ok: true, provider: 'cpu' });
  });

  test('off the loopback a plain bridge does not start', async () => {
    await expect(openTestBridge(place, { host: '0.0.0.0' })).rejects.toMatchObject({ code: 'USAGE' });
  });

  test('names in addresses are never paths', async () => {
    const { token } = open.bridge;
    for (const path of [
      '/..%2f..%2fetc%2fpasswd',
      '/%2e%2e/home/bridge.json',
      '/painters/..%2findex.html',
      '/pictures/..%2f/x',
      '/jobs/..%2f..%2f/result',
      '/index.html/../../home/bridge.json',
      '/%00',
      '/%ff',
    ]) {
      const answer = await ask(`${path}?token=${token}`);
      expect([path, answer.status >= 400, answer.body.toString().includes(token)]).toEqual([path, true, false]);
    }
  });

  test('connections are counted', async () => {
    await reopen({ limits: { connections: 2 } });
    await connect();
    await connect();
    expect(await knock(`/socket?token=${open.bridge.token}`)).toBe(429);
  });
});

describe('messages', () => {
  test('"hello" comes first, and another version is told so', async () => {
    const client = await connect(false);
    await expect(client.ask('jobs', {})).rejects.toMatchObject({ code: 'MESSAGE_INVALID' });
    await expect(client.ask('hello', { version: 99, client: 'old' })).rejects.toMatchObject({
      code: 'VERSION_MISMATCH',
      details: { panel: 99, bridge: protocolVersion },
    });
    await eventually(() => client.closed?.code === 4426);
  });

  test('what cannot be understood is answered and leaves the bridge well', async () => {
    const client = await connect();
    for (const text of [
      '',
      '{',
      'null',
      '[]',
      '"x"',
      '{"id":7,"type":"nothing"}',
      '{"id":8,"type":"clip-info","clip":"../../etc"}',
      '{"type":"ping"}',
      '{"id":-1,"type":"ping"}',
      '{"id":9,"type":"submit","spec":{"preset":{"__proto__":{"x":1}}}}',
    ])
      client.send(text);
    client.socket.send(new Uint8Array([1, 2, 3]));
    client.socket.send(encodeChunk(77, 0, new Uint8Array(10)));
    await eventually(() => client.messages.filter(message => message.type === 'error').length >= 10);
    expect(client.messages).toContainEqual({
      type: 'error',
      id: 8,
      error: expect.objectContaining({ code: 'MESSAGE_INVALID' }),
    });
    expect(await client.ask('ping', {})).toEqual({});
  });

  test('a client that only talks nonsense is shown out', async () => {
    const client = await connect();
    for (let i = 0; i < 30; i++) client.send(`nonsense ${i}`);
    await eventually(() => client.closed?.code === 4400);
    expect(open.bridge.connections()).toBe(0);
  });

  test('random bytes, as text and as frames, never end the bridge', async () => {
    let state = 12345;
    const random = () => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) / 2 ** 32;
    for (let round = 0; round < 20; round++) {
      const client = await connect(round % 2 === 0);
      for (let i = 0; i < 15; i++) {
        const bytes = Uint8Array.from({ length: Math.floor(random() * 300) }, () => Math.floor(random() * 256));
        client.socket.send(bytes, { binary: random() < 0.5 });
      }
      client.close();
    }
    const client = await connect();
    expect(await client.ask('ping', {})).toEqual({});
  });

  test('a control message above the limit is refused, a frame above all limits ends the connection', async () => {
    const client = await connect();
    client.send(`{"id":5,"type":"ping","x":"${'y'.repeat(maxMessageBytes)}"}`);
    await eventually(() =>
      client.messages.some(message => message.type === 'error' && message.error.code === 'MESSAGE_TOO_LARGE'),
    );
    expect(await client.ask('ping', {})).toEqual({});
    client.socket.send(new Uint8Array(chunkBytes + 100));
    await eventually(() => client.closed?.code === 1009);
  });

  test('a flood is stopped', async () => {
    await reopen({ limits: { messagesPerSecond: 50, messageBurst: 100 } });
    const client = await connect();
    for (let i = 0; i < 1000; i++) client.send({ id: i + 100, type: 'ping' });
    await eventually(() => client.closed?.code === 4408);
    expect(client.messages.filter(message => message.type === 'reply').length).toBeLessThan(200);
  });

  test('presets are saved, listed and deleted; built-in ones stay', async () => {
    const client = await connect();
    await client.ask('preset-save', { preset: makePreset({ name: 'mine', title: 'Mine' }) });
    const { presets } = await client.ask('presets', {});
    expect(presets.find(entry => entry.preset.name === 'mine')?.builtIn).toBe(false);
    expect(presets.find(entry => entry.preset.name === 'default')?.builtIn).toBe(true);
    for (const name of ['default', 'dream-classic'])
      await expect(client.ask('preset-save', { preset: makePreset({ name }) })).rejects.toMatchObject({
        code: 'PRESET_INVALID',
      });
    await expect(client.ask('preset-delete', { name: '../../../home/bridge' })).rejects.toMatchObject({
      code: 'PRESET_NOT_FOUND',
    });
    await client.ask('preset-delete', { name: 'mine' });
    expect((await client.ask('presets', {})).presets.some(entry => entry.preset.name === 'mine')).toBe(false);
  });

  test('a peer that gives no sign of life is dropped', async () => {
    await reopen({ heartbeatMs: 100 });
    const client = await connect();
    client.socket.pause();
    await eventually(() => open.bridge.connections() === 0);
  });
});

describe('uploads', () => {
  test('a clip arrives whole, is known by its hash, and is not sent twice', async () => {
    const client = await connect();
    const { bytes, sha256 } = await makePicture(3);
    const { clip } = await client.upload(bytes, sha256, 'clip', 'holiday.png');
    expect(clip).toMatchObject({ sha256, name: 'holiday.png', frames: 1, isStill: true, sizeBytes: bytes.length });
    expect(readFileSync(open.core.clips.pathOf(sha256)).equals(bytes)).toBe(true);
    expect(
      await client.ask('upload-open', { kind: 'clip', sha256, sizeBytes: bytes.length, name: 'again.png' }),
    ).toMatchObject({ complete: true, clip: { sha256 } });
  });

  test('an upload that was cut in the middle goes on where it stopped, also after a restart of the bridge', async () => {
    const { bytes, sha256 } = await makePicture(5);
    const first = await connect();
    const opened = await first.ask('upload-open', { kind: 'clip', sha256, sizeBytes: bytes.length, name: 'a.png' });
    expect(opened.offset).toBe(0);
    await first.sendBytes(opened.transfer, bytes, 0, 2_500_000);
    await eventually(() => first.received(opened.transfer) === 2_500_000);
    first.close();
    const second = await connect();
    const again = await second.ask('upload-open', { kind: 'clip', sha256, sizeBytes: bytes.length, name: 'a.png' });
    expect(again.offset).toBe(2_500_000);
    await second.sendBytes(again.transfer, bytes, again.offset, 4_000_000);
    await eventually(() => second.received(again.transfer) === 4_000_000);
    await reopen();
    const third = await connect();
    const last = await third.ask('upload-open', { kind: 'clip', sha256, sizeBytes: bytes.length, name: 'a.png' });
    expect(last.offset).toBe(4_000_000);
    await third.sendBytes(last.transfer, bytes, last.offset);
    expect((await third.ask('upload-close', { transfer: last.transfer })).clip?.sha256).toBe(sha256);
  });

  test('a client that goes away while its uploads are being opened leaves no file open', async () => {
    if (!existsSync('/proc/self/fd')) return;
    const parts = () =>
      readdirSync('/proc/self/fd').filter(fd => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`).includes('clip-b0b0');
        } catch {
          return false;
        }
      }).length;
    for (let round = 0; round < 10; round++) {
      const client = await connect();
      const sha256 = `b0b0${String(round).padStart(60, '0')}`;
      client.send({ id: 900, type: 'upload-open', kind: 'clip', sha256, sizeBytes: 1000, name: 'x.mov' });
      client.socket.terminate();
    }
    await new Promise(resolve => setTimeout(resolve, 300));
    expect(parts()).toBe(0);
  });

  test('repeated and reordered chunks do no harm', async () => {
    const client = await connect();
    const { bytes, sha256 } = await makePicture(0.5);
    const { transfer } = await client.ask('upload-open', {
      kind: 'image',
      sha256,
      sizeBytes: bytes.length,
      name: 'a.png',
    });
    const piece = (from: number, to: number) =>
      client.socket.send(encodeChunk(transfer, from, bytes.subarray(from, to)));
    piece(100_000, 200_000); // from further on: dropped
    piece(0, 100_000);
    piece(0, 100_000);
    piece(50_000, 150_000);
    piece(150_000, bytes.length);
    expect(await client.ask('upload-close', { transfer })).toEqual({ sha256 });
  });

  test('wrong bytes are found at the end and thrown away', async () => {
    const client = await connect();
    const { bytes, sha256 } = await makePicture(0.2);
    const wrong = Uint8Array.from(bytes, (byte, at) => (at === 1000 ? byte ^ 1 : byte));
    await expect(client.upload(wrong, sha256)).rejects.toMatchObject({ code: 'UPLOAD_HASH_WRONG' });
    expect(open.core.clips.has(sha256)).toBe(false);
    expect((await client.upload(bytes, sha256)).clip?.sha256).toBe(sha256);
  });

  test('what is no clip is refused with its name and not kept', async () => {
    const client = await connect();
    const bytes = Buffer.from('\x89PNG\r\n\x1a\n this is no picture at all');
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await expect(client.upload(bytes, sha256, 'clip', 'trick.png')).rejects.toMatchObject({
      details: { path: 'trick.png' },
    });
    expect(open.core.clips.has(sha256)).toBe(false);
  });

  test('closing early, unknown transfers, too much and too large are refused', async () => {
    await reopen({ limits: { uploadBytes: { clip: 1e6, image: 1e6, net: 1e6, sound: 1e6 }, uploadsPerConnection: 1 } });
    const client = await connect();
    const sha256 = 'ab'.repeat(32);
    await expect(client.ask('upload-open', { kind: 'clip', sha256, sizeBytes: 2e6, name: 'x' })).rejects.toMatchObject({
      code: 'UPLOAD_TOO_LARGE',
    });
    const { transfer } = await client.ask('upload-open', { kind: 'clip', sha256, sizeBytes: 1000, name: 'x' });
    await expect(
      client.ask('upload-open', { kind: 'clip', sha256: 'cd'.repeat(32), sizeBytes: 1000, name: 'x' }),
    ).rejects.toMatchObject({ code: 'TOO_MANY' });
    client.socket.send(encodeChunk(transfer, 0, new Uint8Array(2000)));
    await eventually(() =>
      client.messages.some(message => message.type === 'error' && message.error.code === 'MESSAGE_TOO_LARGE'),
    );
    await expect(client.ask('upload-close', { transfer })).rejects.toMatchObject({ code: 'UPLOAD_UNKNOWN' });
    await expect(client.ask('upload-close', { transfer: 999 })).rejects.toMatchObject({ code: 'UPLOAD_UNKNOWN' });
    await expect(client.ask('upload-abort', { transfer: 999 })).rejects.toMatchObject({ code: 'UPLOAD_UNKNOWN' });
  });

  test('a clip by path is taken only from allowed folders, whatever links say', async () => {
    const shelf = join(place.folder, 'shelf');
    mkdirSync(shelf);
    const { bytes, sha256 } = await makePicture();
    writeFileSync(join(shelf, 'in.png'), bytes);
    writeFileSync(join(place.folder, 'out.png'), bytes);
    symlinkSync(join(place.folder, 'out.png'), join(shelf, 'link.png'));
    const client = await connect();
    await expect(client.ask('clip-from-path', { path: join(shelf, 'in.png') })).rejects.toMatchObject({
      code: 'FILE_NOT_FOUND',
    });
    writeFileSync(open.core.home.settingsFile, JSON.stringify({ allowedFolders: [shelf] }));
    for (const path of [
      join(place.folder, 'out.png'),
      join(shelf, 'link.png'),
      join(shelf, '../out.png'),
      'in.png',
      `${shelf}`,
      join(shelf, 'in.png\0'),
    ]) {
      await expect(client.ask('clip-from-path', { path })).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
    }
    expect((await client.ask('clip-from-path', { path: join(shelf, 'in.png') })).clip).toMatchObject({
      sha256,
      name: 'in.png',
    });
  });
});

describe('jobs over the socket', () => {
  const sendClip = async (client: TestClient) => {
    const { bytes, sha256 } = await makePicture(0.05, 7);
    await client.upload(bytes, sha256);
    return sha256;
  };

  test('from clip to result: submitted, watched, downloaded, and saved by a browser with ranges', async () => {
    const client = await connect();
    const clip = await sendClip(client);
    await client.ask('watch', { since: {} });
    const figures = await client.ask('estimate', { spec: specFor(clip) });
    expect(figures).toMatchObject({ frames: 120, estimate: { basis: 'table' } });
    const { job } = await client.ask('submit', { spec: specFor(clip) });
    expect(job.status).not.toBe('done');
    const done = await eventually(() =>
      client.messages.find(message => message.type === 'event' && message.event.type === 'done'),
    );
    const events = client.messages.filter(message => message.type === 'event');
    expect(events.map(message => message.seq)).toEqual([...events.map(message => message.seq)].sort((a, b) => a - b));
    for (const message of events) jobEventSchema.parse(message.event);
    const fetched = await client.download(job.id);
    expect(createHash('sha256').update(fetched.bytes).digest('hex')).toBe(fetched.sha256);
    expect(done.type === 'event' && done.event.type === 'done' && done.event.result.frames).toBe(120);
    const token = `token=${open.bridge.token}`;
    const whole = await ask(`/jobs/${job.id}/result?${token}`);
    expect(whole.headers['content-disposition']).toContain('clip, test.mov');
    expect(whole.body.equals(fetched.bytes)).toBe(true);
    const part = await ask(`/jobs/${job.id}/result?${token}`, { Range: 'bytes=10-19' });
    expect([part.status, part.body.toString()]).toEqual([206, fetched.bytes.subarray(10, 20).toString()]);
    expect((await client.ask('report', { job: job.id })).report.output.verified).toBe(true);
    expect((await ask(`/jobs/${job.id}/report?${token}`)).headers['content-type']).toContain('application/json');
    expect((await ask(`/jobs/${job.id}/previews/0.jpg?${token}`)).body.toString()).toBe('a picture');
    await client.ask('delete', { job: job.id });
    await expect(client.ask('report', { job: job.id })).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
  });

  test('a download goes on from an offset, and no more than the credit is under way', async () => {
    const client = await connect();
    const clip = await sendClip(client);
    const { job } = await client.ask('submit', { spec: specFor(clip) });
    await jobInState(open.core.engine, job.id, ['done']);
    // A large result in the place of the small one.
    const large = Buffer.alloc(20 * chunkBytes + 5, 'reverie');
    writeFileSync(join(open.core.engine.folder(job.id), 'result.mov'), large);
    const opened = await client.ask('download-open', { what: 'result', job: job.id, offset: 1000 });
    await eventually(() => client.chunks.length >= creditChunks);
    await new Promise(resolve => setTimeout(resolve, 150));
    expect(client.chunks.reduce((sum, chunk) => sum + chunk.bytes.length, 0)).toBe(creditChunks * chunkBytes);
    await client.ask('download-close', { transfer: opened.transfer });
    const half = await client.download(job.id, 0, 3 * chunkBytes);
    const rest = await client.download(job.id, half.bytes.length);
    expect(Buffer.concat([half.bytes, rest.bytes]).equals(large)).toBe(true);
    await expect(
      client.ask('download-open', { what: 'result', job: job.id, offset: large.length + 1 }),
    ).rejects.toMatchObject({ code: 'MESSAGE_INVALID' });
  });

  test('a client that comes back is told all that it missed', async () => {
    place.setFaults({ stepMs: 5 });
    const first = await connect();
    const clip = await sendClip(first);
    await first.ask('watch', { since: {} });
    const { job } = await first.ask('submit', { spec: specFor(clip) });
    await eventually(() => first.messages.filter(message => message.type === 'event').length > 5);
    const seen = first.messages.flatMap(message => (message.type === 'event' ? [message.seq] : []));
    first.close();
    await jobInState(open.core.engine, job.id, ['done']);
    const second = await connect();
    await second.ask('watch', { since: { [job.id]: Math.max(...seen) } });
    const missed = second.messages.flatMap(message => (message.type === 'event' ? [message] : []));
    expect(missed[missed.length - 1].event.type).toBe('done');
    const history = await open.core.engine.history(job.id, Math.max(...seen));
    expect(missed.map(message => message.seq)).toEqual(history.map(event => event.seq));
    const stranger = await connect();
    await stranger.ask('watch', { since: {} });
    expect(stranger.messages.find(message => message.type === 'job')).toMatchObject({
      job: { id: job.id, status: 'queued' },
    });
    expect(stranger.messages.filter(message => message.type === 'event')[0]).toMatchObject({
      event: { type: 'created' },
    });
  });

  test('fifty watchers are all told the end, and a watcher that does not read holds nobody up', async () => {
    const sleepy = await connect();
    await sleepy.ask('watch', { since: {} });
    sleepy.socket.pause();
    const watchers = await Promise.all(Array.from({ length: 50 }, () => connect()));
    await Promise.all(watchers.map(watcher => watcher.ask('watch', { since: {} })));
    const clip = await sendClip(watchers[0]);
    await watchers[0].ask('submit', { spec: specFor(clip) });
    for (const watcher of watchers)
      await eventually(() =>
        watcher.messages.some(message => message.type === 'event' && message.event.type === 'done'),
      );
  });

  test('cancel, pause and resume over the socket', async () => {
    place.setFaults({ stepMs: 20 });
    const client = await connect();
    const clip = await sendClip(client);
    const { job } = await client.ask('submit', { spec: specFor(clip) });
    await client.ask('pause', { job: job.id });
    expect((await client.ask('jobs', {})).jobs[0].status).toBe('paused');
    await client.ask('resume', { job: job.id });
    await client.ask('cancel', { job: job.id });
    const { jobs, seqs } = await client.ask('jobs', {});
    expect(jobs[0].status).toBe('cancelled');
    expect(seqs[job.id]).toBe(open.core.engine.lastSeq(job.id));
    await expect(client.ask('cancel', { job: '20200101-000000-00000000' })).rejects.toMatchObject({
      code: 'JOB_NOT_FOUND',
    });
  });

  test('a job of a clip or picture that is not here is refused', async () => {
    const client = await connect();
    await expect(client.ask('submit', { spec: specFor('d'.repeat(64)) })).rejects.toMatchObject({
      code: 'CLIP_NOT_FOUND',
    });
    const clip = await sendClip(client);
    const withPicture = makePreset({
      effects: [{ effect: 'style', params: { styles: [{ image: { sha256: 'e'.repeat(64) } }] } }],
    });
    await expect(client.ask('submit', { spec: { ...specFor(clip), preset: withPicture } })).rejects.toMatchObject({
      code: 'FILE_NOT_FOUND',
    });
    await expect(
      client.ask('submit', { spec: { ...specFor(clip), range: { first: 0, last: 5, rate: { num: 25, den: 1 } } } }),
    ).rejects.toMatchObject({ code: 'RANGE_OUTSIDE' });
  });

  test('a size that the codec cannot hold is refused before anything is computed', async () => {
    const client = await connect();
    const clip = await sendClip(client);
    const output = { codec: 'dnxhr' as const, size: { width: 128, height: 96 } };
    const small = makePreset({ effects: [{ effect: 'zoom', params: { frames: 2 } }], output });
    for (const ask of ['estimate', 'submit'] as const)
      await expect(client.ask(ask, { spec: { ...specFor(clip), preset: small } })).rejects.toMatchObject({
        code: 'SIZE_REFUSED',
        details: { width: 128, height: 96, problem: expect.stringContaining('DNxHR') },
      });
    expect(await open.core.engine.list()).toEqual([]);
  });

  test('a job with an upscaler that is not installed says which to install', async () => {
    const client = await connect();
    const clip = await sendClip(client);
    const photo = makePreset({ effects: [{ effect: 'upscale', params: { net: 'upconv7-photo', noise: 1 } }] });
    await expect(client.ask('submit', { spec: { ...specFor(clip), preset: photo } })).rejects.toMatchObject({
      code: 'NET_NOT_FOUND',
      details: { name: 'upconv7-photo-noise1-scale2x' },
    });
    const otherClip = makePreset({
      effects: [{ effect: 'key', params: { over: 'clip', plateClip: 'f'.repeat(64) } }],
    });
    await expect(client.ask('submit', { spec: { ...specFor(clip), preset: otherClip } })).rejects.toMatchObject({
      code: 'CLIP_NOT_FOUND',
    });
  });

  test('a job that cannot fit is refused with the numbers', async () => {
    const client = await connect();
    const clip = await sendClip(client);
    const huge = makePreset({
      effects: [{ effect: 'zoom', params: { frames: 100_000 } }],
      output: { size: { width: 8192, height: 8192 } },
    });
    await expect(client.ask('submit', { spec: { ...specFor(clip), preset: huge } })).rejects.toMatchObject({
      code: expect.stringMatching(/^(DISK|MEMORY)_TOO_SMALL$/),
      details: { need: expect.stringMatching(/ GB$/) },
    });
  });

  test('a still comes in pictures that become sharper, and the newer wish ends the older one', async () => {
    const client = await connect();
    const clip = await sendClip(client);
    const style = makePreset({ effects: [{ effect: 'style' }] });
    const { id, reply } = client.start('still', { clip, frame: 0, preset: style, seed: 0, maxSide: 640 });
    expect(await reply).toMatchObject({ width: expect.any(Number) });
    const last = await eventually(() =>
      client.messages.find(message => message.type === 'still' && message.id === id && message.final),
    );
    const stills = client.messages.filter(message => message.type === 'still');
    expect(stills.map(message => message.done)).toEqual([1, 2, 3]);
    const picture = await ask(`${last.type === 'still' ? last.path : ''}?token=${open.bridge.token}`);
    expect(picture.body.toString()).toBe('still 0 3');
    place.setFaults({ stepMs: 200 });
    const older = client.start('still', { clip, frame: 0, preset: style, seed: 1, maxSide: 640 });
    await older.reply;
    const newer = client.start('still', { clip, frame: 0, preset: style, seed: 2, maxSide: 640 });
    await newer.reply;
    place.setFaults({});
    await eventually(() =>
      client.messages.some(message => message.type === 'still' && message.id === newer.id && message.final),
    );
    expect(client.messages.some(message => message.type === 'still' && message.id === older.id && message.final)).toBe(
      false,
    );
    await expect(client.ask('still', { clip, frame: 5, preset: style, seed: 0, maxSide: 640 })).rejects.toMatchObject({
      code: 'RANGE_OUTSIDE',
    });
  });

  test('a still does not wait for an atlas and does not end it', async () => {
    const client = await connect();
    const clip = await sendClip(client);
    // Slow enough that the atlas still runs when patience with its interruption ends.
    place.setFaults({ stepMs: 500 });
    const atlas = client.start('atlas', { net: 'openimages' });
    await atlas.reply;
    const tilesOf = (id: number) =>
      client.messages.flatMap(message => (message.type === 'atlas-tile' && message.id === id ? [message.done] : []));
    await eventually(() => tilesOf(atlas.id).length >= 2);
    const preset = makePreset({ effects: [{ effect: 'style' }] });
    const still = client.start('still', { clip, frame: 0, preset, seed: 0, maxSide: 640 });
    await still.reply;
    await eventually(() =>
      client.messages.some(message => message.type === 'still' && message.id === still.id && message.final),
    );
    expect(Math.max(...tilesOf(atlas.id))).toBeLessThan(6);
    await eventually(() => tilesOf(atlas.id).includes(6), 20_000);
    place.setFaults({ stepMs: 100 });
    expect(client.messages.filter(message => message.type === 'error')).toEqual([]);

    // A newer atlas ends the older one; stopped, it sends no more tiles.
    const second = client.start('atlas', { net: 'openimages' });
    await second.reply;
    const third = client.start('atlas', { net: 'openimages' });
    await third.reply;
    await eventually(() => tilesOf(third.id).length >= 1);
    await client.ask('still-stop', { still: third.id });
    const sent = tilesOf(third.id).length;
    await new Promise(resolve => setTimeout(resolve, 300));
    expect(tilesOf(third.id).length).toBeLessThanOrEqual(sent + 1);
    expect(tilesOf(second.id)).not.toContain(6);
    place.setFaults({});
  });

  test('frames of a clip and sent pictures are shown over HTTP', async () => {
    const client = await connect();
    const clip = await sendClip(client);
    const token = `token=${open.bridge.token}`;
    const frame = await ask(`/clips/${clip}/frames/0.jpg?width=32&${token}`);
    expect([frame.status, frame.headers['content-type'], frame.body.subarray(0, 3).toString('hex')]).toEqual([
      200,
      'image/jpeg',
      'ffd8ff',
    ]);
    expect((await ask(`/clips/${clip}/frames/1.jpg?${token}`)).status).toBe(422);
    expect((await ask(`/clips/${'0'.repeat(64)}/frames/0.jpg?${token}`)).status).toBe(404);
    const { bytes, sha256 } = await makePicture(0.02);
    await client.upload(bytes, sha256, 'image', 'style.png');
    const image = await ask(`/images/${sha256}?${token}`);
    expect([image.headers['content-type'], image.body.equals(bytes)]).toEqual(['image/png', true]);
  });

  test('the doctor lists what is there and what is missing', async () => {
    const client = await connect();
    const { checks } = await client.ask('doctor', {});
    expect(checks.map(check => check.what)).toEqual(
      expect.arrayContaining(['program', 'ffmpeg', 'worker', 'memory', 'disk', 'nets']),
    );
    expect(checks.find(check => check.what === 'worker')?.ok).toBe(true);
  });
});

// Root may write everywhere, so there is nothing to see for it.
(process.getuid?.() === 0 ? test.skip : test)('a home that cannot be written is said so at the start', async () => {
  const locked = join(place.folder, 'locked');
  mkdirSync(locked);
  chmodSync(locked, 0o500);
  await expect(openTestBridge({ ...place, folder: locked })).rejects.toThrow();
});
