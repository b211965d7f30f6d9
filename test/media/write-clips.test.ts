import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CodecName } from '../../bridge-server/src/protocol/preset';
import type { Rate } from '../../bridge-server/src/protocol/time';
import { createFrame, type Frame } from '../../bridge-server/src/frame/frame';
import { createEncoder, encodedSize, segmentEnding, trackTimescale } from '../../bridge-server/src/media/encode';
import { joinSegments } from '../../bridge-server/src/media/join';
import { listSequence } from '../../bridge-server/src/media/picture-sequence';
import { probeClip } from '../../bridge-server/src/media/probe';
import { writeComparisonSheet, writeSideBySide } from '../../bridge-server/src/media/side-by-side';
import { loadPicture } from '../../bridge-server/src/media/still';
import { drawScene } from '../../bridge-server/src/media/test-scene';
import { filmstrip } from '../../bridge-server/src/media/thumbnails';
import { verifyClip } from '../../bridge-server/src/media/verify';
import { bits, colourError, decodeAll, numbers, patches, runProgram, tempFolder, upTo } from './numbered-clip';

const folder = tempFolder();
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The numbered picture of the tests as a frame. */
function numbered(number: number, width = 320, height = 128, alpha = false): Frame {
  const frame = createFrame(width, height, number);
  const size = width * height;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const colour =
        y < height / 2
          ? Array(3).fill((number >> Math.floor((x * bits) / width)) & 1 ? 235 : 20)
          : patches[Math.floor((x * patches.length) / width)];
      for (let channel = 0; channel < 3; channel++) frame.rgb[channel * size + y * width + x] = colour[channel] / 255;
    }
  }
  const ramp = Float32Array.from({ length: size }, (_, index) =>
    Math.min(Math.max((2 * (index % width)) / width - 0.5, 0), 1),
  );
  return alpha ? { ...frame, alpha: ramp } : frame;
}

async function write(
  path: string,
  codec: CodecName,
  rate: Rate,
  from: number,
  count: number,
  alpha = false,
  size = [320, 128],
) {
  const encoder = await createEncoder(path, { codec, rate, width: size[0], height: size[1], alpha });
  for (let number = from; number < from + count; number++)
    await encoder.write(numbered(number, size[0], size[1], alpha));
  return encoder.finish();
}

/** Asks ffprobe, which shares no code with the product. */
async function ask(path: string): Promise<Record<string, string>> {
  const text = await runProgram('ffprobe', [
    '-v',
    'error',
    '-select_streams',
    'v',
    '-count_frames',
    '-show_streams',
    '-of',
    'json',
    path,
  ]);
  return (JSON.parse(text.toString()) as { streams: Record<string, string>[] }).streams[0];
}

const fifty = { num: 50, den: 1 };

