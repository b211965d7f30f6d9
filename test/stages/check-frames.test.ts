import { createFrame, type Frame } from '../../bridge-server/src/frame/frame';
import {
  checkFrame,
  createOutlierWatch,
  outliersOf,
  type DefectKind,
} from '../../bridge-server/src/stages/check-frames';
import { warpBackward } from '../../bridge-server/src/stages/warp';
import { constantFlow, makePicture } from './moving-picture';

const [width, height] = [256, 192];
const content = makePicture(width, height, 1);

/** The source seen by a painter: other colours, same places. */
function painted(source: Frame): Frame {
  return { ...source, rgb: source.rgb.map(v => 0.15 + (0.7 * Math.round(v * 24)) / 24) };
}

function filled(
  frame: Frame,
  colour: readonly number[],
  area: { x: number; y: number; width: number; height: number },
): Frame {
  const rgb = frame.rgb.slice();
  for (let c = 0; c < 3; c++) {
    for (let y = area.y; y < area.y + area.height; y++) {
      for (let x = area.x; x < area.x + area.width; x++)
        rgb[c * frame.width * frame.height + y * frame.width + x] = colour[c];
    }
  }
  return { ...frame, rgb };
}

const kinds = (...args: Parameters<typeof checkFrame>): DefectKind[] => checkFrame(...args).map(defect => defect.kind);
const grey = [124 / 255, 117 / 255, 104 / 255];

test('a sound frame has no defect, nor has the source itself', () => {
  expect(checkFrame({ frame: painted(content), content })).toEqual([]);
  expect(
    checkFrame(
      { frame: content, content },
      {
        frame: makePicture(width, height, 0, (x, y) => [x - 2, y]),
        content: makePicture(width, height, 0, (x, y) => [x - 2, y]),
      },
    ),
  ).toEqual([]);
});

test('a patch that the painter left out is found, with its tiles', () => {
  const [defect] = checkFrame({
    frame: filled(painted(content), grey, { x: 96, y: 128, width: 64, height: 64 }),
    content,
  });
  expect(defect.kind).toBe('flat');
  expect(defect.tiles.map(tile => [tile.x, tile.y])).toEqual([
    [96, 128],
    [128, 128],
    [96, 160],
    [128, 160],
  ]);
});

test('half-painted grey is found although it is not flat', () => {
  const frame = painted(content);
  for (let y = 150; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) frame.rgb[c * width * height + y * width + x] = grey[c] + (4 / 255) * Math.sin(x / 5);
    }
  }
  const [defect] = checkFrame({ frame, content });
  expect(defect.kind).toBe('grey');
  expect(defect.tiles.every(tile => tile.y === 160)).toBe(true);
  expect(defect.tiles).toHaveLength(8);
});

test('a grey wall in the source may be one in the picture', () => {
  const wall = filled(content, grey, { x: 64, y: 32, width: 96, height: 96 });
  expect(checkFrame({ frame: wall, content: wall })).toEqual([]);
  expect(kinds({ frame: wall, content })).toEqual(['flat']);
});

test('less than 0.2 % of the frame is let pass, the same again beside it is not', () => {
  const large = makePicture(768, 704, 0);
  const one = { x: 320, y: 320, width: 32, height: 32 };
  expect(checkFrame({ frame: filled(large, grey, one), content: large })).toEqual([]);
  expect(kinds({ frame: filled(large, grey, { ...one, width: 64 }), content: large })).toEqual(['flat']);
  const apart = filled(filled(large, grey, one), grey, { ...one, x: 384, y: 384 });
  expect(checkFrame({ frame: apart, content: large })).toEqual([]);
});

test('a content frame of another size is compared at the same place', () => {
  const large = makePicture(2 * width, 2 * height, 1, (x, y) => [x / 2, y / 2]);
  expect(checkFrame({ frame: large, content })).toEqual([]);
  const flatSource = filled(content, [0.2, 0.3, 0.4], { x: 64, y: 64, width: 96, height: 64 });
  const flatLarge = filled(large, [0.2, 0.3, 0.4], { x: 128, y: 128, width: 192, height: 128 });
  expect(checkFrame({ frame: flatLarge, content: flatSource })).toEqual([]);
  expect(kinds({ frame: flatLarge, content })).toEqual(['flat']);
});

