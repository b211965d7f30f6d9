import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { decodeFrames } from '../../bridge-server/src/media/decode';
import { probeClip } from '../../bridge-server/src/media/probe';
import {
  colourError,
  decodeAll,
  ffmpeg,
  makeClip,
  numbers,
  patches,
  tags709,
  tempFolder,
  toYuv,
  upTo,
} from './numbered-clip';

const folder = tempFolder();
const at = (name: string) => join(folder, name);
const x264 = ['-c:v', 'libx264', '-crf', '8', '-preset', 'fast', '-g', '12', '-bf', '3', ...tags709];
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('constant rates are found exactly and every frame is itself', () => {
  test.each([
    ['24', { num: 24, den: 1 }],
    ['25', { num: 25, den: 1 }],
    ['30000/1001', { num: 30000, den: 1001 }],
    ['50', { num: 50, den: 1 }],
    ['60000/1001', { num: 60000, den: 1001 }],
    ['24000/1001', { num: 24000, den: 1001 }],
    ['179/6', { num: 179, den: 6 }],
  ])('%s in MP4', async (rate, expected) => {
    const path = await makeClip(at(`rate-${expected.num}.mp4`), { rate, encode: x264 });
    const info = await probeClip(path);
    expect(info).toMatchObject({
      rate: expected,
      variableRate: false,
      frames: 30,
      width: 160,
      height: 64,
      hasAudio: false,
    });
    const frames = await decodeAll(path, info);
    expect(frames.map(frame => frame.index)).toEqual(upTo(30));
    expect(numbers(frames)).toEqual(upTo(30));
  });

  test.each([
    ['mkv', '30000/1001', x264],
    ['mkv', '24000/1001', x264],
    ['mkv', '60', x264],
    ['avi', '25', ['-c:v', 'mpeg4', '-q:v', '2', '-bf', '2']],
    ['ts', '50', x264],
    ['mpg', '25', ['-c:v', 'mpeg2video', '-q:v', '2', '-bf', '2']],
    [
      'webm',
      '30000/1001',
      [
        '-c:v',
        'libvpx',
        '-crf',
        '8',
        '-b:v',
        '1M',
        '-auto-alt-ref',
        '1',
        '-lag-in-frames',
        '8',
        '-deadline',
        'good',
        '-cpu-used',
        '4',
      ],
    ],
    ['webm', '25', ['-c:v', 'libvpx-vp9', '-crf', '10', '-b:v', '1M', '-lag-in-frames', '8', '-cpu-used', '5']],
    ['flv', '25', ['-c:v', 'flv1', '-q:v', '2']],
    ['mxf', '25', ['-c:v', 'mpeg2video', '-q:v', '2']],
    ['264', '25', x264],
  ])('.%s at %s', async (ending, rate, encode) => {
    const path = await makeClip(at(`container-${rate.replace('/', '-')}-${encode[1]}.${ending}`), { rate, encode });
    const info = await probeClip(path);
    const [num, den] = rate.split('/').map(Number);
    expect(info).toMatchObject({ rate: { num, den: den ?? 1 }, variableRate: false, frames: 30 });
    expect(numbers(await decodeAll(path, info))).toEqual(upTo(30));
  });
});

