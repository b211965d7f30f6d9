import * as fs from 'node:fs';
import type { Placement, RenderedClip } from '#protocol/timeline';
import { fromLabels, newestOfEachPlace, toLabels } from '../../extension/src/app/placement';
import { idle } from '../conformance/host';
import { makeJob } from './make';
import { makePremiere, node } from './make-premiere';
import { createPremiereCepHost } from '../../extension/src/host/premiere-cep';

type Panel = Awaited<ReturnType<typeof makePremiere>>;
let panel: Panel;
afterEach(() => panel.close());

const frame = 10160640000n;

/** As the panel does it: the place goes through the job's labels, so that nothing is known that a restart would lose. */
async function mark(section?: string) {
  panel.mark();
  const range = await panel.host.readRange();
  return { range, at: fromLabels(toLabels(range, section))! };
}

async function make(job: string, at: Placement, section = ''): Promise<RenderedClip> {
  const range = { ...(await panel.host.readRange()), range: at.range };
  return { ...(await panel.makeResult(job, range, `${job}.mov`)), labels: section ? { section } : {} };
}
const code = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (thrown: { code?: string }) => thrown.code,
  );

test('a clip that was moved while its result was made takes the result along', async () => {
  panel = await makePremiere();
  const { at } = await mark();
  const clip = await make('job-1', at);
  panel.premiere.move(panel.clips.b.id, 30);
  expect(await panel.host.importClip(clip, at, idle())).toMatchObject({
    outcome: 'placed',
    range: { first: 80, last: 99 },
  });
  expect(panel.timeline.results()).toEqual([expect.objectContaining({ first: 80, last: 99 })]);
  expect(await panel.host.importClip(clip, at, idle())).toMatchObject({ outcome: 'already-there' });
});

test('a clip that was shortened at its end gets as much of its result as it shows', async () => {
  panel = await makePremiere();
  const { at } = await mark();
  const clip = await make('job-1', at);
  panel.clips.b.end = frame * 62n;
  await panel.host.importClip(clip, at, idle());
  expect(panel.timeline.results()).toEqual([expect.objectContaining({ first: 50, last: 61 })]);
});

test('a clip that now begins later in its source does not get a result that begins too early', async () => {
  panel = await makePremiere();
  const { at } = await mark();
  const clip = await make('job-1', at);
  panel.clips.b.start += 4n * frame;
  panel.clips.b.inPoint += 4n * frame;
  const before = panel.timeline.own();
  expect(await code(panel.host.importClip(clip, at, idle()))).toBe('SOURCE_TRIMMED');
  expect(panel.timeline.results()).toEqual([]);
  expect(panel.timeline.own()).toEqual(before);
});

test('of two uses of one file it is the one that was rendered that is followed, and none when that cannot be told', async () => {
  panel = await makePremiere();
  const { at } = await mark();
  const clip = await make('job-1', at);
  const { path } = panel.clips.b.item!;
  panel.premiere.addClip(0, 200, 260, { name: 'Again', path, inPoint: 90n * frame });
  panel.premiere.move(panel.clips.b.id, 30);
  expect(await panel.host.importClip(clip, at, idle())).toMatchObject({ range: { first: 80, last: 99 } });

  const other = await make('job-2', { ...at, range: { ...at.range, first: 5, last: 9 } });
  const gone = { ...at, sourcePath: '/media/gone.mov', range: { ...at.range, first: 5, last: 9 } };
  expect(await panel.host.importClip(other, gone, idle())).toMatchObject({ range: { first: 5, last: 9 } });
});

test('clip and result moved together and rendered again: the new one takes the older one’s place, none is stacked', async () => {
  panel = await makePremiere();
  const first = await mark();
  await panel.host.importClip(await make('job-1', first.at), first.at, idle());
  panel.premiere.move(panel.clips.b.id, 30);
  panel.timeline.moveResult(30);
  const second = await mark();
  expect(second.at.range).toMatchObject({ first: 80, last: 99 });
  expect(await panel.host.importClip(await make('job-2', second.at), second.at, idle())).toMatchObject({
    outcome: 'replaced',
    range: { first: 80, last: 99 },
  });
  expect(panel.timeline.results()).toHaveLength(1);
});

test('a clip trimmed and rendered again has one result: the older, longer one is taken off', async () => {
  panel = await makePremiere();
  const first = await mark();
  await panel.host.importClip(await make('job-1', first.at), first.at, idle());
  panel.clips.b.end = frame * 62n;
  const second = await mark();
  expect(await panel.host.importClip(await make('job-2', second.at), second.at, idle())).toMatchObject({
    outcome: 'placed',
    range: { first: 50, last: 61 },
  });
  expect(panel.timeline.results()).toEqual([expect.objectContaining({ first: 50, last: 61 })]);
});