describe('each codec keeps count, rate, tags and colour', () => {
  test.each([
    ['prores422hq', 'apch', 'yuv422p10le', 1.2],
    ['prores4444', 'ap4h', 'yuva444p12le', 1],
    ['dnxhr', 'AVdh', 'yuv422p10le', 1.2],
    ['h264', 'avc1', 'yuv420p', 3],
  ] as const)('%s', async (codec, tag, format, limit) => {
    const rate = codec === 'dnxhr' ? { num: 24000, den: 1001 } : fifty;
    const alpha = codec === 'prores4444';
    const { path, frames } = await write(at(`${codec}${segmentEnding(codec)}`), codec, rate, 0, 15, alpha);
    expect(frames).toBe(15);
    expect(await ask(path)).toMatchObject({
      codec_tag_string: tag,
      pix_fmt: format,
      color_primaries: 'bt709',
      color_transfer: 'bt709',
      color_space: 'bt709',
      color_range: 'tv',
      r_frame_rate: `${rate.num}/${rate.den}`,
      avg_frame_rate: `${rate.num}/${rate.den}`,
      nb_frames: '15',
      nb_read_frames: '15',
      start_pts: 0,
      width: 320,
      height: 128,
    });
    // The container says it too (colr: nclc or nclx, 1-1-1), for readers that look only there.
    const bytes = readFileSync(path);
    const colr = bytes.indexOf('colr');
    expect([...bytes.subarray(colr + 8, colr + 14)]).toEqual([0, 1, 0, 1, 0, 1]);
    const info = await probeClip(path);
    const read = await decodeAll(path, info);
    expect(numbers(read)).toEqual(upTo(15));
    expect(Math.max(...read.map(colourError))).toBeLessThan(limit);
    await expect(verifyClip(path, { frames: 15, rate, width: 320, height: 128, alpha })).resolves.toMatchObject({
      frames: 15,
      hasAlpha: alpha,
      hasAudio: false,
    });
    if (!alpha) return;
    const wanted = numbered(0, 320, 128, true).alpha!;
    const got = read[3].alpha!;
    expect(got.every((value, index) => Math.abs(value - wanted[index]) < 0.0012)).toBe(true);
    expect(got.every((value, index) => (wanted[index] !== 0 && wanted[index] !== 1) || value === wanted[index])).toBe(
      true,
    );
  });

  test('PNG keeps 16 bits and alpha', async () => {
    const { path, frames } = await write(at('pictures'), 'png', fifty, 0, 3, true);
    expect(frames).toBe(3);
    expect(readdirSync(path).sort()).toEqual(['000000.png', '000001.png', '000002.png']);
    const [first] = await listSequence(at('pictures'));
    const frame = await loadPicture(first.path);
    const wanted = numbered(0, 320, 128, true);
    expect(Math.max(...frame.rgb.map((value, index) => Math.abs(value - wanted.rgb[index])))).toBeLessThan(
      0.51 / 65535,
    );
    expect(Math.max(...frame.alpha!.map((value, index) => Math.abs(value - wanted.alpha![index])))).toBeLessThan(
      0.51 / 65535,
    );
    await expect(
      verifyClip(at('pictures'), { frames: 3, rate: fifty, width: 320, height: 128, alpha: true }),
    ).resolves.toMatchObject({ frames: 3 });
  });

  test('a named sequence replaces an older, longer one and leaves other files alone', async () => {
    mkdirSync(at('mixed'));
    writeFileSync(at('mixed/notes.txt'), 'keep');
    await write(at('mixed/shot-%04d.png'), 'png', fifty, 0, 5);
    await write(at('mixed/shot-%04d.png'), 'png', fifty, 0, 2);
    expect(readdirSync(at('mixed')).sort()).toEqual(['notes.txt', 'shot-0000.png', 'shot-0001.png']);
  });
});

test.each([
  ['prores422hq', '321x181', '322x181'],
  ['h264', '321x181', '322x182'],
  ['prores4444', '321x181', '321x181'],
] as const)('%s of odd size %s is written as %s, and says so', async (codec, from, to) => {
  const [width, height] = from.split('x').map(Number);
  const encoder = await createEncoder(at(`odd-${codec}${segmentEnding(codec)}`), { codec, rate: fifty, width, height });
  expect(`${encoder.width}x${encoder.height}`).toBe(to);
  expect(encodedSize(codec, width, height)).toEqual({ width: encoder.width, height: encoder.height });
  expect(encoder.note === undefined).toBe(from === to);
  await encoder.write(numbered(9, width, height));
  const { path } = await encoder.finish();
  const info = await probeClip(path);
  expect(`${info.width}x${info.height}`).toBe(to);
  const [frame] = await decodeAll(path, info);
  expect(numbers([frame])).toEqual([9]);
  expect(colourError(frame)).toBeLessThan(3);
});

test('a track clock holds every rate exactly', () => {
  for (const [num, den] of [
    [50, 1],
    [24000, 1001],
    [30000, 1001],
    [60000, 1001],
    [25, 1],
    [179, 6],
    [12, 1],
    [1, 1],
    [239, 10],
  ]) {
    const scale = trackTimescale({ num, den });
    expect((scale * den) % num).toBe(0);
    expect(scale).toBeGreaterThanOrEqual(10_000);
  }
});

