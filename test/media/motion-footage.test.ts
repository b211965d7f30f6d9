import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Frame } from '../../bridge-server/src/frame/frame';
import { decodeFrames } from '../../bridge-server/src/media/decode';
import { probeClip } from '../../bridge-server/src/media/probe';
import { checkFrame, type Checked } from '../../bridge-server/src/stages/check-frames';
import { detectCuts } from '../../bridge-server/src/stages/cuts';
import { measureClip } from '../../bridge-server/src/stages/measure';
import { createClassicalFlow } from '../../bridge-server/src/stages/flow/classical';
import { retimeFrames } from '../../bridge-server/src/stages/retime';
import { rate } from '#protocol/time';

const clips = join(__dirname, '../../../shared/data/clips');
const bunny = 'big_buck_bunny_480p_30s.mp4';
const bottles = 'bottle_conveyor_360p.mp4';
const greenScreen = 'green_screen_a.mp4';

async function open(
  name: string,
  first: number,
  count: number,
  width?: number,
): Promise<{ frames: AsyncIterable<Frame>; total: number }> {
  const path = join(clips, name);
  const info = await probeClip(path);
  const scaleTo =
    width === undefined ? undefined : { width, height: Math.round((width * info.height) / info.width / 2) * 2 };
  const last = Math.min(info.frames - 1, first + count - 1);
  return { frames: decodeFrames(path, info, { first, last, scaleTo }), total: info.frames };
}

async function all(frames: AsyncIterable<Frame>): Promise<Frame[]> {
  const list: Frame[] = [];
  for await (const frame of frames) list.push(frame);
  return list;
}

const describeShared = existsSync(clips) ? describe : describe.skip;

describeShared('on real footage (skipped without ../shared)', () => {
  test('the three cuts of the bunny are found, at 11.88, 15.75 and 23.04 s, and no other, through fade, titles and wild motion', async () => {
    const { frames } = await open(bunny, 0, Infinity, 160);
    expect(await detectCuts(frames)).toEqual({ frames: 720, cuts: [285, 378, 553] });
  });

  test.each([
    [bottles, 480, 160],
    [greenScreen, 560, 160],
  ])('no cut is found in %s, which has none', async (name, first, count) => {
    expect((await detectCuts((await open(name, first, count, 160)).frames)).cuts).toEqual([]);
  });

  test.each([
    [bunny, 0, 40],
    [bunny, 270, 30],
    [bunny, 490, 12],
    [bottles, 500, 30],
    [greenScreen, 670, 30],
  ])('the detector is silent on %s from frame %i, as it is and with other colours', async (name, first, count) => {
    let previous: Checked | undefined;
    const found: string[] = [];
    for await (const frame of (await open(name, first, count)).frames) {
      const painted = { ...frame, rgb: frame.rgb.map(v => 0.1 + 0.8 * v) };
      for (const result of [frame, painted])
        found.push(...checkFrame({ frame: result, content: frame }).map(defect => `${frame.index}: ${defect.text}`));
      found.push(...checkFrame({ frame, content: frame }, previous).map(defect => `${frame.index}: ${defect.text}`));
      previous = { frame, content: frame };
    }
    expect(found).toEqual([]);
  });

  // Every second frame is taken out and made again from its neighbours.
  test.each([
    [bottles, 500, 21, 640],
    [greenScreen, 664, 21, 320],
    [bunny, 64, 11, 427],
  ])(
    'frames left out of %s from frame %i are made again at least 3 dB better than by a blend',
    async (name, first, count, width) => {
      const originals = await all((await open(name, first, count, width)).frames);
      const half = originals.filter((_, i) => i % 2 === 0).map((frame, i) => ({ ...frame, index: i }));
      const remake = async (method: 'flow' | 'blend') => {
        const stream = (async function* () {
          yield* half;
        })();
        const params = {
          method,
          from: rate(12),
          to: rate(24),
          first: 0,
          last: half.length - 1,
          cuts: [],
          out: { first: 0, last: count - 1 },
        };
        const made = await all(
          retimeFrames(stream, params, { signal: new AbortController().signal, notice: () => undefined }),
        );
        let squares = 0;
        for (let i = 1; i < count; i += 2)
          for (let p = 0; p < made[i].rgb.length; p++) squares += (made[i].rgb[p] - originals[i].rgb[p]) ** 2;
        expect(made.filter((_, i) => i % 2 === 0).every((frame, i) => frame.rgb === half[i].rgb)).toBe(true);
        return -10 * Math.log10(squares / (((count - 1) / 2) * originals[0].rgb.length));
      };
      expect(await remake('flow')).toBeGreaterThan((await remake('blend')) + 3);
    },
  );

  test('footage measured against itself: ratio 1; with brightness flickering by 2 % the figures rise', async () => {
    const source = await all((await open(bottles, 500, 8, 320)).frames);
    const stream = (frames: Frame[]) =>
      (async function* () {
        yield* frames;
      })();
    const flow = createClassicalFlow({ where: 'here' });
    const same = (await measureClip(stream(source), stream(source), { flow })).figures;
    const flickering = source.map((frame, t) => ({ ...frame, rgb: frame.rgb.map(v => v + 0.02 * (t % 2)) }));
    const worse = (await measureClip(stream(flickering), stream(source), { flow })).figures;
    expect(same).toMatchObject({ warpingErrorRatio: 1, defectTiles: 0, pairs: 7 });
    expect(worse.warpingErrorRatio!).toBeGreaterThan(3);
    expect(worse.flicker!).toBeGreaterThan(same.flicker! + 0.01);
    expect(worse.stabilityError!).toBeGreaterThan(same.stabilityError!);
  });
});