describe('variable rates become constant', () => {
  test('left-out frames are repeated, in their places', async () => {
    const path = at('vfr.mp4');
    // Of every six frames at 30 a second the fourth and fifth are missing: 0 1 2 2 2 5 | 6 7 8 8 8 11 | …
    await makeClip(path, {
      rate: '30',
      frames: 60,
      filters: `select='lt(mod(n,6),3)+eq(mod(n,6),5)',${toYuv()}`,
      encode: ['-vsync', 'vfr', '-video_track_timescale', '30000', ...x264],
    });
    const info = await probeClip(path);
    expect(info).toMatchObject({ rate: { num: 30, den: 1 }, variableRate: true, frames: 60 });
    const shown = numbers(await decodeAll(path, info));
    expect(shown).toEqual(upTo(60).map(n => (n % 6 === 3 || n % 6 === 4 ? n - (n % 6) + 2 : n)));
    for (const [first, last] of [
      [3, 4],
      [10, 30],
      [59, 59],
    ]) {
      expect(numbers(await decodeAll(path, info, { first, last }))).toEqual(shown.slice(first, last + 1));
    }
  });

  test('jitter of a phone is no variable rate', async () => {
    const path = at('jitter.mp4');
    await makeClip(path, {
      rate: '30',
      filters: `settb=1/9000,setpts='N*300+if(mod(N,3),60,0)',${toYuv()}`,
      encode: ['-vsync', 'passthrough', '-video_track_timescale', '9000', ...x264],
    });
    const info = await probeClip(path);
    expect(info).toMatchObject({ rate: { num: 30, den: 1 }, variableRate: false, frames: 30 });
    expect(numbers(await decodeAll(path, info))).toEqual(upTo(30));
  });
});

describe('any range equals that part of the whole', () => {
  const gop = [
    '-c:v',
    'libx264',
    '-crf',
    '10',
    '-preset',
    'veryfast',
    '-g',
    '40',
    '-bf',
    '3',
    '-sc_threshold',
    '0',
    ...tags709,
  ];
  test.each([
    ['B-frames in MP4', 'range.mp4', gop],
    [
      'open groups in MKV',
      'range.mkv',
      [
        '-c:v',
        'libx265',
        '-x265-params',
        'log-level=none:open-gop=1:keyint=30:bframes=3',
        '-preset',
        'ultrafast',
        '-crf',
        '10',
      ],
    ],
    ['a transport stream', 'range.ts', gop],
    ['AVI', 'range.avi', ['-c:v', 'mpeg4', '-q:v', '2', '-bf', '2', '-g', '40']],
  ])('%s', async (_, name, encode) => {
    const path = await makeClip(at(name), { frames: 200, width: 80, height: 32, encode });
    const info = await probeClip(path);
    expect(info.frames).toBe(200);
    for (const [first, last] of [
      [0, 0],
      [39, 41],
      [77, 83],
      [119, 121],
      [150, 199],
      [199, 199],
    ]) {
      const frames = await decodeAll(path, info, { first, last });
      expect(frames.map(frame => frame.index)).toEqual(upTo(last - first + 1).map(n => first + n));
      expect(numbers(frames)).toEqual(frames.map(frame => frame.index));
    }
  });

  test('an edit list that cuts into a group of pictures', async () => {
    const whole = await makeClip(at('whole.mp4'), { frames: 100, rate: '25', encode: gop });
    const path = at('cut.mp4');
    await ffmpeg(['-ss', '0.72', '-i', whole, '-c', 'copy', path]);
    const info = await probeClip(path);
    expect(info.frames).toBe(82);
    expect(numbers(await decodeAll(path, info))).toEqual(upTo(82).map(n => n + 18));
    expect(numbers(await decodeAll(path, info, { first: 50, last: 60 }))).toEqual(upTo(11).map(n => n + 68));
  });

  test('a stream that begins late', async () => {
    const whole = await makeClip(at('late.mp4'), { frames: 40, rate: '25', encode: gop });
    for (const name of ['late.mkv', 'late.mov', 'late.ts']) {
      const path = at(name);
      await ffmpeg(['-itsoffset', '7.3', '-i', whole, '-c', 'copy', '-copyts', '-avoid_negative_ts', 'disabled', path]);
      const info = await probeClip(path);
      expect(info).toMatchObject({ frames: 40, rate: { num: 25, den: 1 } });
      expect(numbers(await decodeAll(path, info, { first: 20, last: 39 }))).toEqual(upTo(20).map(n => n + 20));
    }
  });

  test('a range outside the clip is refused', async () => {
    const path = await makeClip(at('short.mp4'), { frames: 5, encode: x264 });
    const info = await probeClip(path);
    await expect(decodeAll(path, info, { first: 3, last: 5 })).rejects.toMatchObject({ code: 'RANGE_OUTSIDE' });
  });
});

