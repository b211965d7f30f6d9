import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEncoder } from '../../bridge-server/src/media/encode';
import { findFfmpeg } from '../../bridge-server/src/media/find-ffmpeg';

const folder = mkdtempSync(join(tmpdir(), 'reverie-encoder-'));
afterAll(() => {
  delete process.env.REVERIE_FFMPEG;
  rmSync(folder, { recursive: true, force: true });
});

(process.platform === 'win32' ? test.skip : test)(
  'an ffmpeg that was built without an encoder is told by name (a shell script stands for it, so not on Windows)',
  async () => {
    const real = await findFfmpeg();
    const path = join(folder, 'ffmpeg');
    // The real program, but its list of encoders lacks one.
    const script = [
      '#!/bin/sh',
      `for word in "$@"; do if [ "$word" = "-encoders" ]; then "${real.path}" "$@" | grep -v prores; exit; fi; done`,
      `exec "${real.path}" "$@"`,
    ];
    writeFileSync(path, `${script.join('\n')}\n`);
    chmodSync(path, 0o755);
    process.env.REVERIE_FFMPEG = path;
    await expect(
      createEncoder(join(folder, 'out.mov'), {
        codec: 'prores422hq',
        rate: { num: 25, den: 1 },
        width: 64,
        height: 48,
      }),
    ).rejects.toMatchObject({ code: 'ENCODER_MISSING' });
  },
);
