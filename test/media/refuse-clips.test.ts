import { createServer } from 'node:net';
import { copyFileSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import { findMissingEnd } from '../../bridge-server/src/media/container-end';
import { probeClip } from '../../bridge-server/src/media/probe';
import { buildMoov, readMovieTable } from '../../bridge-server/src/media/quicktime';
import { ffmpeg, makeClip, tags709, tempFolder } from './numbered-clip';

const folder = tempFolder();
const at = (name: string) => join(folder, name);
const x264 = ['-c:v', 'libx264', '-crf', '20', '-preset', 'ultrafast', ...tags709];
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function codeOf(path: string, limits?: Parameters<typeof probeClip>[1]): Promise<string> {
  return probeClip(path, limits).then(
    info => `taken with ${info.frames} frames`,
    (problem: { code?: string; message: string }) => problem.code ?? problem.message,
  );
}

test('what is no clip at all', async () => {
  writeFileSync(at('text.mp4'), 'Dear editor,\nthis is a letter, not a film.\n'.repeat(50));
  writeFileSync(at('empty.mp4'), '');
  writeFileSync(at('zeros.mp4'), Buffer.alloc(100_000));
  writeFileSync(at('page.mov'), '<!doctype html><html><body>404</body></html>');
  writeFileSync(
    at('picture.svg'),
    '<svg xmlns="http://www.w3.org/2000/svg" width="99" height="99"><image href="file:///etc/passwd"/></svg>',
  );
  mkdirSync(at('folder.mp4'));
  expect(await codeOf(at('nothing-here.mp4'))).toBe('FILE_NOT_FOUND');
  expect(await codeOf(at('text.mp4/inside.mp4'))).toBe('FILE_NOT_FOUND');
  expect(await codeOf(at('text.mp4'))).toBe('NOT_MEDIA');
  expect(await codeOf(at('empty.mp4'))).toBe('NOT_MEDIA');
  expect(await codeOf(at('zeros.mp4'))).toBe('NOT_MEDIA');
  expect(await codeOf(at('page.mov'))).toBe('NOT_MEDIA');
  expect(await codeOf(at('picture.svg'))).toBe('NOT_MEDIA');
  expect(await codeOf(at('folder.mp4'))).toBe('FILE_UNREADABLE');
});

test('sound alone, also with a cover picture', async () => {
  await ffmpeg(['-f', 'lavfi', '-i', 'sine=d=1', at('tone.wav')]);
  await ffmpeg(['-f', 'lavfi', '-i', 'sine=d=1', '-c:a', 'aac', at('tone.mp4')]);
  await ffmpeg([
    '-f',
    'lavfi',
    '-i',
    'sine=d=1',
    '-f',
    'lavfi',
    '-i',
    'color=red:s=64x64',
    '-frames:v',
    '1',
    '-c:v',
    'mjpeg',
    '-disposition:v',
    'attached_pic',
    at('tone.mp3'),
  ]);
  for (const name of ['tone.wav', 'tone.mp4', 'tone.mp3'])
    expect([name, await codeOf(at(name))]).toEqual([name, 'NO_VIDEO']);
});

test('files that broke off', async () => {
  await makeClip(at('whole.mp4'), { frames: 60, encode: x264 });
  await makeClip(at('fast.mp4'), { frames: 60, encode: [...x264, '-movflags', '+faststart'] });
  await makeClip(at('whole.mkv'), { frames: 60, encode: x264 });
  await makeClip(at('whole.avi'), { frames: 60, encode: ['-c:v', 'mpeg4'] });
  await makeClip(at('whole.mov'), { frames: 10, encode: ['-c:v', 'prores_ks'] });
  for (const name of ['whole.mp4', 'fast.mp4', 'whole.mkv', 'whole.avi', 'whole.mov']) {
    expect(await findMissingEnd(at(name))).toBeUndefined();
    const { length } = readFileSync(at(name));
    for (const share of [0.3, 0.6, 0.97]) {
      const broken = at(`broken-${share}-${name}`);
      copyFileSync(at(name), broken);
      truncateSync(broken, Math.floor(length * share));
      expect([broken, await codeOf(broken)]).toEqual([broken, 'MEDIA_DAMAGED']);
    }
  }
});

test('a container without a single frame', async () => {
  await ffmpeg(['-f', 'lavfi', '-i', 'color=red:s=64x48:d=1', '-vf', 'select=0', '-c:v', 'libx264', at('none.mkv')]);
  expect(['MEDIA_DAMAGED', 'NOT_MEDIA', 'NO_VIDEO']).toContain(await codeOf(at('none.mkv')));
});

test('sizes that are too small or too large', async () => {
  await makeClip(at('dot.mkv'), { width: 1, height: 1, frames: 3, filters: 'format=gbrp', encode: ['-c:v', 'ffv1'] });
  await makeClip(at('line.mkv'), {
    width: 200,
    height: 15,
    frames: 3,
    filters: 'format=gbrp',
    encode: ['-c:v', 'ffv1'],
  });
  await makeClip(at('wide.mkv'), {
    width: 9000,
    height: 32,
    frames: 1,
    filters: 'format=gbrp',
    encode: ['-c:v', 'ffv1'],
  });
  writeFileSync(at('dot.png'), blackPng(1, 1));
  for (const name of ['dot.mkv', 'line.mkv', 'wide.mkv', 'dot.png'])
    expect([name, await codeOf(at(name))]).toEqual([name, 'SIZE_REFUSED']);
  await expect(probeClip(at('wide.mkv'))).rejects.toMatchObject({
    details: { width: 9000, height: 32, problem: 'too large' },
  });
});

/** A black picture of one bit a pixel: a huge one is a small file. */
function blackPng(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const bytes = Buffer.concat([Buffer.alloc(4), Buffer.from(type, 'latin1'), data, Buffer.alloc(4)]);
    bytes.writeUInt32BE(data.length, 0);
    bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + data.length)), 8 + data.length);
    return bytes;
  };
  const head = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  const rows = deflateSync(Buffer.alloc(height * (1 + Math.ceil(width / 8))));
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', head),
    chunk('IDAT', rows),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

