import type { Frame } from '../../bridge-server/src/frame/frame';
import type { StageContext } from '../../bridge-server/src/pipeline/stage';
import { placeFrame, retime, type RetimeStageParams } from '../../bridge-server/src/stages/retime';
import { AppError } from '#protocol/errors';
import type { Notice } from '#protocol/report';
import { framesToCover, rate } from '#protocol/time';
import { makePicture, otherTexture, texture } from './moving-picture';

const [width, height] = [64, 48];

function makeContext(notices: Notice[] = []): StageContext {
  const unused = () => {
    throw new Error('not needed here');
  };
  return {
    signal: new AbortController().signal,
    random: () => Math.random,
    nets: {
      provider: 'cpu',
      bytes: async name => {
        throw new AppError('NET_NOT_FOUND', { name });
      },
      convention: unused,
      compiled: (_key, build) => build().then(unused),
    },
    image: unused,
    painter: unused,
    clip: unused,
    notice: notice => notices.push(notice),
    progress: () => undefined,
    store: () => undefined,
  };
}

/** A picture moving by `px` a frame; from `cut` on another one. */
function makeClip(first: number, count: number, { px = 2, cut = Infinity, alpha = false } = {}): Frame[] {
  return Array.from({ length: count }, (_, t) => {
    const index = first + t;
    const frame = makePicture(
      width,
      height,
      index,
      (x, y) => [x - px * index, y],
      index < cut ? texture : otherTexture,
    );
    return {
      ...frame,
      ...(t === 0 || index === cut ? { shotStart: true } : {}),
      ...(alpha
        ? { alpha: new Float32Array(width * height).map((_v, p) => ((p % width) - px * index > 20 ? 1 : 0.25)) }
        : {}),
    };
  });
}

async function* stream(frames: readonly Frame[], seen?: number[]): AsyncIterable<Frame> {
  for (const frame of frames) {
    seen?.push(frame.index);
    yield frame;
  }
}

function makeParams(overrides: Partial<RetimeStageParams> & { count: number }): RetimeStageParams {
  const { count, first = 0, from = rate(25), to = rate(50), ...rest } = overrides;
  return {
    method: 'flow',
    from,
    to,
    first,
    last: first + count - 1,
    cuts: [],
    out: { first: 0, last: framesToCover(count, from, to) - 1 },
    ...rest,
  };
}

async function run(frames: readonly Frame[], params: RetimeStageParams, context = makeContext()): Promise<Frame[]> {
  const out: Frame[] = [];
  for await (const frame of retime(stream(frames), params, context)) out.push(frame);
  return out;
}

const equal = (a: Frame, b: Frame) =>
  Buffer.from(a.rgb.buffer, a.rgb.byteOffset, a.rgb.byteLength).equals(
    Buffer.from(b.rgb.buffer, b.rgb.byteOffset, b.rgb.byteLength),
  );

function meanError(a: Float32Array, b: Float32Array, margin = 8): number {
  let sum = 0;
  let count = 0;
  for (let y = margin; y < height - margin; y++) {
    for (let x = margin; x < width - margin; x++) {
      sum += Math.abs(a[y * width + x] - b[y * width + x]);
      count++;
    }
  }
  return sum / count;
}

