import { closeCodes } from '../../bridge-server/src/server/connection';
import { makePicture, openTestBridge, TestClient, type OpenBridge } from '../fakes/bridge-client';
import { eventually, makePlace, makePreset } from '../fakes/jobs';

const place = makePlace();
let open: OpenBridge;
beforeAll(async () => {
  open = await openTestBridge(place);
});
afterAll(async () => {
  await open.close();
  place.remove();
});

const count = 50;

test(`${count} clients that watch one job are told its progress on time, all of it and in order`, async () => {
  place.setFaults({ stepMs: 20 });
  const { bytes, sha256 } = await makePicture(0.01, 9);
  const clients = await Promise.all(Array.from({ length: count }, () => TestClient.connect(open.bridge)));
  const delays: number[] = [];
  for (const client of clients) {
    client.socket.on('message', (data, isBinary) => {
      const message = isBinary ? undefined : (JSON.parse(String(data)) as { type: string; at?: string });
      if (message?.type === 'event') delays.push(Date.now() - Date.parse(message.at!));
    });
    await client.ask('watch', { since: {} });
  }
  await clients[0].upload(bytes, sha256);
  const { job } = await clients[0].ask('submit', {
    spec: {
      clip: sha256,
      clipName: 'clip.png',
      preset: makePreset({ effects: [{ effect: 'zoom', params: { frames: 60 } }] }),
      seed: 0,
      provider: 'auto',
      priority: 5,
      labels: {},
    },
  });
  const eventsOf = (client: TestClient) =>
    client.messages.flatMap(message => (message.type === 'event' && message.job === job.id ? [message] : []));
  await eventually(() => clients.every(client => eventsOf(client).some(({ event }) => event.type === 'done')), 60_000);
  const seqs = clients.map(client => eventsOf(client).map(({ seq }) => seq));
  expect(seqs[0].length).toBeGreaterThan(60);
  expect(seqs[0].every((seq, index) => index === 0 || seq > seqs[0][index - 1])).toBe(true);
  for (const other of seqs) expect(other).toEqual(seqs[0]);
  delays.sort((a, b) => a - b);
  const at = (share: number) => delays[Math.floor(share * (delays.length - 1))];
  console.info(`${delays.length} events: ${at(0.5)} ms in the middle, ${at(0.95)} ms for 95 %, ${at(1)} ms at most`);
  // A person does not see a quarter of a second; the machine that runs this does other work too.
  expect(at(0.5)).toBeLessThan(250);
  for (const client of clients) client.close();
  expect(clients.every(client => client.closed === undefined || client.closed.code !== closeCodes.slow)).toBe(true);
});
