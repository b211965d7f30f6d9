import type { JobEventBody } from '#protocol/job';
import { presetSchema } from '#protocol/preset';
import {
  addEffect,
  addStyle,
  presetName,
  readPresetFile,
  removeEffect,
  samePicture,
  setParam,
} from '../../extension/src/app/draft';
import {
  entryOf,
  failureOf,
  fractionDone,
  listJobs,
  reduceJobs,
  sourceFrame,
  type Jobs,
} from '../../extension/src/app/jobs';
import { fromLabels, toLabels } from '../../extension/src/app/placement';
import { readSaved, toSaved, writeSaved } from '../../extension/src/app/saved';
import { initialState, reduceApp, type AppState } from '../../extension/src/app/state';
import { createStore } from '../../extension/src/app/store';
import { toClipFrame, toSequenceFrame, toSequenceRange } from '../../extension/src/app/timeline-map';
import { makeClip, makeJob, makePreset } from './make';

const at = '2026-11-22T10:20:00.000Z';
function play(jobs: Jobs, id: string, events: JobEventBody[], from = 1): Jobs {
  return events.reduce(
    (state, event, index) => reduceJobs(state, { type: 'job-event', job: id, seq: from + index, at, event }),
    jobs,
  );
}
const result = { sizeBytes: 10, sha256: 'x', frames: 200, width: 1280, height: 720, fileName: 'shot.mov' };

describe('jobs', () => {
  const job = makeJob();
  const known: Jobs = { [job.id]: entryOf(job) };

  test('a job goes from waiting to done, and its bar from empty to full', () => {
    const started = play(known, job.id, [
      {
        type: 'planned',
        estimate: { seconds: 5, memoryBytes: 1, diskBytes: 1, basis: 'table' },
        tasks: ['a', 'b'],
        total: 50,
      },
      { type: 'started' },
      { type: 'task-started', task: 'a', where: 'here' },
      { type: 'progress', done: 20, stage: 'stylize', frame: 19, frames: 50, secondsLeft: 30 },
      { type: 'preview', frame: 38, final: true },
    ]);
    const active = started[job.id];
    expect(active.job).toMatchObject({
      status: 'active',
      tasks: { a: 'active', b: 'waiting' },
      now: { stage: 'stylize', frame: 19 },
      previews: [38],
    });
    expect(fractionDone(active.job)).toBeCloseTo(0.4);
    expect(active.lastPreview).toEqual({ frame: 38, seq: 5 });
    const done = play(
      started,
      job.id,
      [
        { type: 'task-done', task: 'a', reused: false, seconds: 3 },
        { type: 'done', result },
      ],
      6,
    )[job.id];
    expect(done.job).toMatchObject({ status: 'done', result, finishedAt: at, tasks: { a: 'done' } });
    expect(done.job.now).toBeUndefined();
    expect(fractionDone(done.job)).toBe(1);
  });

  test('an event that was already heard changes nothing', () => {
    const once = play(
      known,
      job.id,
      [{ type: 'notice', notice: { kind: 'cut', stage: 'analyse', frame: 3, text: 'cut' } }],
      4,
    );
    const twice = play(
      once,
      job.id,
      [{ type: 'notice', notice: { kind: 'cut', stage: 'analyse', frame: 3, text: 'cut' } }],
      4,
    );
    expect(twice).toBe(once);
    expect(once[job.id].notices).toHaveLength(1);
  });

  test('a failed job keeps its reason until it is resumed', () => {
    const failed = play(known, job.id, [
      { type: 'failed', error: { code: 'DISK_FULL', details: { need: '3 GB', path: '/x' } } },
    ]);
    expect(failed[job.id].job).toMatchObject({ status: 'failed', error: { code: 'DISK_FULL' } });
    expect(play(failed, job.id, [{ type: 'resumed' }], 2)[job.id].job).toMatchObject({
      status: 'queued',
      error: undefined,
    });
  });

  test('a cancelled job does not become active by a straggling event of an older connection', () => {
    const cancelled = play(known, job.id, [{ type: 'started' }, { type: 'cancelled' }]);
    const late = reduceJobs(cancelled, { type: 'job-event', job: job.id, seq: 1, at, event: { type: 'started' } });
    expect(late[job.id].job.status).toBe('cancelled');
  });

  test('the answer of the bridge replaces what was guessed; jobs that are gone go, notices stay', () => {
    const noticed = play(known, job.id, [{ type: 'notice', notice: { kind: 'note', stage: 'x', text: 'y' } }]);
    const other = makeJob();
    const next = reduceJobs(noticed, {
      type: 'jobs',
      jobs: [{ ...job, status: 'active' }, other],
      seqs: { [job.id]: 9 },
    });
    expect(next[job.id]).toMatchObject({ seq: 9, job: { status: 'active' } });
    expect(next[job.id].notices).toHaveLength(1);
    expect(reduceJobs(next, { type: 'jobs', jobs: [other], seqs: {} })[job.id]).toBeUndefined();
  });

  test('a bridge that lost its last lines is believed, and its further events are heard', () => {
    const ahead = play(known, job.id, [{ type: 'started' }], 50);
    const back = reduceJobs(ahead, {
      type: 'jobs',
      jobs: [makeJob({ ...job, status: 'queued' })],
      seqs: { [job.id]: 40 },
    });
    expect(play(back, job.id, [{ type: 'started' }], 41)[job.id].job.status).toBe('active');
  });

  test('newest first', () => {
    const [old, young] = [
      makeJob({ createdAt: '2026-11-20T00:00:00Z' }),
      makeJob({ createdAt: '2026-11-21T00:00:00Z' }),
    ];
    expect(listJobs({ [old.id]: entryOf(old), [young.id]: entryOf(young) }).map(entry => entry.job.id)).toEqual([
      young.id,
      old.id,
    ]);
  });

  test('a preview is compared with the source frame that it shows', () => {
    const ranged = makeJob();
    ranged.spec = { ...ranged.spec, range: { first: 10, last: 19, rate: { num: 25, den: 1 } } };
    expect([0, 1, 2, 19].map(frame => sourceFrame(ranged, frame))).toEqual([10, 10, 11, 19]);
    expect(sourceFrame(ranged, 1000)).toBe(19);
    const zoom = makeJob();
    zoom.spec = { ...zoom.spec, preset: makePreset({ effects: [{ effect: 'zoom' }] }) };
    expect(sourceFrame(zoom, 5)).toBeUndefined();
  });
});

