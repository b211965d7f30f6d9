import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { findFfmpeg } from '../../bridge-server/src/media/find-ffmpeg';
import { makePicture, openTestBridge, TestClient, type OpenBridge } from '../fakes/bridge-client';
import { makePlace } from '../fakes/jobs';

const place = makePlace();
const media = join(place.folder, 'média of a film');
const film = join(media, 'shot.mp4');
let open: OpenBridge;
let client: TestClient;
beforeAll(async () => {
  mkdirSync(media);
  // Two seconds of red, then two of blue.
  const colours = ['red', 'blue'].flatMap(colour => ['-f', 'lavfi', '-i', `color=${colour}:size=640x360:rate=25:d=2`]);
  const join2 = ['-filter_complex', '[0][1]concat=n=2', '-pix_fmt', 'yuv420p', film];
  execFileSync((await findFfmpeg()).path, ['-v', 'error', ...colours, ...join2]);
  open = await openTestBridge(place);
  client = await TestClient.connect(open.bridge);
});
afterAll(async () => {
  client.close();
  await open.close();
  place.remove();
});

const admit = async (path: string, seconds = 0) => (await client.ask('glimpses', { of: [{ path, seconds }] })).paths[0];
const fetchPath = (path: string | null, token = open.bridge.token) =>
  fetch(`${open.bridge.address}${path}?token=${token}`);
async function colourOf(path: string | null) {
  const response = await fetchPath(path);
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'image/jpeg']);
  const picture = sharp(Buffer.from(await response.arrayBuffer()));
  const { width, height } = await picture.metadata();
  const { channels } = await picture.stats();
  return { width, height, rgb: channels.map(({ mean }) => Math.round(mean)) };
}

test('a small picture of a film at its moment, and of its beginning where the moment is behind its end', async () => {
  const red = await colourOf(await admit(film, 1));
  expect([red.width, red.height]).toEqual([320, 180]);
  expect(red.rgb[0]).toBeGreaterThan(200);
  expect(red.rgb[2]).toBeLessThan(40);
  expect((await colourOf(await admit(film, 3))).rgb[2]).toBeGreaterThan(200);
  expect((await colourOf(await admit(film, 100))).rgb[0]).toBeGreaterThan(200);
});

test('a still picture is shown, too', async () => {
  const path = join(media, 'still.png');
  writeFileSync(path, (await makePicture(0.5)).bytes);
  expect((await colourOf(await admit(path, 7))).width).toBe(320);
});

test('one address for one moment, another when the file changes, none after a restart', async () => {
  const first = await admit(film, 1);
  expect(await admit(film, 1)).toBe(first);
  expect(await admit(film, 2)).not.toBe(first);
  appendFileSync(film, ' ');
  expect(await admit(film, 1)).not.toBe(first);
  const elsewhere = makePlace();
  const other = await openTestBridge(elsewhere);
  const { status } = await fetch(`${other.bridge.address}${first}?token=${other.bridge.token}`);
  await other.close();
  elsewhere.remove();
  expect(status).toBe(404);
});

test('what is no file gives no address, and what is no media no picture', async () => {
  const text = join(media, 'diary.txt');
  writeFileSync(text, 'nothing that anybody should read');
  const list = join(media, 'list.mp4');
  writeFileSync(list, `ffconcat version 1.0\nfile '${film}'\n`);
  symlinkSync('/dev/zero', join(media, 'device.mov'));
  for (const path of [
    '/no/such.mov',
    media,
    '../film.mov',
    `${film}\0.mov`,
    join(media, 'device.mov'),
    'http://a/b.mp4',
  ])
    expect(await admit(path)).toBeNull();
  for (const path of [text, list]) expect((await fetchPath(await admit(path))).status).toBe(422);
});

test('without the token, and without an address that was given, there is nothing', async () => {
  const path = await admit(film, 1);
  expect((await fetchPath(path, 'guessed')).status).toBe(401);
  expect((await fetchPath(`/glimpses/${'0'.repeat(64)}.jpg`)).status).toBe(404);
  expect((await fetchPath('/glimpses/..%2Fbridge.json')).status).toBe(400);
});