test('a boundary that was moved: each section has one result, also while both are placed anew', async () => {
  panel = await makePremiere();
  const { at } = await mark();
  const place = (first: number, last: number): Placement => ({
    sequence: at.sequence,
    sourceTrack: 0,
    range: { ...at.range, first, last },
  });
  const put = async (job: string, section: string, first: number, last: number) =>
    panel.host.importClip(await make(job, place(first, last), section), place(first, last), idle());
  await put('job-1', 'A', 0, 29);
  await put('job-2', 'B', 30, 49);
  await put('job-3', 'A', 0, 34);
  await put('job-4', 'B', 35, 49);
  const spans = panel.timeline.results().map(({ first, last }) => [first, last]);
  expect(spans.sort((a, b) => a[0] - b[0])).toEqual([
    [0, 34],
    [35, 49],
  ]);
});

test('what a person has moved is theirs: a result with other ends is laid beside it', async () => {
  panel = await makePremiere();
  const first = await mark();
  await panel.host.importClip(await make('job-1', first.at), first.at, idle());
  panel.timeline.moveResult(7);
  panel.clips.b.end = frame * 62n;
  const second = await mark();
  await panel.host.importClip(await make('job-2', second.at), second.at, idle());
  const spans = panel.timeline.results().map(({ first: from, last }) => [from, last]);
  expect(spans).toHaveLength(2);
  expect(spans).toContainEqual([57, 76]);
});

test('after a restart of panel and application the timeline itself says what lies there, before anything is fetched', async () => {
  panel = await makePremiere();
  const { at } = await mark();
  await panel.host.importClip(await make('job-1', at), at, idle());
  const again = createPremiereCepHost({ evalScript: panel.premiere.evalScript, node, folder: panel.folder });
  expect(await again.findResult!('job-1', at)).toMatchObject({
    outcome: 'already-there',
    range: { first: 50, last: 69 },
  });
  expect(await again.findResult!('job-2', at)).toBeUndefined();
  panel.timeline.moveResult(5);
  expect(await again.findResult!('job-1', at)).toMatchObject({ outcome: 'moved-by-user' });
  expect(fs.readdirSync(`${panel.folder}/results`).filter(name => name.endsWith('.mov'))).toHaveLength(1);
});

test('"Place all" takes the newest job of each place, the oldest place first', () => {
  panel = { close: () => undefined } as Panel;
  const labels = (place: string, sequence = 's') => ({ sequence, place: `${place}:25/1`, track: '0' });
  const job = (id: string, status: 'done' | 'failed', place: Record<string, string>) =>
    makeJob({ id, status, spec: { ...makeJob().spec, labels: place } });
  const jobs = [
    job('20261122-100005-00000005', 'done', {}),
    job('20261122-100004-00000004', 'failed', labels('0:9')),
    job('20261122-100003-00000003', 'done', labels('0:9')),
    job('20261122-100002-00000002', 'done', labels('10:19')),
    job('20261122-100001-00000001', 'done', labels('0:9')),
  ];
  expect(newestOfEachPlace(jobs).map(({ id }) => id.slice(-1))).toEqual(['2', '3']);

  // A section whose end was moved: its older render lies under the newer one's place.
  const sections = [
    job('20261122-100009-00000009', 'done', { ...labels('0:17'), section: 'Verse' }),
    job('20261122-100008-00000008', 'done', { ...labels('40:60'), section: 'Verse' }),
    job('20261122-100007-00000007', 'done', { ...labels('0:13'), section: 'Verse' }),
    job('20261122-100006-00000006', 'done', { ...labels('0:13'), section: 'Chorus' }),
  ];
  expect(newestOfEachPlace(sections).map(({ id }) => id.slice(-1))).toEqual(['6', '8', '9']);
  const clips = [
    job('20261122-100011-00000011', 'done', { ...labels('5:9'), sourceKey: 'clip' }),
    job('20261122-100010-00000010', 'done', { ...labels('0:9'), sourceKey: 'clip' }),
    job('20261122-100010-00000012', 'done', { ...labels('0:9'), sourceKey: 'another' }),
  ];
  expect(newestOfEachPlace(clips).map(({ id }) => id.slice(-2))).toEqual(['12', '11']);
});
