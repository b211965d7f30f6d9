import { ffmpegInUse } from '../../bridge-server/src/media/find-ffmpeg';
import { RawPictures } from '../../bridge-server/src/media/raw-pictures';
import { Silence } from '../../bridge-server/src/media/silence';

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));

function standStill(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

describe('silence', () => {
  let tooLong: number;
  let silence: Silence;
  beforeEach(() => {
    tooLong = 0;
    silence = new Silence(240, () => tooLong++);
  });
  afterEach(() => silence.over());

  test('is noticed once when nothing is heard for so long', async () => {
    silence.heard();
    await pause(1000);
    expect(tooLong).toBe(1);
  });

  test('is none while something is heard now and then, and none when nothing is expected', async () => {
    for (let i = 0; i < 4; i++) {
      silence.heard();
      await pause(60);
    }
    silence.over();
    await pause(600);
    expect(tooLong).toBe(0);
  });

  test('is not what passes while the program itself stands still', async () => {
    silence.heard();
    standStill(600);
    await pause(1);
    expect(tooLong).toBe(0);
  });
});

test('whoever takes long for a picture finds those that came before ffmpeg ended', async () => {
  const ffmpeg = await ffmpegInUse();
  // So small that all of them come at once, and the pipe is at its end while it is paused.
  const [pictures, size, limitMs] = [4, 3 * 16 * 16, 2000];
  const args = [
    ...['-f', 'lavfi', '-i', 'testsrc2=s=16x16:r=25', '-frames:v', String(pictures), '-vf', ffmpeg.reportFilter],
    ...['-pix_fmt', 'rgb24', '-f', 'rawvideo', 'pipe:1'],
  ];
  let seen = 0;
  for await (const { bytes } of new RawPictures(ffmpeg, args, size, undefined, limitMs)) {
    expect(bytes).toHaveLength(size);
    // At the first the others come and the pipe ends; at the second nothing more is to be heard.
    if (++seen <= 2) await pause(seen === 1 ? limitMs / 2 : 1.5 * limitMs);
  }
  expect(seen).toBe(pictures);
});