describe('geometry', () => {
  test.each([90, 180, 270] as const)('turned by %i degrees', async degrees => {
    // The picture is stored turned the other way, so that it is upright when the turn is honoured.
    const undo = { 90: 'transpose=cclock', 180: 'hflip,vflip', 270: 'transpose=clock' }[degrees];
    const plain = await makeClip(at(`plain-${degrees}.mp4`), {
      frames: 12,
      filters: `${undo},${toYuv()}`,
      encode: x264,
    });
    const path = at(`turned-${degrees}.mp4`);
    await ffmpeg(['-i', plain, '-c', 'copy', '-metadata:s:v:0', `rotate=${360 - degrees}`, path]);
    const info = await probeClip(path);
    expect(info).toMatchObject({ width: 160, height: 64, rotation: degrees });
    const frames = await decodeAll(path, info);
    expect(numbers(frames)).toEqual(upTo(12));
    expect(colourError(frames[5])).toBeLessThan(4);
    const small = await decodeAll(path, info, { first: 3, last: 3, scaleTo: { width: 80, height: 32 } });
    expect([small[0].width, small[0].height, ...numbers(small)]).toEqual([80, 32, 3]);
  });

  test('odd sizes', async () => {
    const path = await makeClip(at('odd.mkv'), {
      width: 161,
      height: 65,
      filters: 'scale=out_color_matrix=bt709:flags=accurate_rnd,format=yuv420p',
      encode: ['-c:v', 'ffv1', ...tags709],
    });
    const info = await probeClip(path);
    expect(info).toMatchObject({ width: 161, height: 65 });
    const frames = await decodeAll(path, info);
    expect(numbers(frames)).toEqual(upTo(30));
    expect(colourError(frames[0])).toBeLessThan(2.5);
  });

  test('anamorphic samples become square', async () => {
    const path = await makeClip(at('anamorphic.mp4'), { filters: `setsar=64/45,${toYuv()}`, encode: x264 });
    const info = await probeClip(path);
    expect(info).toMatchObject({ width: 228, height: 64, codedWidth: 160, sampleAspect: { num: 64, den: 45 } });
    const frames = await decodeAll(path, info);
    expect([frames[0].width, frames[0].height]).toEqual([228, 64]);
    expect(numbers(frames)).toEqual(upTo(30));
    expect(colourError(frames[7])).toBeLessThan(4);
  });

  test('interlaced pictures are made whole', async () => {
    const path = await makeClip(at('fields.mpg'), {
      rate: '50',
      frames: 40,
      width: 320,
      height: 128,
      // Pictures 1 and 2, 3 and 4 … woven into one: the block of bit 1 changes from field to field.
      filters: `${toYuv()},trim=start_frame=1,tinterlace=interleave_top`,
      encode: ['-c:v', 'mpeg2video', '-q:v', '2', '-flags', '+ildct+ilme', '-top', '1'],
    });
    const info = await probeClip(path);
    expect(info).toMatchObject({ interlaced: true, rate: { num: 25, den: 1 } });
    const frames = await decodeAll(path, info);
    expect(frames).toHaveLength(info.frames);
    expect(Math.abs(info.frames - 20)).toBeLessThan(2);
    // Fields merely woven would show that block striped.
    const { rgb, width } = frames[10];
    const column = Array.from({ length: 40 }, (_, y) => rgb[(y + 10) * width + 48]);
    const comb = column.slice(1).filter((value, y) => Math.abs(value - column[y]) > 0.3).length;
    expect(comb).toBeLessThan(3);
  });
});

