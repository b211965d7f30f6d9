import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { probeClip } from '../../bridge-server/src/media/probe';
import { clipKinds, damage, readDamaged, seedClips } from './damage';
import { decodeAll, makeClip, numbers, tags709, tempFolder, upTo } from './numbered-clip';

const folder = tempFolder();
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a damaged picture is named and the one before it shown; all others are themselves', async () => {
  // Every picture stands alone, so damage stays where it is.
  const path = await makeClip(at('intra.mov'), {
    frames: 12,
    width: 320,
    height: 128,
    encode: ['-c:v', 'prores_ks', '-profile:v', '3', ...tags709],
  });
  const bytes = readFileSync(path);
  const starts: number[] = [];
  for (let from = bytes.indexOf('icpf'); from >= 0; from = bytes.indexOf('icpf', from + 4)) starts.push(from);
  bytes.fill(0xff, starts[5], starts[5] + 60);
  bytes.fill(0xff, starts[6], starts[6] + 60);
  bytes.fill(0xff, starts[0], starts[0] + 60);
  writeFileSync(path, bytes);
  const info = await probeClip(path);
  expect(info.frames).toBe(12);
  const named: number[] = [];
  const frames = await decodeAll(path, info, { concealed: (frame, why) => named.push(why === '' ? -1 : frame) });
  expect(numbers(frames)).toEqual([1, 1, 2, 3, 4, 4, 4, 7, 8, 9, 10, 11]);
  expect(named).toEqual([0, 5, 6]);
  for (const [first, last] of [
    [5, 6],
    [6, 8],
    [4, 11],
  ]) {
    expect(numbers(await decodeAll(path, info, { first, last }))).toEqual(
      [1, 1, 2, 3, 4, 4, 4, 7, 8, 9, 10, 11].slice(first, last + 1),
    );
  }
});

test('a clip whose every picture is damaged is refused', async () => {
  const path = await makeClip(at('all.mov'), { frames: 4, encode: ['-c:v', 'prores_ks'] });
  const bytes = readFileSync(path);
  for (let from = bytes.indexOf('icpf'); from >= 0; from = bytes.indexOf('icpf', from + 4))
    bytes.fill(0xff, from, from + 60);
  writeFileSync(path, bytes);
  await expect(probeClip(path)).rejects.toMatchObject({ code: 'MEDIA_DAMAGED' });
});

test('a decoder that is killed halfway is a failure of the program, not frozen frames', async () => {
  const path = await makeClip(at('good.mov'), { frames: 40, encode: ['-c:v', 'prores_ks', ...tags709] });
  const info = await probeClip(path);
  // Acts as ffmpeg, but when it decodes to a pipe it sends some pictures and is then killed, as by a system short of memory.
  const program = at('fragile-ffmpeg');
  writeFileSync(
    program,
    `#!/bin/sh\ncase "$*" in *"rawvideo pipe:1"*) ffmpeg "$@" | head -c 200000; kill -9 $$ ;; *) exec ffmpeg "$@" ;; esac\n`,
    { mode: 0o755 },
  );
  process.env.REVERIE_FFMPEG = program;
  try {
    const concealed: number[] = [];
    await expect(decodeAll(path, info, { concealed: frame => concealed.push(frame) })).rejects.toMatchObject({
      code: 'FFMPEG_FAILED',
    });
    expect(concealed).toEqual([]);
  } finally {
    delete process.env.REVERIE_FFMPEG;
  }
});

test('a dozen clips with flipped bits and torn ends neither hang nor crash anything', async () => {
  const seeds = await seedClips(folder, ['mp4', 'mkv', 'mov']);
  const results: string[] = [];
  for (let trial = 0; trial < 12; trial++) {
    const path = damage(seeds[trial % seeds.length], at(`trial-${trial}`), trial);
    results.push(await readDamaged(path));
  }
  expect(results.filter(result => !/^(refused|taken)/.test(result))).toEqual([]);
  expect(clipKinds).toContain('mp4');
  expect(upTo(12)).toHaveLength(results.length);
}, 240_000);
