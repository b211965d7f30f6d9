import { createFrame, type Frame } from '../../bridge-server/src/frame/frame';
import { convertToBt709, isSdrBt709, yuvMatrix } from '../../bridge-server/src/media/colour';
import {
  bitDepthOf,
  hasAlphaPlane,
  pictureBytes,
  rawFormat,
  rawFormatFor,
  samplesOf,
} from '../../bridge-server/src/media/raw-format';
import { planesToRgb } from '../../bridge-server/src/media/planes-to-rgb';
import { rgbToPlanes } from '../../bridge-server/src/media/rgb-to-planes';
import { resample } from '../../bridge-server/src/media/resample';
import { worstDifference } from '../compare';

/** Slow waves of all three colours, which survive the halving of chroma. */
function waves(width: number, height: number): Frame {
  const frame = createFrame(width, height);
  const size = width * height;
  for (let index = 0; index < size; index++) {
    const [x, y] = [index % width, Math.floor(index / width)];
    frame.rgb[index] = 0.5 + 0.4 * Math.sin(x / 17);
    frame.rgb[size + index] = 0.5 + 0.4 * Math.sin(y / 13 + 1);
    frame.rgb[2 * size + index] = 0.5 + 0.4 * Math.cos((x + y) / 23);
  }
  return frame;
}
const there = { matrix: yuvMatrix('bt709', 720), range: 'tv', dithered: false } as const;
const back = { matrix: there.matrix, range: 'tv', siting: 'left', rotation: 0 } as const;
test.each([
  ['yuv444p16le', 2.6e-5, 2.6e-5],
  ['yuv444p10le', 2e-3, 2e-3],
  // At the border the missing neighbour is replaced by the last sample.
  ['yuv422p10le', 4e-3, 0.03],
  ['yuv420p', 0.012, 0.04],
  ['gbrp16le', 0.51 / 65535, 0.51 / 65535],
])('%s and back again loses at most what rounding and the halving of chroma take', (name, limit, atBorder) => {
  for (const [width, height] of [
    [64, 48],
    [33, 21],
  ]) {
    const frame = waves(width, height);
    const format = rawFormat(name)!;
    const bytes = rgbToPlanes(frame, format, width, height, there);
    expect(bytes.length).toBe(pictureBytes(format, width, height));
    const again = planesToRgb(samplesOf(format, bytes), format, width, height, back);
    expect(worstDifference(again.rgb, frame.rgb)).toBeLessThan(atBorder);
    const inside = again.rgb.map((value, index) => {
      const [x, y] = [index % width, Math.floor(index / width) % height];
      return x > 1 && y > 1 && x < width - 2 && y < height - 2 ? value : frame.rgb[index];
    });
    expect(worstDifference(inside, frame.rgb)).toBeLessThan(limit);
  }
});

test('black, white and the primaries have their standard codes', () => {
  // ITU-R BT.709, table 3: limited range, 8 bits.
  const codes: [number, number, number, number[]][] = [
    [0, 0, 0, [16, 128, 128]],
    [1, 1, 1, [235, 128, 128]],
    [1, 0, 0, [63, 102, 240]],
    [0, 1, 0, [173, 42, 26]],
    [0, 0, 1, [32, 240, 118]],
  ];
  for (const [r, g, b, expected] of codes) {
    const frame = createFrame(2, 2);
    frame.rgb.fill(r, 0, 4).fill(g, 4, 8).fill(b, 8, 12);
    const bytes = rgbToPlanes(frame, rawFormat('yuv444p')!, 2, 2, there);
    expect([bytes[0], bytes[4], bytes[8]]).toEqual(expected);
  }
});

test('turning is exact for each quarter', () => {
  const format = rawFormat('gray')!;
  // 1 2 3
  // 4 5 6
  const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6);
  const turn = (rotation: 0 | 90 | 180 | 270) => {
    const { rgb, width, height } = planesToRgb(bytes, format, 3, 2, { ...back, range: 'pc', rotation });
    return [width, height, ...Array.from(rgb.subarray(0, 6), value => Math.round(value * 255))];
  };
  expect(turn(0)).toEqual([3, 2, 1, 2, 3, 4, 5, 6]);
  expect(turn(90)).toEqual([2, 3, 4, 1, 5, 2, 6, 3]);
  expect(turn(180)).toEqual([3, 2, 6, 5, 4, 3, 2, 1]);
  expect(turn(270)).toEqual([2, 3, 3, 6, 2, 5, 1, 4]);
});