describe('joining', () => {
  test.each([
    ['prores422hq', fifty],
    ['prores4444', { num: 60000, den: 1001 }],
    ['dnxhr', { num: 30000, den: 1001 }],
    ['h264', { num: 24000, den: 1001 }],
  ] as const)('%s segments of unequal length become one clip with exact times', async (codec, rate) => {
    const segments: string[] = [];
    for (const [from, count] of [
      [0, 7],
      [7, 1],
      [8, 30],
    ]) {
      segments.push(
        (
          await write(
            at(`part-${codec}-${from}${segmentEnding(codec)}`),
            codec,
            rate,
            from,
            count,
            codec === 'prores4444',
          )
        ).path,
      );
    }
    const joined = await joinSegments(segments, at(`joined-${codec}${segmentEnding(codec)}`), 38);
    expect(joined.frames).toBe(38);
    await verifyClip(joined.path, { frames: 38, rate, width: 320, height: 128, alpha: codec === 'prores4444' });
    expect(await ask(joined.path)).toMatchObject({
      nb_read_frames: '38',
      r_frame_rate: `${rate.num}/${rate.den}`,
      avg_frame_rate: `${rate.num}/${rate.den}`,
      start_pts: 0,
      color_space: 'bt709',
    });
    const info = await probeClip(joined.path);
    expect(numbers(await decodeAll(joined.path, info))).toEqual(upTo(38));
    expect(numbers(await decodeAll(joined.path, info, { first: 20, last: 25 }))).toEqual([20, 21, 22, 23, 24, 25]);
    // Nobody complains, not even about warnings.
    await expect(
      runProgram('ffmpeg', ['-v', 'warning', '-xerror', '-i', joined.path, '-f', 'null', '-']),
    ).resolves.toHaveLength(0);
  });

  test('pictures of several folders are numbered on', async () => {
    const parts = [at('pa'), at('pb')];
    await write(parts[0], 'png', fifty, 0, 3);
    await write(parts[1], 'png', fifty, 3, 2);
    await joinSegments(parts, at('all/x-%03d.png'), 5);
    const pictures = await listSequence(at('all/x-%03d.png'));
    expect(pictures.map(picture => picture.number)).toEqual(upTo(5));
    expect(numbers(await Promise.all(pictures.map(picture => loadPicture(picture.path))))).toEqual(upTo(5));
  });

  test('a missing, a short and an odd segment are refused, and nothing is left', async () => {
    const good = (await write(at('good.mov'), 'prores422hq', fifty, 0, 4)).path;
    const other = (await write(at('other.mov'), 'prores422hq', { num: 25, den: 1 }, 4, 4)).path;
    await expect(joinSegments([good, at('gone.mov')], at('bad.mov'), 8)).rejects.toMatchObject({
      code: 'RESULT_INCOMPLETE',
    });
    await expect(joinSegments([good], at('bad.mov'), 8)).rejects.toMatchObject({
      code: 'RESULT_INCOMPLETE',
      details: { actual: 4, expected: 8 },
    });
    await expect(joinSegments([good, other], at('bad.mov'), 8)).rejects.toMatchObject({ code: 'RESULT_WRONG' });
    expect(readdirSync(folder).filter(name => name.startsWith('bad'))).toEqual([]);
  });
});

describe('verifying finds', () => {
  test('missing frames, another rate, another size, missing alpha, damage', async () => {
    const { path } = await write(at('verify.mov'), 'prores422hq', fifty, 0, 6);
    const right = { frames: 6, rate: fifty, width: 320, height: 128 };
    await expect(verifyClip(path, { ...right, frames: 7 })).rejects.toMatchObject({
      code: 'RESULT_INCOMPLETE',
      details: { actual: 6, expected: 7 },
    });
    await expect(verifyClip(path, { ...right, rate: { num: 25, den: 1 } })).rejects.toMatchObject({
      code: 'RESULT_WRONG',
    });
    await expect(verifyClip(path, { ...right, width: 640 })).rejects.toMatchObject({ code: 'RESULT_WRONG' });
    await expect(verifyClip(path, { ...right, alpha: true })).rejects.toMatchObject({ code: 'RESULT_WRONG' });
    const bytes = readFileSync(path);
    writeFileSync(at('cut.mov'), bytes.subarray(0, bytes.length - 400));
    await expect(verifyClip(at('cut.mov'), right)).rejects.toMatchObject({ code: 'RESULT_WRONG' });
    const frameStart = bytes.indexOf('icpf', bytes.indexOf('icpf') + 4);
    bytes.fill(0, frameStart, frameStart + 2000);
    writeFileSync(at('hole.mov'), bytes);
    await expect(verifyClip(at('hole.mov'), right)).rejects.toMatchObject({
      code: expect.stringMatching(/RESULT_(INCOMPLETE|WRONG)/),
    });
  });

  test('a torn picture of a sequence', async () => {
    await write(at('torn'), 'png', fifty, 0, 3);
    const [, second] = await listSequence(at('torn'));
    writeFileSync(second.path, readFileSync(second.path).subarray(0, 900));
    await expect(verifyClip(at('torn'), { frames: 3, rate: fifty, width: 320, height: 128 })).rejects.toMatchObject({
      code: 'RESULT_WRONG',
    });
    rmSync(second.path);
    await expect(verifyClip(at('torn'), { frames: 3, rate: fifty, width: 320, height: 128 })).rejects.toMatchObject({
      code: 'RESULT_INCOMPLETE',
    });
  });
});