describe('retime', () => {
  test.each(['flow', 'blend', 'repeat', 'rife'] as const)(
    'equal rates pass every frame through untouched (%s)',
    async method => {
      const clip = makeClip(7, 5);
      const out = await run(clip, makeParams({ method, count: 5, first: 7, from: rate(50), to: rate(100, 2) }));
      expect(out.map(frame => frame.index)).toEqual([0, 1, 2, 3, 4]);
      out.forEach((frame, k) => expect(frame.rgb).toBe(clip[k].rgb));
    },
  );

  test.each([
    [rate(25), rate(50)],
    [rate(24000, 1001), rate(50)],
    [rate(30000, 1001), rate(50)],
    [rate(60000, 1001), rate(50)],
    [rate(12), rate(50)],
    [rate(15), rate(50)],
    [rate(48), rate(50)],
    [rate(60), rate(50)],
    [rate(120), rate(50)],
    [rate(179, 6), rate(50)],
    [rate(50), rate(24)],
  ])('%o to %o: as many frames as cover the time, numbered from 0, source frames where they fall', async (from, to) => {
    const clip = makeClip(100, 13);
    const params = makeParams({ method: 'blend', count: 13, first: 100, from, to });
    const out = await run(clip, params);
    expect(out.map(frame => frame.index)).toEqual(Array.from({ length: framesToCover(13, from, to) }, (_, k) => k));
    for (const frame of out) {
      const exact =
        (BigInt(frame.index) * BigInt(to.den) * BigInt(from.num)) % (BigInt(to.num) * BigInt(from.den)) === 0n;
      const source = Math.min(
        12,
        Number((BigInt(frame.index) * BigInt(to.den) * BigInt(from.num)) / (BigInt(to.num) * BigInt(from.den))),
      );
      if (exact || source === 12) expect(frame.rgb).toBe(clip[source].rgb);
      else expect(equal(frame, clip[source])).toBe(false);
    }
  });

  test('repetition shows source frames only', async () => {
    const clip = makeClip(0, 8);
    const out = await run(clip, makeParams({ method: 'repeat', count: 8, from: rate(30), to: rate(50) }));
    expect(out).toHaveLength(14);
    out.forEach((frame, k) => expect(frame.rgb).toBe(clip[Math.floor((k * 3) / 5)].rgb));
  });

  test('motion puts things where they are at that moment, far better than a blend', async () => {
    const clip = makeClip(0, 4, { px: 3 });
    const truth = makePicture(width, height, 0, (x, y) => [x - 3 * 1.5, y]);
    const byFlow = (await run(clip, makeParams({ count: 4 })))[3];
    const byBlend = (await run(clip, makeParams({ count: 4, method: 'blend' })))[3];
    expect(meanError(byFlow.rgb, truth.rgb)).toBeLessThan(0.02);
    expect(meanError(byFlow.rgb, truth.rgb)).toBeLessThan(meanError(byBlend.rgb, truth.rgb) / 4);
  });

  test.each(['flow', 'blend'] as const)(
    'nothing is made across a cut: the last frame of the shot stays (%s)',
    async method => {
      const clip = makeClip(10, 8, { cut: 14 });
      for (const cuts of [[14], []]) {
        const out = await run(clip, makeParams({ method, count: 8, first: 10, from: rate(24), to: rate(50), cuts }));
        const starts = out.filter(frame => frame.shotStart).map(frame => frame.index);
        // Source frame 14 is the fifth: 4/24 s is output frame 8.33, so 9 is the first that shows it.
        expect(starts).toEqual([0, 9]);
        expect(out[7].rgb).toBe(clip[3].rgb);
        expect(out[8].rgb).toBe(clip[3].rgb);
        expect(equal(out[9], clip[4])).toBe(false);
      }
    },
  );

  test('a part of the clip comes out exactly as within the whole', async () => {
    const clip = makeClip(10, 12, { cut: 15 });
    const params = makeParams({ count: 12, first: 10, from: rate(24), to: rate(50), cuts: [15] });
    const whole = await run(clip, params);
    for (const out of [
      { first: 0, last: 7 },
      { first: 8, last: 15 },
      { first: 16, last: 24 },
    ]) {
      const needed = Array.from({ length: out.last - out.first + 1 }, (_, i) =>
        placeFrame(out.first + i, params, () => false),
      );
      const from = needed[0].frame;
      const to = Math.min(21, needed[needed.length - 1].frame + 1);
      const input = clip
        .filter(frame => frame.index >= from && frame.index <= to)
        .map((frame, i) => (i === 0 ? { ...frame, shotStart: true } : frame));
      const part = await run(input, { ...params, out });
      expect(part.map(frame => frame.index)).toEqual(whole.slice(out.first, out.last + 1).map(frame => frame.index));
      part.forEach((frame, i) => {
        expect(equal(frame, whole[out.first + i])).toBe(true);
        expect(frame.shotStart).toBe(whole[out.first + i].shotStart);
      });
    }
  });

  test('reads no further ahead than it must', async () => {
    const seen: number[] = [];
    const frames = retime(stream(makeClip(0, 10), seen), makeParams({ count: 10, method: 'blend' }), makeContext())[
      Symbol.asyncIterator
    ]();
    await frames.next();
    expect(seen).toEqual([0]);
    await frames.next();
    expect(seen).toEqual([0, 1]);
    await frames.return?.();
  });

  test('alpha moves with its picture', async () => {
    const clip = makeClip(0, 3, { px: 4, alpha: true });
    const [, between] = await run(clip, makeParams({ count: 3 }));
    const edge = (frame: Frame) => frame.alpha!.slice(24 * width, 25 * width).findIndex(value => value > 0.6);
    expect(between.alpha).toHaveLength(width * height);
    expect(Math.abs(edge(between) - (edge(clip[0]) + edge(clip[1])) / 2)).toBeLessThanOrEqual(1);
  });

  test('without RIFE motion is used instead, and the report says so', async () => {
    const notices: Notice[] = [];
    const clip = makeClip(0, 3);
    const out = await run(clip, makeParams({ count: 3, method: 'rife' }), makeContext(notices));
    const byFlow = await run(clip, makeParams({ count: 3 }));
    expect(out.every((frame, k) => equal(frame, byFlow[k]))).toBe(true);
    expect(notices.map(notice => notice.kind)).toEqual(['fallback']);
  });

  test('an input with a gap is an error, not a wrong picture', async () => {
    const clip = makeClip(0, 6).filter(frame => frame.index !== 3);
    await expect(run(clip, makeParams({ count: 6, method: 'blend' }))).rejects.toThrow('RESULT_INCOMPLETE');
  });
});
