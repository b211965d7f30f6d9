import { randomBytes } from 'node:crypto';
import { AppError } from '#protocol/errors';
import type { Placement, RenderedClip, TimelineRange } from '#protocol/timeline';
import { createSession, type Session } from '../../extension/src/app/session';
import { createStore, type Store } from '../../extension/src/app/store';
import { createConnection } from '../../extension/src/bridge/connection';
import { download } from '../../extension/src/bridge/download';
import { upload } from '../../extension/src/bridge/upload';
import type { Host, WantedRange } from '../../extension/src/host/host';
import { createFakeBridge, type FakeBridge } from '../fakes/bridge-socket';
import { clipHash, makeClip, makeJob, makePreset } from './make';

const rate = { num: 25, den: 1 };
const range: TimelineRange = {
  sequence: { id: 'seq-1', name: 'Song', width: 640, height: 360, rate, frames: 5000 },
  range: { first: 1000, last: 1099, rate },
  origin: 'selection',
  clips: [
    {
      key: 'c7',
      name: 'Shot',
      track: 1,
      range: { first: 1000, last: 1099, rate },
      kind: 'needs-export',
      reasons: [],
      selected: true,
    },
  ],
  markers: [{ id: 'm', name: 'stylize: tahiti', comment: 'Chorus', first: 1040, length: 0 }],
  playhead: 1000,
};

let fake: FakeBridge;
let store: Store;
let session: Session;
let world: {
  imported: { clip: RenderedClip; at: Placement }[];
  released: number;
  written: Uint8Array[];
  discarded: number;
  wanted: (WantedRange | undefined)[];
};

beforeEach(async () => {
  fake = createFakeBridge();
  world = { imported: [], released: 0, written: [], discarded: 0, wanted: [] };
  fake.answers = {
    presets: () => ({
      presets: [
        { preset: makePreset(), builtIn: true },
        { preset: makePreset({ name: 'tahiti', title: 'Tahiti' }), builtIn: true },
      ],
    }),
    nets: () => ({ nets: [] }),
    jobs: () => ({ jobs: [], seqs: {} }),
    'upload-close': () => ({ sha256: clipHash, clip: makeClip() }),
    estimate: () => ({
      estimate: { seconds: 1, memoryBytes: 1, diskBytes: 1, basis: 'table' },
      width: 1,
      height: 1,
      frames: 1,
      resultBytes: 1,
    }),
    submit: request => {
      if (request.type !== 'submit') throw new Error(request.type);
      return { job: makeJob({ spec: request.spec }) };
    },
  };
  const host: Host = {
    name: 'premiere-cep',
    capabilities: { range: 'timeline', result: 'place', disk: true, markers: false, nativeMenu: false },
    readRange: async wanted => {
      world.wanted.push(wanted);
      if (wanted && 'marker' in wanted && wanted.marker === 'gone') throw new AppError('RANGE_GONE');
      return range;
    },
    exportRange: async () => ({ path: '/tmp/export.mov', name: 'export.mov', isSource: false, handle: 0 }),
    openBytes: async () => ({
      name: 'export.mov',
      sizeBytes: 5,
      read: async (from, length) => new Uint8Array([1, 2, 3, 4, 5]).slice(from, from + length),
    }),
    releaseExport: async () => void world.released++,
    importClip: async (clip, at) => {
      world.imported.push({ clip, at });
      return { outcome: 'placed', track: 2, range: at.range };
    },
    openSink: async fileName => ({
      write: async bytes => void world.written.push(bytes.slice()),
      finish: async () => `/tmp/${fileName}`,
      discard: async () => void world.discarded++,
    }),
    watchTheme: () => () => undefined,
  };
  const connection = createConnection({ open: fake.open, client: 'test' });
  store = createStore();
  session = createSession({
    store,
    host,
    storage: { getItem: () => null, setItem: () => undefined },
    bridge: {
      connection,
      url: path => path,
      upload: (source, kind, options) => upload(connection, source, kind, options),
      download: (job, sink, options) => download(connection, 'result', job, sink, options),
    },
  });
  await until(() => store.get().presets.length > 0);
});
afterEach(() => session.close());

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    if (tries > 400) throw new Error('it never came to be');
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}
const onlyJob = () => Object.values(store.get().jobs)[0];
const submitted = () => fake.requests.flatMap(request => (request.type === 'submit' ? [request.spec] : []));
function finish() {
  const { job } = onlyJob();
  const result = {
    sizeBytes: fake.result.length,
    sha256: 'x',
    frames: 200,
    width: 1280,
    height: 720,
    fileName: 'export-default.mov',
  };
  store.dispatch({ type: 'job', job: { ...job, status: 'done', result } });
}

test('one gesture reads, exports, sends and submits; the job knows where its result belongs', async () => {
  session.stylizeSelection();
  await until(() => onlyJob() !== undefined);
  expect(world.released).toBe(1);
  expect(submitted()).toMatchObject([
    {
      clip: clipHash,
      labels: { sequence: 'seq-1', sequenceName: 'Song', place: '1000:1099:25/1', track: '1', sourceKey: 'c7' },
    },
  ]);
  expect(store.get().page).toBe('jobs');
});