test('20000x20000, as a picture and as a film', async () => {
  const huge = blackPng(20000, 20000);
  writeFileSync(at('huge.png'), huge);
  expect(await codeOf(at('huge.png'))).toBe('SIZE_REFUSED');
  await makeClip(at('small.mov'), { frames: 1, filters: 'format=rgb24', encode: ['-c:v', 'png'] });
  const { ftyp, moov, description } = await readMovieTable(at('small.mov'));
  description.writeUInt16BE(20000, 32);
  description.writeUInt16BE(20000, 34);
  const track = {
    descriptions: [description],
    sizes: [huge.length],
    chunks: [{ samples: 1, description: 0 }],
    ticksPerSample: 512,
  };
  const table = buildMoov(moov, track, [0], false);
  const head = Buffer.from([0, 0, 0, 0, 0x6d, 0x64, 0x61, 0x74]);
  head.writeUInt32BE(huge.length + 8, 0);
  writeFileSync(
    at('huge.mov'),
    Buffer.concat([ftyp, buildMoov(moov, track, [ftyp.length + table.length + 8], false), head, huge]),
  );
  await expect(probeClip(at('huge.mov'))).rejects.toMatchObject({
    code: 'SIZE_REFUSED',
    details: { width: 20000, height: 20000 },
  });
});

test('a size that only the header claims', async () => {
  const path = await makeClip(at('liar.mp4'), { frames: 3, encode: x264 });
  const bytes = readFileSync(path);
  // The sample entry's width and height, 24 bytes behind its reserved field (ISO/IEC 14496-12, 12.1.3).
  const entry = bytes.indexOf('avc1', bytes.indexOf('stsd'));
  bytes.writeUInt16BE(60000, entry + 28);
  bytes.writeUInt16BE(60000, entry + 30);
  writeFileSync(path, bytes);
  expect(['SIZE_REFUSED', 'taken with 3 frames']).toContain(await codeOf(path));
});

test('more frames than are taken at once', async () => {
  const path = await makeClip(at('many.mp4'), { frames: 40, encode: x264 });
  await expect(probeClip(path, { limits: { maxFrames: 39 } })).rejects.toMatchObject({
    code: 'DURATION_REFUSED',
    details: { frames: 40, limit: 39 },
  });
  expect(await codeOf(path, { limits: { maxFrames: 40 } })).toBe('taken with 40 frames');
});

test('a file with two pictures a year apart does not become a film of millions', async () => {
  const path = at('years.mkv');
  await makeClip(path, {
    frames: 3,
    filters: "format=gbrp,setpts='if(eq(N,2),31536000/TB,N/25/TB)'",
    encode: ['-vsync', 'passthrough', '-c:v', 'ffv1'],
  });
  expect(await codeOf(path)).toBe('DURATION_REFUSED');
});

test('playlists and scripts open no other file and no address, whatever their name', async () => {
  await makeClip(at('secret.mp4'), { frames: 5, encode: x264 });
  await makeClip(at('secret.ts'), { frames: 5, encode: x264 });
  const visits: string[] = [];
  const server = createServer(socket => {
    visits.push('connection');
    socket.end();
  });
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  const traps: Record<string, string> = {
    'hls.mp4': `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n${at('secret.ts')}\n#EXT-X-ENDLIST\n`,
    'hls-web.mp4': `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:${port}/a.ts\n#EXT-X-ENDLIST\n`,
    'hls.m3u8': `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.ts\n#EXT-X-ENDLIST\n`,
    'list.mp4': `ffconcat version 1.0\nfile '${at('secret.mp4')}'\n`,
    'list.ffconcat': `ffconcat version 1.0\nfile secret.mp4\n`,
    'call.mp4': `v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video ${port} RTP/AVP 96\na=rtpmap:96 H264/90000\n`,
    'dash.mp4': `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet><Representation id="1" bandwidth="1"><BaseURL>http://127.0.0.1:${port}/</BaseURL></Representation></AdaptationSet></Period></MPD>`,
    'script.mp4': 'Version()\nDirectShowSource("secret.mp4")\n',
    'list.txt': `${at('secret.mp4')}\n`,
  };
  for (const [name, content] of Object.entries(traps)) {
    writeFileSync(at(name), content);
    expect([name, await codeOf(at(name))]).toEqual([name, 'NOT_MEDIA']);
  }
  // A pattern is a name like any other.
  expect(await codeOf(at('%03d.mp4'))).toBe('FILE_NOT_FOUND');
  expect(await codeOf(`http://127.0.0.1:${port}/a.mp4`)).toBe('FILE_NOT_FOUND');
  server.close();
  expect(visits).toEqual([]);
});
