import { parseStreamFacts } from '../../bridge-server/src/media/stream-facts';

const lines = (text: string) => text.split('\n').map(line => `[info] ${line}`);

test('what ffmpeg 5 prints of a phone clip', () => {
  const facts = parseStreamFacts(
    lines(`Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'file:IMG_1.MOV':
  Metadata:
    comment         : Stream #0:9: Video: fake, rgb24, 1x1
  Duration: 00:01:02.50, start: 0.000000, bitrate: 404 kb/s
  Stream #0:0[0x1](und): Video: hevc (Main 10) (hvc1 / 0x31637668), yuv420p10le(tv, bt2020nc/bt2020/arib-std-b67, progressive), 1920x1080 [SAR 1:1 DAR 16:9], 262 kb/s, 29.98 fps, 29.97 tbr, 600 tbn (default)
    Metadata:
      handler_name    : Core Media Video
    Side data:
      displaymatrix: rotation of -90.00 degrees
  Stream #0:1[0x2](und): Audio: aac (LC) (mp4a / 0x6134706D), 44100 Hz, mono, fltp, 69 kb/s (default)
  Stream #0:2[0x3](und): Data: none (mebx / 0x7862656D)
At least one output file must be specified`),
  );
  expect(facts).toMatchObject({
    container: 'mov,mp4,m4a,3gp,3g2,mj2',
    hasAudio: true,
    durationSeconds: 62.5,
    video: {
      codec: 'hevc',
      pixelFormat: 'yuv420p10le',
      range: 'tv',
      matrix: 'bt2020nc',
      primaries: 'bt2020',
      transfer: 'arib-std-b67',
      width: 1920,
      height: 1080,
      rotation: 90,
      interlaced: false,
      claimedRates: ['29.98', '29.97'],
    },
  });
  expect(facts!.streams.map(stream => stream.kind)).toEqual(['Video', 'Audio', 'Data']);
});

test('what ffmpeg 4 prints of a DVD', () => {
  const facts = parseStreamFacts(
    lines(`Input #0, mpeg, from 'dvd.mpg':
  Duration: N/A, start: 0.540000, bitrate: 3522 kb/s
    Stream #0:0[0x1e0]: Video: mpeg2video (Main), yuv420p(tv, bt470bg, top first), 720x576 [SAR 64:45 DAR 16:9], 25 fps, 25 tbr, 90k tbn, 50 tbc
Output #0, null, to 'pipe:':
    Stream #0:0: Video: wrapped_avframe, yuv420p, 9x9`),
  );
  expect(facts!.video).toMatchObject({
    sampleAspect: { num: 64, den: 45 },
    interlaced: true,
    matrix: 'bt470bg',
    transfer: 'bt470bg',
    width: 720,
    rotation: 0,
    claimedRates: ['25', '25'],
  });
  expect(facts!.durationSeconds).toBeUndefined();
  expect(facts!.streams).toHaveLength(1);
});

test('a cover picture is no video', () => {
  const facts = parseStreamFacts(
    lines(`Input #0, mp3, from 'song.mp3':
  Duration: 00:00:01.00, start: 0.025057, bitrate: 70 kb/s
  Stream #0:0: Audio: mp3, 44100 Hz, mono, fltp, 64 kb/s
  Stream #0:1: Video: mjpeg (Baseline), yuvj444p(pc, bt470bg/unknown/unknown), 64x64 [SAR 1:1 DAR 1:1], 90k tbr, 90k tbn (attached pic)`),
  );
  expect(facts).toMatchObject({ hasAudio: true, video: undefined });
});

test('no input, no facts', () => {
  expect(parseStreamFacts(lines('file:x.mp4: Invalid data found when processing input'))).toBeUndefined();
});