describe('colour', () => {
  test.each([
    ['BT.709, 8 bits', 'yuv420p', '709', 'limited', 'bt709', ['-c:v', 'ffv1'], 1.65],
    ['BT.601, 8 bits', 'yuv420p', '170m', 'limited', 'smpte170m', ['-c:v', 'ffv1'], 1.65],
    ['BT.2020 matrix, 10 bits', 'yuv420p10le', '2020_ncl', 'limited', 'bt2020nc', ['-c:v', 'ffv1'], 0.5],
    ['full range, 8 bits', 'yuv444p', '709', 'full', 'bt709', ['-c:v', 'ffv1'], 1.45],
    [
      'BT.709, 4:2:2, 10 bits, ProRes',
      'yuv422p10le',
      '709',
      'limited',
      'bt709',
      ['-c:v', 'prores_ks', '-profile:v', '3'],
      1,
    ],
    [
      'BT.709, 10 bits, HEVC',
      'yuv420p10le',
      '709',
      'limited',
      'bt709',
      ['-c:v', 'libx265', '-x265-params', 'log-level=none:crf=4', '-preset', 'ultrafast'],
      1.5,
    ],
    ['BT.709, 12 bits, 4:4:4', 'yuv444p12le', '709', 'limited', 'bt709', ['-c:v', 'ffv1'], 0.15],
    ['BT.709, 16 bits', 'yuv422p16le', '709', 'limited', 'bt709', ['-c:v', 'ffv1'], 0.02],
  ])('%s', async (name, format, matrix, range, tag, encode, limit) => {
    const ending = encode[1] === 'ffv1' ? 'mkv' : 'mov';
    const path = await makeClip(at(`${name.replace(/\W+/g, '-')}.${ending}`), {
      frames: 3,
      filters: `zscale=min=gbr:rin=full:m=${matrix}:r=${range},format=${format},setparams=colorspace=${tag}:color_primaries=bt709:color_trc=bt709`,
      encode: [
        ...encode,
        '-colorspace',
        tag,
        '-color_primaries',
        'bt709',
        '-color_trc',
        'bt709',
        '-color_range',
        range === 'full' ? 'pc' : 'tv',
      ],
    });
    const info = await probeClip(path);
    expect(info.colour).toMatchObject({ matrix: tag, range: range === 'full' ? 'pc' : 'tv' });
    expect(info.bitDepth).toBe(Number(/p(\d\d)le/.exec(format)?.[1] ?? 8));
    const frames = await decodeAll(path, info);
    // Half a step of luma and of chroma each, seen through the matrix (1.64 for 8 bits), plus what the codec loses.
    expect(colourError(frames[0])).toBeLessThan(limit);
    expect(numbers(frames)).toEqual([0, 1, 2]);
  });

  test('RGB passes unchanged', async () => {
    const path = await makeClip(at('rgb.mov'), { frames: 2, filters: 'format=rgb24', encode: ['-c:v', 'png'] });
    const info = await probeClip(path);
    expect(info.colour).toMatchObject({ matrix: 'gbr', range: 'pc' });
    const [frame] = await decodeAll(path, info);
    expect(colourError(frame)).toBeLessThan(1e-4);
  });

  test('motion JPEG of full range', async () => {
    const path = await makeClip(at('mjpeg.mov'), {
      frames: 4,
      filters: 'scale=out_color_matrix=bt601:out_range=pc:flags=accurate_rnd,format=yuvj420p',
      encode: ['-c:v', 'mjpeg', '-q:v', '1'],
    });
    const info = await probeClip(path);
    expect(info.colour.range).toBe('pc');
    const frames = await decodeAll(path, info);
    expect(colourError(frames[0])).toBeLessThan(6);
    expect(numbers(frames)).toEqual(upTo(4));
  });

  test('scaling keeps the colours', async () => {
    const path = await makeClip(at('scaled.mkv'), { frames: 3, encode: ['-c:v', 'ffv1', ...tags709] });
    const info = await probeClip(path);
    const frames = await decodeAll(path, info, { scaleTo: { width: 120, height: 48 } });
    expect(colourError(frames[2])).toBeLessThan(1.6);
    expect(numbers(frames)).toEqual([0, 1, 2]);
  });

  test('HDR is brought to a usual display: grey stays grey, order of brightness stays', async () => {
    const path = await makeClip(at('pq.mkv'), {
      frames: 2,
      filters:
        'zscale=min=gbr:rin=full:m=2020_ncl:r=limited,format=yuv420p10le,setparams=colorspace=bt2020nc:color_primaries=bt2020:color_trc=smpte2084',
      encode: [
        '-c:v',
        'ffv1',
        '-colorspace',
        'bt2020nc',
        '-color_primaries',
        'bt2020',
        '-color_trc',
        'smpte2084',
        '-color_range',
        'tv',
      ],
    });
    const info = await probeClip(path);
    expect(info.colour).toMatchObject({ transfer: 'smpte2084', primaries: 'bt2020' });
    const [frame] = await decodeAll(path, info);
    const size = frame.width * frame.height;
    const grey = [0, 1, 2].map(
      channel => frame.rgb[channel * size + Math.floor(frame.height * 0.75) * frame.width + 10],
    );
    expect(Math.max(...grey) - Math.min(...grey)).toBeLessThan(0.01);
    // PQ 191/255 is 983 cd/m2: near the brightest that is told apart.
    expect(grey[0]).toBeGreaterThan(0.9);
    const white = frame.rgb[0 * size + 2 * frame.width + 1];
    expect(white).toBeLessThan(0.15);
    expect(patches).toHaveLength(8);
  });
});