test('NaN and infinity, also in alpha', () => {
  const rgb = content.rgb.slice();
  rgb[77] = NaN;
  expect(kinds({ frame: { ...content, rgb }, content })).toEqual(['not-a-number']);
  const alpha = new Float32Array(width * height).fill(1);
  alpha[5] = Infinity;
  expect(kinds({ frame: { ...content, alpha }, content })).toEqual(['not-a-number']);
});

test('black is a defect unless the source is black too, all the way down a fade', () => {
  const black = createFrame(width, height, 1);
  expect(kinds({ frame: black, content })).toEqual(['black']);
  expect(kinds({ frame: black })).toEqual(['black']);
  for (let gain = 1; gain >= 0; gain -= 0.05) {
    const faded = { ...content, rgb: content.rgb.map(v => v * gain) };
    expect(checkFrame({ frame: faded, content: faded })).toEqual([]);
  }
});

test('a frame of one colour is flat', () => {
  expect(kinds({ frame: filled(content, [0.8, 0.2, 0.1], { x: 0, y: 0, width, height }), content })).toContain('flat');
});

test('the frame before again is a duplicate where the source moved, and none where it stood still', () => {
  const before = makePicture(width, height, 0, (x, y) => [x - 3, y]);
  const frame = painted(before);
  expect(kinds({ frame, content }, { frame, content: before })).toEqual(['duplicate']);
  expect(checkFrame({ frame, content: before }, { frame, content: before })).toEqual([]);
});

test('a part that stays frozen while the source moves there is dead', () => {
  const before = makePicture(width, height, 0, (x, y) => [x - 6, y]);
  const frame = painted(content);
  const last = painted(before);
  for (let c = 0; c < 3; c++) {
    for (let y = 64; y < 128; y++)
      for (let x = 64; x < 160; x++)
        frame.rgb[c * width * height + y * width + x] = last.rgb[c * width * height + y * width + x];
  }
  const defects = checkFrame({ frame, content }, { frame: last, content: before });
  expect(defects.map(defect => defect.kind)).toEqual(['dead']);
  expect(defects[0].tiles).toHaveLength(6);
});

test('a border of a few flat lines is found on its side; bars in the source are none', () => {
  for (const [x, y, w, h] of [
    [0, height - 6, width, 6],
    [0, 0, 4, height],
  ]) {
    const defects = checkFrame({ frame: filled(painted(content), grey, { x, y, width: w, height: h }), content });
    expect(defects).toMatchObject([{ kind: 'border', tiles: [{ x, y, width: w, height: h }] }]);
  }
  const barred = filled(filled(content, [0, 0, 0], { x: 0, y: 0, width, height: 20 }), [0, 0, 0], {
    x: 0,
    y: height - 20,
    width,
    height: 20,
  });
  expect(checkFrame({ frame: barred, content: barred })).toEqual([]);
});

test('what is transparent is not looked at', () => {
  const alpha = new Float32Array(width * height).map((_, p) => (p % width < 128 ? 0 : 1));
  const frame = { ...filled(painted(content), grey, { x: 0, y: 0, width: 128, height }), alpha };
  expect(checkFrame({ frame, content })).toEqual([]);
});

test('pulling the edge in, 8 px a frame for 30 frames, leaves nothing that is called a defect', () => {
  // methods 10.8, without a painter: the worst that warping alone can do.
  let frame = painted(makePicture(width, height, 0));
  const tall = (t: number) => makePicture(width, height, t, (x, y) => [x, y + 8 * t]);
  for (let t = 1; t <= 30; t++) {
    frame = { ...frame, index: t, rgb: warpBackward(frame.rgb, constantFlow(width, height, 0, 8), frame).image };
    if (t % 6 === 0) expect(checkFrame({ frame, content: tall(t) })).toEqual([]);
  }
});

test('style losses that stand out', () => {
  const watch = createOutlierWatch();
  expect([10, 11, 10, 10.5, 14.5, 15, 10, 12.9, 13.7].map(loss => watch.push(loss))).toEqual([
    false,
    false,
    false,
    false,
    true,
    true,
    false,
    false,
    true,
  ]);
  expect(watch.push(NaN)).toBe(true);
  expect(outliersOf([10, 11, 10, 9, 10, 30, 10.5, 9.5])).toEqual([5]);
  expect(outliersOf([4, 4, 4, 4])).toEqual([]);
});