test('a finished result is written whole, then imported at its place', async () => {
  session.stylizeSelection();
  await until(() => onlyJob() !== undefined);
  fake.result = new Uint8Array(randomBytes(3_000_000));
  finish();
  session.takeAllResults();
  await until(() => onlyJob().placed !== undefined);
  expect(Buffer.compare(Buffer.concat(world.written), fake.result)).toBe(0);
  expect(world.imported).toMatchObject([
    {
      clip: { path: '/tmp/export-default.mov', frames: 200, rate: { num: 50, den: 1 } },
      at: { sequence: 'seq-1', range: range.range, sourceKey: 'c7', sourceTrack: 1 },
    },
  ]);
  expect(onlyJob().placed).toEqual({ outcome: 'placed', track: 2, range: range.range });
});

test('a result that does not arrive leaves no file and is not called placed', async () => {
  session.stylizeSelection();
  await until(() => onlyJob() !== undefined);
  fake.failures['download-open'] = [{ code: 'FILE_NOT_FOUND', details: { path: 'result.mov' } }];
  finish();
  session.takeResult(onlyJob().job.id);
  await until(() => onlyJob().problem !== undefined);
  expect(onlyJob()).toMatchObject({ problem: { code: 'FILE_NOT_FOUND' }, fetching: undefined });
  expect(onlyJob().placed).toBeUndefined();
  expect(world.discarded).toBe(1);
  expect(world.imported).toEqual([]);
});

test('markers become sections, each rendered at its own place in the sequence, the shortest first', async () => {
  session.readTimeline();
  await until(() => store.get().source.phase === 'ready');
  session.sectionsFromMarkers();
  await until(() => store.get().sections.list.length === 2);
  expect(store.get().sections.list).toMatchObject([
    { first: 0, last: 39 },
    { label: 'Chorus', first: 40, last: 99, preset: 'tahiti' },
  ]);
  session.changeSections(now => now.map((each, index) => (index === 0 ? { ...each, preset: 'default' } : each)));
  session.renderSections();
  await until(() => store.get().sections.list.every(each => each.job !== undefined));
  expect(
    submitted().map(spec => [spec.preset.name, spec.range?.first, spec.labels.place, spec.labels.section]),
  ).toEqual([
    ['default', 0, '1000:1039:25/1', 'A'],
    ['tahiti', 40, '1040:1099:25/1', 'Chorus'],
  ]);
});

describe('a song without a picture', () => {
  const song = new File(['la la la'], 'song.mp3', { type: 'audio/mpeg' });
  const found = {
    beats: [0.5, 1],
    waveform: [0, 1],
    sections: [
      { startSeconds: 0, endSeconds: 1.6, label: 'A' },
      { startSeconds: 1.6, endSeconds: 6, label: 'B' },
    ],
  };
  const heard = () => fake.requests.flatMap(request => (request.type === 'sections' ? [request.clip] : []));
  const spans = () => store.get().sections.list.map(({ label, first, last }) => [label, first, last]);
  beforeEach(() => {
    fake.answers.sections = () => found;
    fake.answers['upload-close'] = () => {
      const last = fake.requests.flatMap(request => (request.type === 'upload-open' ? [request] : [])).pop();
      return last?.kind === 'sound'
        ? { sha256: last.sha256 }
        : { sha256: clipHash, clip: makeClip({ rate: { num: 50, den: 1 }, frames: 200, hasAudio: true }) };
    };
  });

  test('is heard before there is a clip; its sections then lie in the clip, at the clip’s rate', async () => {
    session.openFile(song);
    await until(() => spans().length === 2);
    expect(store.get().page).toBe('sections');
    expect(spans()).toEqual([
      ['A', 0, 39],
      ['B', 40, 149],
    ]);
    session.changeSections(now => now.map(each => ({ ...each, preset: 'tahiti' })));
    session.readTimeline();
    await until(() => store.get().source.phase === 'ready');
    // The clip is shorter than the song.
    expect(store.get().sections.list).toEqual([
      { label: 'A', first: 0, last: 79, preset: 'tahiti' },
      { label: 'B', first: 80, last: 199, preset: 'tahiti' },
    ]);
    expect(store.get().sections).toMatchObject({ song: { name: 'song.mp3' }, sound: { beats: [0.5, 1] } });
    expect(heard()).toHaveLength(1);
  });

  test('is listened to in place of the clip’s own sound, until it is put away', async () => {
    session.readTimeline();
    await until(() => store.get().source.phase === 'ready');
    session.openSong(song);
    await until(() => spans()[1]?.[0] === 'B');
    expect(spans()[1]).toEqual(['B', 80, 199]);
    session.closeSong();
    await until(() => heard().length === 2 && store.get().sections.sound !== undefined);
    expect(heard()[1]).toBe(clipHash);
    expect(store.get().sections.song).toBeUndefined();
    // What somebody has set stays.
    expect(spans()).toHaveLength(2);
  });

  test('that cannot be heard is said where it was chosen', async () => {
    fake.failures['upload-close'] = [{ code: 'NO_SOUND', details: { path: 'song.mp3' } }];
    session.openSong(song);
    await until(() => store.get().sections.error !== undefined);
    expect(store.get().sections).toMatchObject({ error: { code: 'NO_SOUND' }, listening: false });
  });
});