describe('alpha', () => {
  const soft = 'format=gbrap,geq=r=p(X\\,Y):g=p(X\\,Y):b=p(X\\,Y):a=clip((X-40)*4\\,0\\,255)';
  test.each([
    [
      'ProRes 4444',
      'alpha.mov',
      `${soft.replace('gbrap', 'gbrap10le').replace('*4\\,0\\,255', '*16\\,0\\,1023')},scale=out_color_matrix=bt709:flags=accurate_rnd,format=yuva444p10le`,
      ['-c:v', 'prores_ks', '-profile:v', '4', '-alpha_bits', '16', ...tags709],
      0.005,
    ],
    ['Animation', 'rle.mov', `${soft},format=argb`, ['-c:v', 'qtrle'], 1e-6],
    ['PNG in MOV', 'png.mov', `${soft},format=rgba`, ['-c:v', 'png'], 1e-6],
    [
      'VP9',
      'alpha.webm',
      `${soft},format=yuva420p`,
      ['-c:v', 'libvpx-vp9', '-crf', '4', '-b:v', '2M', '-auto-alt-ref', '0', '-cpu-used', '5'],
      0.02,
    ],
  ])('%s is straight and exact at both ends', async (_, name, filters, encode, limit) => {
    const path = await makeClip(at(name), { frames: 4, filters, encode });
    const info = await probeClip(path);
    expect(info.hasAlpha).toBe(true);
    const frames = await decodeAll(path, info);
    expect(numbers(frames)).toEqual(upTo(4));
    const { alpha, width } = frames[1];
    const row = alpha!.slice(20 * width, 21 * width);
    const wanted = Float32Array.from(row, (_, x) => Math.min(Math.max((x - 40) * 4, 0), 255) / 255);
    expect(Math.max(...row.map((value, x) => Math.abs(value - wanted[x])))).toBeLessThan(limit);
    expect([row[0], row[159]]).toEqual([0, 1]);
    // Colours under the transparent part are kept.
    expect(frames[1].rgb[20 * width + 5]).toBeGreaterThan(0.8);
  });

  test('scaled, edges do not take colour from what is transparent', async () => {
    const path = await makeClip(at('edge.mov'), {
      frames: 1,
      filters: "format=gbrap,geq=r='if(lt(X,80),255,0)':g='if(lt(X,80),0,255)':b=0:a='if(lt(X,80),0,255)'",
      encode: ['-c:v', 'qtrle'],
    });
    const info = await probeClip(path);
    const [frame] = await decodeAll(path, info, { scaleTo: { width: 60, height: 24 } });
    const size = 60 * 24;
    for (let x = 28; x < 34; x++) {
      if (frame.alpha![12 * 60 + x] < 0.05) continue;
      expect(frame.rgb[12 * 60 + x]).toBeLessThan(0.02);
      expect(frame.rgb[size + 12 * 60 + x]).toBeGreaterThan(0.98);
    }
  });
});

