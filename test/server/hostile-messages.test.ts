import { errors } from '#protocol/errors';
import { requestSchema } from '#protocol/messages';
import { makeDice } from '../models/damage';
import { openTestBridge, TestClient, type OpenBridge } from '../fakes/bridge-client';
import { eventually, makePlace, makeSpec } from '../fakes/jobs';

const place = makePlace();
let open: OpenBridge;
beforeAll(async () => {
  open = await openTestBridge(place, {
    limits: { messagesPerSecond: 1e6, messageBurst: 1e6, badMessages: 1e6, connections: 400 },
  });
});
afterAll(async () => {
  await open.close();
  place.remove();
});

const dice = makeDice(5);
const hash = 'a'.repeat(64);
const job = '20261122-120000-00000001';
/** One sound request of each kind. */
const sound: Record<string, unknown>[] = [
  { type: 'hello', version: 1, client: 'fuzz' },
  { type: 'ping' },
  { type: 'upload-open', kind: 'clip', sha256: hash, sizeBytes: 10, name: 'x.mov' },
  { type: 'upload-close', transfer: 1 },
  { type: 'upload-abort', transfer: 1 },
  { type: 'clip-from-path', path: '/etc/passwd' },
  { type: 'clip-info', clip: hash },
  { type: 'download-open', what: 'result', job, offset: 0 },
  { type: 'download-credit', transfer: 1, receivedBytes: 5 },
  { type: 'download-close', transfer: 1 },
  { type: 'preset-save', preset: makeSpec().preset },
  { type: 'preset-delete', name: 'x' },
  { type: 'estimate', spec: makeSpec() },
  { type: 'submit', spec: makeSpec() },
  { type: 'cancel', job },
  { type: 'pause', job },
  { type: 'resume', job },
  { type: 'delete', job },
  { type: 'report', job },
  { type: 'watch', since: { [job]: 3 } },
  { type: 'still', clip: hash, frame: 0, preset: makeSpec().preset, maxSide: 100, seed: 0 },
  { type: 'still-stop', still: 1 },
  { type: 'atlas', net: 'x', image: hash },
  { type: 'sections', clip: hash },
];
const poison: unknown[] = [
  null,
  true,
  -1,
  0,
  1.5,
  1e308,
  Number.MAX_SAFE_INTEGER,
  '',
  '../../etc/passwd',
  '\u0000',
  'x'.repeat(70_000),
  '💥'.repeat(300),
  '%00',
  [],
  {},
  [[[[[[]]]]]],
  { __proto__: { polluted: true } },
  Array.from({ length: 5000 }, () => 0),
  'constructor',
  'NaN',
  "'; rm -rf /; '",
];

/** The same request with something in it replaced, taken away or added. */
function spoil(value: unknown): unknown {
  if (value === null || typeof value !== 'object' || dice(6) === 0) return poison[dice(poison.length)];
  const copy = structuredClone(value) as Record<string, unknown>;
  const keys = Object.keys(copy);
  const key = keys[dice(Math.max(1, keys.length))];
  const action = dice(5);
  if (key === undefined || action === 0)
    copy[['__proto__x', 'extra', 'constructor'][dice(3)]] = poison[dice(poison.length)];
  else if (action === 1) delete copy[key];
  else copy[key] = spoil(copy[key]);
  return copy;
}

const trials = 600;

test(`${trials} spoilt requests are each answered with a code, and the bridge is as it was`, async () => {
  for (const request of sound) expect(requestSchema.safeParse({ id: 1, ...request }).success).toBe(true);
  const codes = new Map<string, number>();
  let replies = 0;
  for (let trial = 0; trial < trials; trial += 100) {
    const client = await TestClient.connect(open.bridge);
    for (let id = 1000 + trial; id < 1100 + trial; id++) {
      const spoilt = spoil(sound[dice(sound.length)]);
      client.send(JSON.stringify(spoilt !== null && typeof spoilt === 'object' ? { id, ...spoilt } : spoilt));
    }
    const answered = () =>
      client.messages.filter(message => message.type === 'reply' || message.type === 'error').length;
    // The greeting is answered too.
    await eventually(() => answered() >= 101 || client.closed !== undefined, 30_000);
    for (const message of client.messages) {
      if (message.type === 'reply') replies++;
      if (message.type === 'error') codes.set(message.error.code, (codes.get(message.error.code) ?? 0) + 1);
    }
    // Another version is a reason to close; nothing else is here.
    if (client.closed) expect(client.closed.code).toBe(4426);
    client.close();
  }
  for (const code of codes.keys()) {
    expect(Object.keys(errors)).toContain(code);
    expect(code).not.toBe('INTERNAL');
  }
  expect(replies + [...codes.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(trials / 2);
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  const after = await TestClient.connect(open.bridge);
  expect(
    (await after.ask('jobs', {})).jobs.filter(other => !['queued', 'active', 'failed', 'done'].includes(other.status)),
  ).toEqual([]);
  after.close();
});

test('binary frames for transfers that nobody opened, of any length, are refused with a code', async () => {
  const client = await TestClient.connect(open.bridge);
  for (let trial = 0; trial < 200; trial++) {
    const bytes = Buffer.from(Uint8Array.from({ length: dice(64) }, () => dice(256)));
    client.socket.send(bytes, { binary: true });
  }
  await client.ask('ping', {});
  const told = client.messages.flatMap(message => (message.type === 'error' ? [message.error.code] : []));
  expect(told.length).toBeGreaterThan(0);
  expect(new Set(told).has('INTERNAL')).toBe(false);
  client.close();
});
