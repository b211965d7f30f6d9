import { sweepContent } from '../../bridge-server/src/server/sweep';
import { jobInState, makePlace, makePreset } from '../fakes/jobs';
import { makePicture, openTestBridge, TestClient } from '../fakes/bridge-client';

test('clips and pictures that nobody needs go after two weeks; what a job or preset refers to stays', async () => {
  const place = makePlace();
  const open = await openTestBridge(place);
  const client = await TestClient.connect(open.bridge);
  const [used, unused, style, loose] = await Promise.all([makePicture(), makePicture(), makePicture(), makePicture()]);
  await client.upload(used.bytes, used.sha256);
  await client.upload(unused.bytes, unused.sha256);
  await client.upload(style.bytes, style.sha256, 'image');
  await client.upload(loose.bytes, loose.sha256, 'image');
  await client.ask('preset-save', {
    preset: makePreset({
      name: 'mine',
      effects: [{ effect: 'style', params: { styles: [{ image: { sha256: style.sha256 } }] } }],
    }),
  });
  const { job } = await client.ask('submit', {
    spec: {
      clip: used.sha256,
      clipName: 'a.png',
      preset: makePreset({ effects: [{ effect: 'zoom', params: { frames: 3 } }] }),
      seed: 0,
      provider: 'auto',
      priority: 5,
      labels: {},
    },
  });
  await jobInState(open.core.engine, job.id, ['done']);
  expect(await sweepContent(open.core)).toEqual([]);
  const later = Date.now() + 15 * 24 * 3600 * 1000;
  expect((await sweepContent(open.core, later)).sort()).toEqual([unused.sha256, loose.sha256].sort());
  expect(open.core.clips.has(used.sha256)).toBe(true);
  expect(open.core.images.has(style.sha256)).toBe(true);
  client.close();
  await open.close();
  place.remove();
});