test('packed pixels are read in every order', () => {
  const read = (name: string, ...bytes: number[]) => {
    const format = rawFormatFor(name);
    const { rgb, alpha } = planesToRgb(samplesOf(format, Uint8Array.from(bytes)), format, 1, 1, back);
    return [...rgb, ...(alpha ?? [])].map(value => Math.round(value * 255));
  };
  expect(read('rgb24', 1, 2, 3)).toEqual([1, 2, 3]);
  expect(read('bgra', 3, 2, 1, 9)).toEqual([1, 2, 3, 9]);
  expect(read('argb', 9, 1, 2, 3)).toEqual([1, 2, 3, 9]);
  expect(read('0bgr', 7, 3, 2, 1)).toEqual([1, 2, 3]);
  expect(read('ya8', 5, 9)).toEqual([5, 5, 5, 9]);
  expect(read('rgb48be', 255, 255, 0, 0, 127, 127)).toEqual([255, 0, 127]);
  expect(read('rgba64le', 255, 255, 0, 0, 127, 127, 255, 255)).toEqual([255, 0, 127, 255]);
});

test('formats are known by depth and alpha', () => {
  const facts = [
    'yuv420p',
    'yuvj422p',
    'yuva444p12le',
    'p010le',
    'gbrap16be',
    'argb',
    'pal8',
    'rgb48be',
    'nv12',
    'gray10le',
    'something_new',
  ];
  expect(facts.map(name => [bitDepthOf(name), hasAlphaPlane(name)])).toEqual([
    [8, false],
    [8, false],
    [12, true],
    [10, false],
    [16, true],
    [8, true],
    [8, false],
    [16, false],
    [8, false],
    [10, false],
    [16, false],
  ]);
});

test('dithering keeps the mean of a slope and leaves whole steps alone', () => {
  const flat = createFrame(128, 128);
  flat.rgb.fill(0.5 + 0.3 / 219);
  const format = rawFormat('yuv420p')!;
  const luma = rgbToPlanes(flat, format, 128, 128, { ...there, dithered: true }).subarray(0, 128 * 128);
  const mean = luma.reduce((sum, value) => sum + value, 0) / luma.length;
  expect(mean).toBeCloseTo(16 + 219 * (0.5 + 0.3 / 219), 1);
  expect(new Set(luma).size).toBe(2);
  flat.rgb.fill(1);
  expect(new Set(rgbToPlanes(flat, format, 128, 128, { ...there, dithered: true }).subarray(0, 128 * 128))).toEqual(
    new Set([235]),
  );
});

test('what is no number becomes black, what lies outside is clipped', () => {
  const frame = createFrame(2, 2);
  frame.rgb.set([NaN, -1, 2, Infinity]);
  frame.rgb.set([NaN, -1, 2, Infinity], 4);
  frame.rgb.set([NaN, -1, 2, Infinity], 8);
  const bytes = rgbToPlanes(frame, rawFormat('yuv444p')!, 2, 2, there);
  expect([...bytes.subarray(0, 4)]).toEqual([16, 16, 235, 235]);
});

test('HDR: diffuse white is bright but not white, brighter is brighter, grey stays grey', () => {
  expect(isSdrBt709({ primaries: 'bt709', transfer: 'bt709' })).toBe(true);
  expect(isSdrBt709({ primaries: 'smpte170m', transfer: 'smpte170m' })).toBe(true);
  const levels = [0, 0.2, 0.4, 0.5806, 0.65, 0.7518, 1];
  for (const transfer of ['smpte2084', 'arib-std-b67']) {
    const convert = convertToBt709({ primaries: 'bt2020', transfer });
    const shown = levels.map(level => {
      const rgb = Float32Array.of(level, level, level);
      convert(rgb);
      expect(Math.max(...rgb) - Math.min(...rgb)).toBeLessThan(2e-3);
      return rgb[0];
    });
    expect(shown[0]).toBe(0);
    for (let index = 1; index < shown.length; index++) expect(shown[index]).toBeGreaterThanOrEqual(shown[index - 1]);
    expect(shown[6]).toBeGreaterThan(0.98);
    // PQ 0.5806 is 203 cd/m2, diffuse white.
    if (transfer === 'smpte2084') expect(shown[3]).toBeGreaterThan(0.8);
    if (transfer === 'smpte2084') expect(shown[3]).toBeLessThan(0.95);
  }
});

test('scaling keeps constants, means and the place of things', () => {
  const flat = createFrame(40, 30);
  flat.rgb.fill(0.3);
  for (const [width, height] of [
    [20, 15],
    [77, 61],
    [40, 10],
  ])
    expect(
      worstDifference(resample(flat, width, height).rgb, new Float32Array(3 * width * height).fill(0.3)),
    ).toBeLessThan(1e-6);
  const dot = createFrame(64, 64);
  for (let y = 30; y < 34; y++) for (let x = 14; x < 18; x++) dot.rgb[y * 64 + x] = 1;
  const small = resample(dot, 32, 32);
  let [sum, weighted] = [0, 0];
  for (let index = 0; index < 1024; index++) {
    sum += small.rgb[index];
    weighted += small.rgb[index] * ((index % 32) + 0.5);
  }
  expect(weighted / sum).toBeCloseTo(8, 1);
});
