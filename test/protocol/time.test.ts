import {
  formatRate,
  formatTimecode,
  frameAt,
  framesToCover,
  parsePosition,
  parseRange,
  parseRate,
  rate,
  sameRate,
  sourcePosition,
  type Rate,
} from '#protocol/time';

const ntsc30 = rate(30000, 1001);
const ntsc60 = rate(60000, 1001);

test('the NTSC decimals mean their exact fractions', () => {
  expect(parseRate('29.97')).toEqual({ num: 30000, den: 1001 });
  expect(parseRate('23.976')).toEqual({ num: 24000, den: 1001 });
  expect(parseRate('59.94')).toEqual({ num: 60000, den: 1001 });
  expect(parseRate('30000/1001')).toEqual(ntsc30);
  expect(parseRate('12.5')).toEqual({ num: 25, den: 2 });
  expect(formatRate(parseRate('50'))).toBe('50');
});

test.each(['', '0', '-5', 'fifty', '1/0', '1e3', '30000/1001/2'])('"%s" is refused as a rate', text => {
  expect(() => parseRate(text)).toThrow(expect.objectContaining({ code: 'RATE_WRONG' }));
});

test('unequal fractions of one rate are the same rate', () => {
  expect(sameRate({ num: 100, den: 2 }, rate(50))).toBe(true);
  expect(sameRate(ntsc30, rate(30))).toBe(false);
});

test('covering a clip with 50 fps frames is never short and at most one frame long', () => {
  for (const from of [rate(24), rate(24000, 1001), rate(25), ntsc30, rate(50), ntsc60, rate(119, 7)]) {
    for (const count of [1, 2, 3, 29, 250, 16_000, 1_000_000]) {
      const frames = framesToCover(count, from, rate(50));
      // frames/50 >= count/from, and one frame fewer would be short; in whole numbers.
      const left = BigInt(frames) * BigInt(from.num);
      const right = BigInt(count) * BigInt(from.den) * 50n;
      expect(left >= right).toBe(true);
      expect(left - BigInt(from.num) < right).toBe(true);
    }
  }
});

test('a source at the output rate is passed through frame for frame', () => {
  for (const k of [0, 1, 999, 123_456])
    expect(sourcePosition(k, rate(50), rate(50))).toEqual({ frame: k, fraction: 0 });
  expect(framesToCover(777, rate(50), rate(50))).toBe(777);
});

test('positions stay exact where floats would drift', () => {
  // 1,000,000 frames of 29.97 later: 1001/30000 s each.
  expect(frameAt(1_000_000, ntsc30, ntsc60)).toBe(2_000_000);
  expect(sourcePosition(1, rate(50), rate(25))).toEqual({ frame: 0, fraction: 0.5 });
  expect(sourcePosition(2_000_000, ntsc60, ntsc30)).toEqual({ frame: 1_000_000, fraction: 0 });
});

test.each<[number, Rate, boolean, string]>([
  [0, rate(25), false, '00:00:00:00'],
  [1500, rate(25), false, '00:01:00:00'],
  [1800, ntsc30, true, '00:01:00;02'],
  [1799, ntsc30, true, '00:00:59;29'],
  [17982, ntsc30, true, '00:10:00;00'],
  [107892, ntsc30, true, '01:00:00;00'],
  [3600, ntsc60, true, '00:01:00;04'],
])('frame %i is written as the timecode of its rate', (frame, at, drop, text) => {
  expect(formatTimecode(frame, at, drop)).toBe(text);
  expect(parsePosition(text, at)).toBe(frame);
});

test('every drop-frame timecode of an hour reads back', () => {
  for (let frame = 0; frame < 107_892; frame += 37)
    expect(parsePosition(formatTimecode(frame, ntsc30, true), ntsc30)).toBe(frame);
});

test('a position may be a frame, a timecode or seconds', () => {
  expect(parsePosition('120', rate(24))).toBe(120);
  expect(parsePosition('2.5s', rate(24))).toBe(60);
  expect(parsePosition('0.04s', ntsc30)).toBe(1);
  for (const wrong of ['', '1:2', '00:00:60:00', '00:00:00:24', '00:01:00;00x', '-3', '2.5']) {
    expect(() => parsePosition(wrong, rate(24))).toThrow(expect.objectContaining({ code: 'TIMECODE_WRONG' }));
  }
  // 00:01:00;00 does not exist in drop-frame counting.
  expect(() => parsePosition('00:01:00;00', ntsc30)).toThrow();
});

test('a range is first and last frame; an empty one is refused', () => {
  expect(parseRange('10:59', rate(25))).toEqual({ first: 10, last: 59, rate: rate(25) });
  expect(parseRange('00:00:01:00..00:00:01:24', rate(25))).toEqual({ first: 25, last: 49, rate: rate(25) });
  expect(parseRange('00:00:01:00-00:00:02:00', rate(25))).toEqual({ first: 25, last: 50, rate: rate(25) });
  expect(() => parseRange('59:10', rate(25))).toThrow(expect.objectContaining({ code: 'RANGE_EMPTY' }));
  expect(() => parseRange('nonsense', rate(25))).toThrow(expect.objectContaining({ code: 'RANGE_WRONG' }));
});