describe('state', () => {
  const ready = (frames = 100): AppState =>
    reduceApp(initialState, {
      type: 'source',
      source: {
        phase: 'ready',
        name: 'shot.mov',
        clip: makeClip({ frames }),
        timeline: {} as never,
        exported: { name: 'shot.mov', isSource: true, handle: 0 },
      },
    });

  test('a new clip is taken whole, and looked at a third of the way in', () => {
    expect(ready()).toMatchObject({ range: { first: 0, last: 99 }, playhead: 33 });
    expect(ready(1)).toMatchObject({ range: { first: 0, last: 0 }, playhead: 0 });
  });

  test('range and playhead stay inside the clip, and a range holds at least one frame', () => {
    let state = reduceApp(ready(), { type: 'range', first: 40, last: 500 });
    expect(state.range).toEqual({ first: 40, last: 99 });
    state = reduceApp(state, { type: 'range', first: 60, last: 20 });
    expect(state.range).toEqual({ first: 20, last: 60 });
    state = reduceApp(state, { type: 'playhead', frame: -3 });
    expect(state.playhead).toBe(0);
    expect(reduceApp(state, { type: 'range', first: 99, last: 99 }).range).toEqual({ first: 99, last: 99 });
  });

  test('the same clip again keeps its range', () => {
    const narrowed = reduceApp(ready(), { type: 'range', first: 5, last: 6 });
    const again = reduceApp(narrowed, { type: 'source', source: ready().source });
    expect(again.range).toEqual({ first: 5, last: 6 });
  });

  test('a reload of the presets keeps a changed draft', () => {
    const presets = [{ preset: makePreset(), builtIn: true }];
    const loaded = reduceApp(initialState, { type: 'presets', presets });
    const draft = setParam(loaded.draft ?? makePreset(), 0, ['strength'], 11);
    const changed = reduceApp(loaded, { type: 'draft', draft });
    expect(reduceApp(changed, { type: 'presets', presets }).draft).toBe(draft);
    expect(reduceApp(changed, { type: 'choose', name: 'default' }).draft).toEqual(makePreset());
  });

  test('the same message is not shown twice, and old ones make room', () => {
    let state = initialState;
    for (const need of ['1', '2', '2', '3', '4', '5'])
      state = reduceApp(state, { type: 'say', message: { error: { code: 'DISK_FULL', details: { need } } } });
    expect(state.messages.map(message => message.error?.details.need)).toEqual(['2', '3', '4', '5']);
    expect(new Set(state.messages.map(message => message.id)).size).toBe(4);
    expect(reduceApp(state, { type: 'unsay', id: state.messages[0].id }).messages).toHaveLength(3);
  });

  test('listeners hear changes and nothing else', () => {
    const store = createStore();
    const heard: string[] = [];
    const stop = store.subscribe(() => heard.push(store.get().page));
    store.dispatch({ type: 'choose', name: 'no-such-preset' });
    store.dispatch({ type: 'page', page: 'jobs' });
    stop();
    store.dispatch({ type: 'page', page: 'dream' });
    expect(heard).toEqual(['jobs']);
  });

  test('what is remembered comes back; damage is forgotten', () => {
    const memory = new Map<string, string>();
    const storage = {
      getItem: (key: string) => memory.get(key) ?? null,
      setItem: (key: string, value: string) => void memory.set(key, value),
    };
    expect(readSaved(storage)).toBeUndefined();
    const state = { ...ready(), draft: makePreset(), chosen: 'default' };
    writeSaved(storage, toSaved(state));
    expect(readSaved(storage)).toMatchObject({
      chosen: 'default',
      clip: { name: 'shot.mov' },
      range: { first: 0, last: 99 },
      playhead: 33,
      draft: makePreset(),
    });
    const [key, text] = [...memory][0];
    memory.set(key, text.replace('"strength":60', '"strength":"much"'));
    expect(readSaved(storage)).toMatchObject({ chosen: 'default', draft: undefined });
    memory.set(key, '{');
    expect(readSaved(storage)).toBeUndefined();
  });
});