describe('special clips', () => {
  test('one frame long', async () => {
    for (const [name, encode] of [
      ['one.mp4', x264],
      ['one.mov', ['-c:v', 'prores_ks']],
      ['one.mkv', x264],
    ] as const) {
      const path = await makeClip(at(name), { frames: 1, encode });
      const info = await probeClip(path);
      expect(info).toMatchObject({ frames: 1, rate: { num: 25, den: 1 } });
      expect(numbers(await decodeAll(path, info))).toEqual([0]);
    }
  });

  test('with sound', async () => {
    const path = await makeClip(at('sound.mp4'), {
      inputs: ['-f', 'lavfi', '-i', 'sine=d=3'],
      encode: [...x264, '-c:a', 'aac'],
    });
    const info = await probeClip(path);
    expect(info).toMatchObject({ hasAudio: true, frames: 30 });
    expect(numbers(await decodeAll(path, info))).toEqual(upTo(30));
  });

  test('a picture file is a clip of one frame', async () => {
    await makeClip(at('still.png'), { frames: 1, filters: 'format=rgb24', encode: ['-frames:v', '1', '-update', '1'] });
    const info = await probeClip(at('still.png'));
    expect(info).toMatchObject({ isStill: true, frames: 1, rate: { num: 25, den: 1 }, width: 160, height: 64 });
    const [frame] = await decodeAll(at('still.png'), info);
    expect(colourError(frame)).toBeLessThan(1e-4);
  });

  test('names with spaces, quotes, colons, percent signs and a leading dash', async () => {
    for (const name of ['a b.mp4', `it's "it".mp4`, 'http:x.mp4', '100%d.mp4', '-y.mp4', 'concat:a|b.mp4']) {
      const path = at(name);
      await makeClip(`file:${path}`, { frames: 2, encode: x264 });
      const info = await probeClip(path);
      expect(info).toMatchObject({ frames: 2, name });
      expect(await decodeAll(path, info)).toHaveLength(2);
    }
  });
});

describe('reading stops when the reader does', () => {
  test('after two frames, and at once when aborted', async () => {
    const path = await makeClip(at('long.mp4'), { frames: 400, encode: x264 });
    const info = await probeClip(path);
    const running = () => process.getActiveResourcesInfo().filter(kind => kind === 'ProcessWrap').length;
    const settled = async () => {
      for (let tries = 0; running() > 0 && tries < 40; tries++) await new Promise(resolve => setTimeout(resolve, 25));
      return running();
    };
    for await (const frame of decodeFrames(path, info, { first: 0, last: 399 })) if (frame.index === 1) break;
    expect(await settled()).toBe(0);
    const stop = new AbortController();
    const seen: number[] = [];
    const reading = (async () => {
      for await (const frame of decodeFrames(path, info, { first: 0, last: 399, signal: stop.signal })) {
        seen.push(frame.index);
        if (frame.index === 3) stop.abort();
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(seen).toEqual([0, 1, 2, 3]);
    expect(await settled()).toBe(0);
  });

  test('a slow reader holds only a few pictures', async () => {
    const path = await makeClip(at('wide.mkv'), {
      width: 1280,
      height: 720,
      frames: 60,
      filters: 'format=gbrp',
      encode: ['-c:v', 'ffv1'],
    });
    const info = await probeClip(path);
    const before = process.memoryUsage().arrayBuffers;
    let highest = 0;
    for await (const frame of decodeFrames(path, info, { first: 0, last: 59 })) {
      if (frame.index % 20 === 0) await new Promise(resolve => setTimeout(resolve, 400));
      highest = Math.max(highest, process.memoryUsage().arrayBuffers - before);
    }
    // All 60 would be 166 MB raw and 663 MB as floats; what is not yet collected counts too.
    expect(highest).toBeLessThan(400e6);
  }, 120_000);
});
