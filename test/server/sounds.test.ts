import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findFfmpeg } from '../../bridge-server/src/media/find-ffmpeg';
import { sweepContent } from '../../bridge-server/src/server/sweep';
import { makePicture, openTestBridge, TestClient, type OpenBridge } from '../fakes/bridge-client';
import { makePlace } from '../fakes/jobs';

const place = makePlace();
let open: OpenBridge;
let client: TestClient;
let song: Buffer;
const hashOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
beforeAll(async () => {
  const path = join(place.folder, 'song.mp3');
  execFileSync((await findFfmpeg()).path, ['-v', 'error', '-f', 'lavfi', '-i', 'sine=440:duration=2', path]);
  song = readFileSync(path);
  open = await openTestBridge(place);
  client = await TestClient.connect(open.bridge);
});
afterAll(async () => {
  client.close();
  await open.close();
  place.remove();
});

test('a file without a picture is taken as a sound, once, and is no clip', async () => {
  const sha256 = hashOf(song);
  expect(await client.upload(song, sha256, 'sound', 'song.mp3')).toEqual({ sha256 });
  expect((await open.core.sounds.info(sha256)).seconds).toBeCloseTo(2, 0);
  const again = await client.ask('upload-open', { kind: 'sound', sha256, sizeBytes: song.length, name: 'song.mp3' });
  expect(again.complete).toBe(true);
  await expect(client.ask('clip-info', { clip: sha256 })).rejects.toMatchObject({ code: 'CLIP_NOT_FOUND' });
  await expect(client.upload(song, sha256, 'clip', 'song.mp3')).rejects.toMatchObject({ code: 'NO_VIDEO' });
});

test('what is silent or no media is not kept', async () => {
  const picture = (await makePicture()).bytes;
  const text = Buffer.from('la la la');
  for (const bytes of [picture, text]) {
    await expect(client.upload(bytes, hashOf(bytes), 'sound', 'x.mp3')).rejects.toMatchObject({
      code: expect.stringMatching(/^(NOT_MEDIA|NO_SOUND)$/),
      details: { path: 'x.mp3' },
    });
    expect(open.core.sounds.has(hashOf(bytes))).toBe(false);
  }
});

test('only what was sent is listened to', async () => {
  await expect(client.ask('sections', { clip: 'ab'.repeat(32) })).rejects.toMatchObject({ code: 'CLIP_NOT_FOUND' });
});

test('a song that nobody used for weeks goes', async () => {
  const soon = Date.now() + 13 * 24 * 3600 * 1000;
  expect(await sweepContent(open.core, soon)).toEqual([]);
  expect(await sweepContent(open.core, soon + 2 * 24 * 3600 * 1000)).toEqual([hashOf(song)]);
  expect(open.core.sounds.has(hashOf(song))).toBe(false);
});