describe('presets', () => {
  test('a change keeps the preset valid and the original untouched', () => {
    const preset = makePreset({ effects: [{ effect: 'style' }, { effect: 'zoom' }] });
    const changed = setParam(setParam(preset, 0, ['strength'], 5), 1, ['dream', 'octaves'], 7);
    expect(presetSchema.safeParse(changed).success).toBe(true);
    expect(changed.effects[1]).toMatchObject({ params: { dream: { octaves: 7 } } });
    expect(preset).toEqual(makePreset({ effects: [{ effect: 'style' }, { effect: 'zoom' }] }));
    expect(samePicture(preset, changed)).toBe(false);
    expect(samePicture(preset, { ...preset, title: 'Other words' })).toBe(true);
  });

  test('a parameter that is taken away is absent, not empty', () => {
    const preset = makePreset({ effects: [{ effect: 'dream', params: { guide: { sha256: 'ab'.repeat(32) } } }] });
    const changed = setParam(preset, 0, ['guide'], undefined);
    expect('guide' in changed.effects[0].params).toBe(false);
    expect(presetSchema.safeParse(changed).success).toBe(true);
  });

  test('effects stand in the order of work, and one always stays', () => {
    const names = (preset: ReturnType<typeof makePreset>) => preset.effects.map(effect => effect.effect);
    const preset = makePreset({ effects: [{ effect: 'style' }, { effect: 'retime' }] });
    expect(names(addEffect(addEffect(preset, 'key'), 'upscale'))).toEqual(['key', 'style', 'upscale', 'retime']);
    const one = removeEffect(preset, 0);
    expect(names(one)).toEqual(['retime']);
    expect(removeEffect(one, 0)).toBe(one);
  });

  test("the first own picture takes the painter's place, the next ones join", () => {
    const painter = { image: { painter: 'tahiti' }, weight: 1 };
    const [a, b] = ['aa', 'bb'].map(two => ({ sha256: two.repeat(32) }));
    const one = addStyle([painter], a);
    expect(one).toEqual([{ image: a, weight: 1 }]);
    expect(addStyle(one, b)).toHaveLength(2);
    expect(addStyle(one, a)).toBe(one);
    const many = Array.from({ length: 12 }, (_, index) => ({ sha256: index.toString(16).padStart(2, '0').repeat(32) }));
    expect(many.reduce<ReturnType<typeof addStyle>>((list, image) => addStyle(list, image), [painter])).toHaveLength(8);
  });

  test.each([
    ['Café, night', 'cafe-night'],
    ['  --  ', 'preset'],
    ['Über 100 %', 'uber-100'],
    ['x'.repeat(80), 'x'.repeat(60)],
  ])('%s is filed as %s', (title, name) => {
    expect(presetName(title)).toBe(name);
    expect(presetSchema.shape.name.safeParse(presetName(title)).success).toBe(true);
  });

  test('a preset file is read back as it was written; a wrong one names its fault', () => {
    const preset = makePreset({ name: 'mine', title: 'Mine' });
    expect(readPresetFile(JSON.stringify(preset))).toEqual({ presets: [preset] });
    expect(readPresetFile(JSON.stringify([preset, preset]))).toEqual({ presets: [preset, preset] });
    expect(readPresetFile('not json')).toHaveProperty('problem');
    const wrong = readPresetFile(
      JSON.stringify({ ...preset, effects: [{ effect: 'style', params: { strength: 1000 } }] }),
    );
    expect((wrong as { problem: string }).problem).toContain('effects.0.params.strength');
  });
});

