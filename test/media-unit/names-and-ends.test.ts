import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { findMissingEnd } from '../../bridge-server/src/media/container-end';
import { sequenceName } from '../../bridge-server/src/media/picture-sequence';
import { parseShownPicture, parseShownTimeBase } from '../../bridge-server/src/media/scan';
import { shownSize } from '../../bridge-server/src/media/probe';
import { writeWhole } from '../../bridge-server/src/media/write-whole';

const folder = mkdtempSync(join(tmpdir(), 'reverie-names-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a sequence is named by a folder, a pattern or a plain name', () => {
  const name = (path: string) => {
    const { folder: where, fileOf } = sequenceName(path);
    return `${basename(where)}/${fileOf(7)}`;
  };
  expect(name('out/shot')).toBe('shot/000007.png');
  expect(name('out/a-%04d.png')).toBe('out/a-0007.png');
  expect(name('out/a-%d.png')).toBe('out/a-7.png');
  expect(name('out/a.png')).toBe('out/a-000007.png');
  expect(sequenceName('x/a(1)-%03d.png').pattern.test('a(1)-007.png')).toBe(true);
  expect(sequenceName('x/a.b-%03d.png').pattern.test('aXb-007.png')).toBe(false);
});

function box(type: string, length: number, body = Buffer.alloc(Math.max(0, length - 8))): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(length, 0);
  head.write(type, 4);
  return Buffer.concat([head, body]);
}

test('a container that is shorter than it says', async () => {
  const ends = async (bytes: Buffer) => {
    const path = join(folder, 'end.bin');
    writeFileSync(path, bytes);
    return findMissingEnd(path);
  };
  const ftyp = box('ftyp', 24);
  expect(await ends(Buffer.concat([ftyp, box('mdat', 100), box('moov', 60)]))).toBeUndefined();
  expect(await ends(Buffer.concat([ftyp, box('mdat', 100)]))).toMatch(/table of contents/);
  expect(await ends(Buffer.concat([ftyp, box('moov', 60), box('mdat', 100).subarray(0, 90)]))).toMatch(/^10 bytes/);
  // A size of 0 reaches to the end of the file; rubbish after the last box is no box.
  expect(await ends(Buffer.concat([ftyp, box('moov', 60), box('mdat', 0, Buffer.alloc(50))]))).toBeUndefined();
  expect(await ends(Buffer.concat([ftyp, box('moov', 60), Buffer.from('\0\0\0\0\0\0\0\0rubbish')]))).toBeUndefined();
  expect(await ends(Buffer.from('just a text that is long enough'))).toBeUndefined();
  const riff = Buffer.concat([Buffer.from('RIFF\x40\0\0\0AVI '), Buffer.alloc(60)]);
  expect(await ends(riff)).toBeUndefined();
  expect(await ends(riff.subarray(0, 40))).toMatch(/bytes are missing/);
});

test('the picture reports of old and new ffmpeg are read, also with a decoder speaking in between', () => {
  const old =
    '[Parsed_showinfo_0 @ 0x2b326080] [info] n:   1 pts:    512 pts_time:0.0416667 pos:     6466 fmt:yuv420p sar:1/1 s:320x180 i:P iskey:0 type:B ';
  const mixed =
    '[h264 @ 0x55] [Parsed_showinfo_0 @ 0x56] [info] n:   2 pts:  -1024 pts_time:-0.08 fmt:yuva444p12le cl:left sar:1/1 s:64x48 i:T iskey:1 type:I Invalid NAL unit size';
  const timeless =
    '[Parsed_showinfo_0 @ 0x56] [info] n:   0 pts:   NOPTS pts_time:NOPTS   duration:1 duration_time:0.04 fmt:gray sar:0/1 s:9x9 i:P iskey:1 type:I';
  expect(parseShownPicture(old)).toEqual({
    pts: 512,
    pixelFormat: 'yuv420p',
    width: 320,
    height: 180,
    interlaced: false,
  });
  expect(parseShownPicture(mixed)).toMatchObject({
    pts: -1024,
    pixelFormat: 'yuva444p12le',
    width: 64,
    interlaced: true,
  });
  expect(parseShownPicture(timeless)).toMatchObject({ pts: undefined, width: 9 });
  expect(parseShownPicture('[info] frame=   48 fps=0.0 q=-0.0')).toBeUndefined();
  expect(
    parseShownTimeBase('[Parsed_showinfo_0 @ 0x2b326080] [info] config in time_base: 1/12288, frame_rate: 24/1'),
  ).toEqual({ num: 1, den: 12288 });
});

test('the shown size: stretched, then turned', () => {
  const stored = { width: 720, height: 576, sampleAspect: { num: 64, den: 45 }, rotation: 0 } as const;
  expect(shownSize(stored)).toEqual({ width: 1024, height: 576 });
  expect(shownSize({ ...stored, rotation: 90 })).toEqual({ width: 576, height: 1024 });
});

test('a file that cannot be written leaves nothing and says why', async () => {
  await expect(writeWhole(join(folder, 'no', 'such', 'folder.bin'), [Buffer.from('x')])).rejects.toMatchObject({
    code: 'OUTPUT_UNWRITABLE',
  });
});