test('a trigger from outside stylizes the selection with the preset that it names', async () => {
  fake.answers['trigger-take'] = () => ({ granted: true });
  fake.send({ type: 'trigger', ticket: 'one', action: 'stylize-selection', preset: 'tahiti' });
  await until(() => onlyJob() !== undefined);
  expect(submitted()[0].preset.name).toBe('tahiti');
});

test('a trigger that is another panel’s by now changes and starts nothing', async () => {
  fake.answers['trigger-take'] = () => ({ granted: false });
  fake.send({ type: 'trigger', ticket: 'late', action: 'stylize-selection', preset: 'tahiti' });
  await until(() => fake.requests.some(request => request.type === 'trigger-take' && request.ticket === 'late'));
  await new Promise(resolve => setTimeout(resolve, 30));
  expect([store.get().source.phase, store.get().chosen, submitted()]).toEqual(['none', 'default', []]);
});

test('the estimate is asked again when the machine was measured', async () => {
  const asked = () => fake.requests.filter(request => request.type === 'estimate').length;
  session.readTimeline();
  await until(() => store.get().quote.phase === 'known');
  const before = asked();
  fake.answers.estimate = () => ({
    estimate: { seconds: 48, memoryBytes: 1, diskBytes: 1, basis: 'calibrated' },
    width: 1,
    height: 1,
    frames: 1,
    resultBytes: 1,
  });
  fake.send({ type: 'measured' });
  const isBetter = () => {
    const { quote } = store.get();
    return quote.phase === 'known' && quote.quote.estimate.seconds === 48;
  };
  await until(isBetter);
  expect(asked()).toBe(before + 1);
});

test('parts of the timeline are rendered each with its preset; one that cannot be read is said and left out', async () => {
  const [tahiti] = store.get().presets.filter(({ preset }) => preset.name === 'tahiti');
  const parts = ['first', 'gone', 'last'].map(marker => ({ wanted: { marker }, preset: tahiti.preset }));
  session.stylizeParts(parts);
  // A second click while they are read starts nothing.
  session.stylizeParts(parts);
  await until(() => submitted().length === 2 && !store.get().submitting);
  expect(world.wanted).toEqual([{ marker: 'first' }, { marker: 'gone' }, { marker: 'last' }]);
  expect(submitted().map(({ preset, labels }) => [preset.name, labels.place])).toEqual([
    ['tahiti', '1000:1099:25/1'],
    ['tahiti', '1000:1099:25/1'],
  ]);
  expect(store.get().messages.map(({ error }) => error?.code)).toEqual(['RANGE_GONE']);
  expect(store.get()).toMatchObject({ page: 'jobs', chosen: 'default' });
});

test('whoever stops the reading stops the rest', async () => {
  const [{ preset }] = store.get().presets;
  session.stylizeParts(['first', 'last'].map(marker => ({ wanted: { marker }, preset })));
  session.stopReading();
  await until(() => !store.get().submitting);
  expect(world.wanted).toEqual([{ marker: 'first' }]);
  expect(submitted()).toEqual([]);
});

test('a job that was done before the bridge’s answer to its submission arrived is shown as done', async () => {
  const answer = fake.answers.submit!;
  fake.answers.submit = request => {
    const reply = answer(request) as { job: ReturnType<typeof makeJob> };
    // Everything was computed before: the bridge tells the job and its end at once.
    fake.send({ type: 'job', job: reply.job });
    const result = { sizeBytes: 1, sha256: 'x', frames: 200, width: 64, height: 48, fileName: 'result.mov' };
    fake.send({
      type: 'event',
      job: reply.job.id,
      seq: 9,
      at: '2026-11-22T10:15:00.000Z',
      event: { type: 'done', result },
    });
    return reply;
  };
  session.stylizeSelection();
  await until(() => store.get().page === 'jobs');
  expect(onlyJob().job.status).toBe('done');
});

test('of several results for one place only the newest is placed with all', async () => {
  session.stylizeSelection();
  await until(() => onlyJob() !== undefined);
  finish();
  const first = onlyJob().job;
  const again = makeJob({ spec: first.spec, status: 'done', result: first.result });
  store.dispatch({ type: 'job', job: again });
  session.takeAllResults();
  await until(() => store.get().jobs[again.id].placed !== undefined);
  expect(world.imported.map(({ clip }) => (clip as { job: string }).job)).toEqual([again.id]);
});