describe('the clip and its timeline', () => {
  // A 50 fps file that shows in a 29.97 sequence from frame 120 on; its first 100 frames are a handle.
  const ntsc = { num: 30000, den: 1001 };
  const source = {
    phase: 'ready' as const,
    name: 'shot.mov',
    clip: makeClip({ rate: { num: 50, den: 1 }, frames: 400 }),
    timeline: {
      sequence: { id: 's', name: 'S', width: 1, height: 1, rate: ntsc, frames: 9000 },
      range: { first: 120, last: 239, rate: ntsc },
      origin: 'selection' as const,
      clips: [],
      markers: [],
      playhead: 0,
    },
    exported: {
      name: 'shot.mov',
      isSource: true,
      handle: 0,
      range: { first: 100, last: 299, rate: { num: 50, den: 1 } },
    },
  };

  test('all of the export is exactly what was marked', () => {
    expect(toSequenceRange(source, 100, 299)).toEqual(source.timeline.range);
    expect(toSequenceRange(source, 0, 399)).toEqual(source.timeline.range);
  });

  test('a part lies where it shows, at the rate of the sequence, and never beyond the mark', () => {
    // 100 frames at 50 fps are 2 s: 59.94 frames later, rounded down.
    expect(toSequenceRange(source, 200, 249)).toEqual({ first: 179, last: 208, rate: ntsc });
    expect(toSequenceRange(source, 250, 399).last).toBe(239);
    expect(toSequenceRange(source, 298, 298)).toEqual({ first: 238, last: 238, rate: ntsc });
  });

  test('a marker of the sequence is found in the clip', () => {
    expect(toClipFrame(source, 120)).toBe(100);
    expect(toClipFrame(source, 150)).toBe(150);
    expect(toClipFrame(source, 90)).toBe(49);
    expect(toSequenceFrame(source, 100)).toBe(120);
  });
});

describe('placement', () => {
  const timeline = {
    sequence: { id: 'seq-1', name: 'Song', width: 1920, height: 1080, rate: { num: 30000, den: 1001 }, frames: 9000 },
    range: { first: 120, last: 239, rate: { num: 30000, den: 1001 } },
    origin: 'selection' as const,
    clips: [
      {
        key: 'clip-1',
        name: 'A',
        track: 0,
        range: { first: 0, last: 9, rate: { num: 30000, den: 1001 } },
        kind: 'plain' as const,
        reasons: [],
        selected: false,
      },
      {
        key: 'clip-7',
        name: 'B',
        track: 2,
        range: { first: 120, last: 239, rate: { num: 30000, den: 1001 } },
        kind: 'plain' as const,
        reasons: [],
        selected: true,
      },
    ],
    markers: [],
    playhead: 0,
  };

  test("where a result belongs survives as the job's labels, exactly", () => {
    const labels = toLabels(timeline, 'Chorus');
    expect(labels).toMatchObject({ section: 'Chorus', sequenceName: 'Song' });
    expect(Object.values(labels).every(value => value.length <= 200)).toBe(true);
    expect(fromLabels(labels)).toEqual({
      sequence: 'seq-1',
      range: timeline.range,
      sourceKey: 'clip-7',
      sourceTrack: 2,
    });
  });

  test.each([
    {},
    { sequence: 's', place: '9:3:25/1' },
    { place: '1:3:25/1' },
    { sequence: 's', place: '1:3:0/1' },
    { sequence: 's', place: 'x' },
  ])('labels that do not say it are no placement: %j', labels => {
    expect(fromLabels(labels as Record<string, string>)).toBeUndefined();
  });
});

test('a failed job names its clip as the person does, not the bridge’s copy of it', () => {
  const job = makeJob();
  const copy = `/Users/me/Library/Application Support/Reverie/clips/${job.spec.clip}`;
  const failureIn = (details: Record<string, string | number>) =>
    failureOf({ ...job, error: { code: 'MEDIA_DAMAGED', details } })?.details;
  expect(failureIn({ path: copy, problem: `no picture in ${copy}`, frame: 3 })).toEqual({
    path: 'shot.mov',
    problem: 'no picture in shot.mov',
    frame: 3,
  });
  expect(failureIn({ path: `C:\\Reverie\\clips\\${job.spec.clip}` })).toEqual({ path: 'shot.mov' });
  expect(failureOf(job)).toBeUndefined();
});
