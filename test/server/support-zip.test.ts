import { homedir, hostname, userInfo } from 'node:os';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { strFromU8, unzipSync } from 'fflate';
import { createScrubber } from '../../bridge-server/src/server/scrub';
import { makePicture, openTestBridge, TestClient, type OpenBridge } from '../fakes/bridge-client';
import { jobInState, makePlace, makePreset } from '../fakes/jobs';

const place = makePlace();
let open: OpenBridge;
beforeAll(async () => {
  open = await openTestBridge(place);
});
afterAll(async () => {
  await open.close();
  place.remove();
});

test('the report to send holds no path, name, token, label or picture, and still what helps', async () => {
  const { bytes, sha256 } = await makePicture(0.01, 4);
  const client = await TestClient.connect(open.bridge);
  await client.upload(bytes, sha256, 'clip', 'Wedding of Anna & Björn.mov');
  place.setFaults({
    faults: [
      {
        kind: 'paint',
        do: 'fail',
        code: 'MEDIA_DAMAGED',
        details: { path: '/Volumes/Secret Drive/Wedding of Anna & Björn.mov', problem: 'cut short' },
      },
    ],
  });
  const { job } = await client.ask('submit', {
    spec: {
      clip: sha256,
      clipName: 'Wedding of Anna & Björn.mov',
      preset: makePreset({
        name: 'annas-look',
        title: 'Anna’s look',
        effects: [{ effect: 'zoom', params: { frames: 10 } }],
      }),
      seed: 0,
      provider: 'auto',
      priority: 5,
      labels: { sequence: 'Hochzeit Final v3', section: 'First Dance' },
    },
  });
  await jobInState(open.core.engine, job.id, ['failed']);
  const folder = open.core.engine.folder(job.id);
  appendFileSync(
    join(folder, 'log.txt'),
    [
      `token ${open.bridge.token} at ${homedir()}/Movies/x.mov by ${userInfo().username} on ${hostname()}`,
      'C:\\Users\\anna\\Desktop\\clip one.mov and \\\\server\\share\\film.mov and file:///Users/anna/x.mov',
      'In the section First Dance of Hochzeit Final v3, "Wedding of Anna & Björn" with annas-look',
      'ffmpeg said: moov atom not found, 24000/1001 fps\n',
    ].join('\n'),
  );
  mkdirSync(join(folder, 'previews'), { recursive: true });
  writeFileSync(join(folder, 'previews/0.jpg'), bytes);

  const response = await fetch(`${open.bridge.address}/support.zip?token=${open.bridge.token}`);
  expect(response.headers.get('content-disposition')).toContain('reverie-report.zip');
  const files = unzipSync(new Uint8Array(await response.arrayBuffer()));
  const names = Object.keys(files);
  expect(names).toEqual(
    expect.arrayContaining([
      'about.txt',
      'checks.json',
      'machine.json',
      'jobs/01-failed/job.json',
      'jobs/01-failed/log.txt',
      'jobs/01-failed/events.jsonl',
    ]),
  );
  expect(names.every(name => /\.(txt|json|jsonl)$/.test(name))).toBe(true);
  const text = names.map(name => strFromU8(files[name])).join('\n');
  const secrets = [
    ...[
      open.bridge.token,
      place.folder,
      homedir(),
      'Wedding',
      'Björn',
      'Hochzeit',
      'First Dance',
      'annas-look',
      'Anna’s look',
    ],
    ...['Secret Drive', 'Desktop', 'Volumes', 'Movies', '\\share', 'Users'],
  ];
  for (const secret of secrets) expect([secret, text.includes(secret)]).toEqual([secret, false]);
  for (const word of [userInfo().username, hostname()])
    expect(text).not.toMatch(new RegExp(`(?<![\\w/])${word}(?!\\w)`));
  expect(text).toContain('MEDIA_DAMAGED');
  expect(text).toContain('moov atom not found, 24000/1001 fps');
  // The journal itself is as it was.
  expect(readFileSync(join(folder, 'log.txt'), 'utf8')).toContain('First Dance');
  client.close();
});

test('the report is given to nobody without the token', async () => {
  expect((await fetch(`${open.bridge.address}/support.zip`)).status).toBe(401);
});

test.each([
  ['/home/anna/film.mov', '<path>'],
  ['read "/Users/anna/My Film/scene.mov": gone', 'read "<path>": gone'],
  ['{"path":"C:\\\\Users\\\\anna\\\\film.mov"}', '{"path":"<path>"}'],
  ['D:/footage/day 1/a.mov, frame 3', '<path>, frame 3'],
  ['\\\\nas\\projects\\x.mov', '<path>'],
  ['24000/1001 fps, 1/2 of jobs/20261122/log.txt', '24000/1001 fps, 1/2 of jobs/20261122/log.txt'],
  ['http://127.0.0.1:4711 answers', 'http://127.0.0.1:4711 answers'],
  ['the user al, not all or metal', 'the user <user>, not all or metal'],
])('%s becomes %s', (text, clean) => {
  expect(createScrubber({ words: [{ text: 'al', as: '<user>' }] })(text)).toBe(clean);
});