describe('nothing half-written is left', () => {
  test('after an abort, an empty clip, and while writing', async () => {
    const target = at('abort.mov');
    writeFileSync(target, 'an older clip');
    const encoder = await createEncoder(target, { codec: 'prores422hq', rate: fifty, width: 320, height: 128 });
    await encoder.write(numbered(0));
    expect(readFileSync(target, 'utf8')).toBe('an older clip');
    await encoder.abort();
    expect(readFileSync(target, 'utf8')).toBe('an older clip');
    const empty = await createEncoder(at('nothing.mov'), { codec: 'h264', rate: fifty, width: 320, height: 128 });
    await expect(empty.finish()).rejects.toMatchObject({ code: 'RESULT_INCOMPLETE' });
    expect(readdirSync(folder).filter(name => /partial|nothing/.test(name))).toEqual([]);
  });

  test('an output that cannot be: alpha, name, size, folder', async () => {
    const size = { rate: fifty, width: 320, height: 128 };
    await expect(createEncoder(at('a.mov'), { codec: 'prores422hq', ...size, alpha: true })).rejects.toMatchObject({
      code: 'OUTPUT_UNSUITABLE',
    });
    await expect(createEncoder(at('a.avi'), { codec: 'prores422hq', ...size })).rejects.toMatchObject({
      code: 'OUTPUT_NAME_WRONG',
    });
    await expect(createEncoder(at('a.mov'), { codec: 'dnxhr', ...size, width: 64 })).rejects.toMatchObject({
      code: 'SIZE_REFUSED',
    });
    mkdirSync(at('taken.mov'));
    await expect(createEncoder(at('taken.mov'), { codec: 'prores422hq', ...size })).rejects.toMatchObject({
      code: 'OUTPUT_UNWRITABLE',
    });
    await expect(createEncoder(at('abort.mov/inside.mov'), { codec: 'prores422hq', ...size })).rejects.toMatchObject({
      code: 'OUTPUT_UNWRITABLE',
    });
  });

  // Writing to this device always fails as if the disk were full.
  const full = existsSync('/dev/full') ? test : test.skip;
  full('a full disk is called a full disk', async () => {
    const target = at('full.mov');
    symlinkSync('/dev/full', `${target}.partial`);
    const encoder = await createEncoder(target, { codec: 'prores422hq', rate: fifty, width: 320, height: 128 });
    const writing = (async () => {
      for (let number = 0; number < 40; number++) await encoder.write(numbered(number));
      await encoder.finish();
    })();
    await expect(writing).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(existsSync(target)).toBe(false);
  });
});

test('source and result beside each other, as a clip and as a sheet, and a film strip', async () => {
  const source = at('scene.mp4');
  const writer = await createEncoder(source, { codec: 'h264', rate: { num: 24, den: 1 }, width: 160, height: 90 });
  for (let index = 0; index < 12; index++) await writer.write(drawScene(index, { width: 160, height: 90 }));
  await writer.finish();
  const result = await write(at('result.mov'), 'prores422hq', fifty, 0, 25, false, [320, 180]);
  const shown = { path: source, info: await probeClip(source) };
  const made = { path: result.path, info: await probeClip(result.path) };
  const { path, frames } = await writeSideBySide(shown, made, at('both.mp4'), { height: 90 });
  expect(frames).toBe(25);
  await verifyClip(path, { frames: 25, rate: fifty, width: 324, height: 90 });
  await writeComparisonSheet(shown, made, at('sheet.png'), { rows: 3, height: 90 });
  const sheet = await loadPicture(at('sheet.png'));
  expect([sheet.width, sheet.height]).toEqual([324, 270]);
  const strip = await filmstrip(source, shown.info, { count: 4, side: 64 });
  expect(strip.map(({ frame }) => frame)).toEqual([0, 4, 7, 11]);
  expect(await loadPicture(strip[0].bytes)).toMatchObject({ width: 64, height: 36 });
});
