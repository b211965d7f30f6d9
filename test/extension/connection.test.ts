import { heartbeatMs } from '#protocol/messages';
import { createConnection, type Connection } from '../../extension/src/bridge/connection';
import { createFakeBridge, type FakeBridge } from '../fakes/bridge-socket';

let connection: Connection;
const connect = (bridge: FakeBridge, probe?: () => Promise<'absent' | 'unauthorised'>) =>
  (connection = createConnection({ open: bridge.open, client: 'test', probe }));
const settle = () => new Promise<void>(resolve => setImmediate(resolve));

afterEach(() => {
  connection.close();
  jest.useRealTimers();
});

test('a connection is open when the bridge has greeted back', async () => {
  const bridge = createFakeBridge();
  connect(bridge);
  expect(connection.state().status).toBe('connecting');
  await connection.whenOpen();
  expect(connection.state()).toEqual({ status: 'open', bridge: 'fake', provider: 'cpu' });
  expect(bridge.requests[0]).toMatchObject({ type: 'hello', version: 1, client: 'test' });
});

test('a bridge of another version is refused and not asked again', async () => {
  const bridge = createFakeBridge();
  bridge.version = 2;
  connect(bridge);
  await expect(connection.whenOpen()).rejects.toMatchObject({
    code: 'VERSION_MISMATCH',
    details: { panel: 1, bridge: 2 },
  });
  await settle();
  expect(bridge.connections).toBe(1);
});

test('each reply finds its request, and an error keeps its code and details', async () => {
  const bridge = createFakeBridge();
  bridge.answers.presets = () => ({ presets: [] });
  bridge.failures.report = [{ code: 'JOB_NOT_FOUND', details: { id: '20261122-101500-0a0b0c0d' } }];
  connect(bridge);
  await connection.whenOpen();
  const [presets, report] = await Promise.allSettled([
    connection.request('presets', {}),
    connection.request('report', { job: '20261122-101500-0a0b0c0d' }),
  ]);
  expect(presets).toMatchObject({ status: 'fulfilled', value: { presets: [] } });
  expect(report).toMatchObject({
    status: 'rejected',
    reason: { code: 'JOB_NOT_FOUND', details: { id: '20261122-101500-0a0b0c0d' } },
  });
});

test('a reply that is not what the protocol says is an error, not a value', async () => {
  const bridge = createFakeBridge();
  bridge.answers.jobs = () => ({ jobs: 'many' });
  connect(bridge);
  await connection.whenOpen();
  await expect(connection.request('jobs', {})).rejects.toMatchObject({ code: 'MESSAGE_INVALID' });
});

test('a lost connection fails what was under way and is opened again', async () => {
  const bridge = createFakeBridge();
  connect(bridge);
  await connection.whenOpen();
  bridge.silent = true;
  const asked = connection.request('jobs', {});
  const seen: string[] = [];
  connection.onState(state => seen.push(state.status));
  bridge.cut();
  await expect(asked).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
  await expect(connection.request('jobs', {})).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
  bridge.silent = false;
  await connection.whenOpen();
  expect(seen).toEqual(['lost', 'connecting', 'open']);
  expect(bridge.connections).toBe(2);
});

test('while the bridge is down the pauses between tries grow, and are short again after a success', async () => {
  jest.useFakeTimers({ doNotFake: ['queueMicrotask'] });
  const bridge = createFakeBridge();
  bridge.down = true;
  connect(bridge);
  const tries: number[] = [];
  let seen = 0;
  for (let ms = 0; ms < 30_000; ms += 50) {
    await jest.advanceTimersByTimeAsync(50);
    if (bridge.connections > seen) tries.push(ms);
    seen = bridge.connections;
  }
  const gaps = tries.slice(1).map((at, index) => at - tries[index]);
  expect(gaps.length).toBeGreaterThan(4);
  expect(gaps[0]).toBeLessThan(700);
  expect(Math.max(...gaps)).toBeLessThanOrEqual(6100);
  expect(gaps[gaps.length - 1]).toBeGreaterThan(3900);
  bridge.down = false;
  await jest.advanceTimersByTimeAsync(7000);
  expect(connection.state().status).toBe('open');
  const before = bridge.connections;
  bridge.cut();
  await jest.advanceTimersByTimeAsync(400);
  expect(bridge.connections).toBe(before + 1);
});

test('a bridge that is there but does not let in is told apart from one that is not there', async () => {
  const bridge = createFakeBridge();
  bridge.down = true;
  connect(bridge, async () => 'unauthorised');
  await expect(connection.whenOpen()).rejects.toMatchObject({ code: 'UNAUTHORISED' });
  connection.close();

  const absent = createFakeBridge();
  absent.down = true;
  connect(absent, async () => 'absent');
  await new Promise<void>(resolve => connection.onState(state => state.status === 'lost' && resolve()));
  expect(connection.state()).toMatchObject({ status: 'lost', error: { code: 'BRIDGE_UNREACHABLE' } });
});

test('a refused connection is tried again when a person asks', async () => {
  const bridge = createFakeBridge();
  bridge.down = true;
  bridge.closeCode = 4401;
  connect(bridge);
  await expect(connection.whenOpen()).rejects.toMatchObject({ code: 'UNAUTHORISED' });
  bridge.down = false;
  connection.retryNow();
  await connection.whenOpen();
  expect(connection.state().status).toBe('open');
});

test('a line that went dead without a word is given up after a heartbeat', async () => {
  jest.useFakeTimers({ doNotFake: ['queueMicrotask'] });
  const bridge = createFakeBridge();
  connect(bridge);
  await jest.advanceTimersByTimeAsync(10);
  await jest.advanceTimersByTimeAsync(heartbeatMs * 3);
  expect(bridge.connections).toBe(1);
  bridge.silent = true;
  await jest.advanceTimersByTimeAsync(heartbeatMs * 2 + 500);
  expect(bridge.connections).toBe(2);
});

test('a bridge that takes the connection and never greets is given up and tried again', async () => {
  jest.useFakeTimers({ doNotFake: ['queueMicrotask'] });
  const bridge = createFakeBridge();
  bridge.silent = true;
  connect(bridge);
  await jest.advanceTimersByTimeAsync(heartbeatMs + 500);
  expect(bridge.connections).toBe(2);
  bridge.silent = false;
  await jest.advanceTimersByTimeAsync(heartbeatMs + 1000);
  expect(connection.state().status).toBe('open');
});

test('kinds of messages that this panel does not know are passed over', async () => {
  const bridge = createFakeBridge();
  connect(bridge);
  await connection.whenOpen();
  const heard: string[] = [];
  connection.onMessage(message => heard.push(message.type));
  bridge.send({ type: 'weather', id: 3 });
  bridge.send({ type: 'trigger', ticket: 'one', action: 'place-finished' });
  await settle();
  expect(heard).toEqual(['trigger']);
});

test('closing ends it: no further try, open requests fail', async () => {
  const bridge = createFakeBridge();
  connect(bridge);
  await connection.whenOpen();
  bridge.silent = true;
  const asked = connection.request('jobs', {});
  connection.close();
  await expect(asked).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
  await new Promise(resolve => setTimeout(resolve, 400));
  expect(bridge.connections).toBe(1);
  expect(connection.state().status).toBe('closed');
});
