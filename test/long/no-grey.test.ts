import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { styleParams } from '#protocol/effects/style';
import { createFrame, type Frame } from '../../bridge-server/src/frame/frame';
import { loadPicture } from '../../bridge-server/src/media/still';
import { createFlowProvider } from '../../bridge-server/src/stages/flow';
import { measureClip } from '../../bridge-server/src/stages/measure';
import { stylize } from '../../bridge-server/src/stages/stylize';
import { createStyleDistance } from '../../bridge-server/src/stages/stylize/style-distance';
import { warpBackward } from '../../bridge-server/src/stages/warp';
import { closeShared, makeContext, type TestContext } from '../stages/tiny-feature-net';

/** The scenes of the methods reference, 10.8, with the net, the painter and the settings that are built in. */
const root = join(__dirname, '../../bridge-server');
const photograph = join(__dirname, '../../../shared/data/images/natural/tubingen.jpg');
const [width, height, frames] = [320, 180, 30];

/** Both cameras see at the end what the first frame did not show. */
const scenes = [
  {
    name: 'a camera that moves 8 px a frame downward',
    corner: (i: number) => ({ x: 300, y: 150 + 8 * i, scale: 1 }),
    exposed: { x: 0, y: height - 80, width, height: 80 },
    seen: { x: 0, y: 0, width, height: 80 },
  },
  {
    name: 'a camera that zooms out by 1 % a frame',
    corner: (i: number) => {
      const scale = 1.01 ** i;
      return { x: 512 - (scale * width) / 2, y: 400 - (scale * height) / 2, scale };
    },
    exposed: { x: 0, y: 0, width: 48, height },
    seen: { x: 136, y: 0, width: 48, height },
  },
];

const there = existsSync(photograph);
if (!there) console.warn('skipped: the photographs of ../shared are not here');

/** The part of a picture that a camera sees, sampled between its pixels. */
function view(
  picture: Frame,
  index: number,
  { x: left, y: top, scale }: { x: number; y: number; scale: number },
): Frame {
  const area = picture.width * picture.height;
  const flow = new Float32Array(2 * area);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      flow[y * picture.width + x] = left + (scale - 1) * x;
      flow[area + y * picture.width + x] = top + (scale - 1) * y;
    }
  const { image } = warpBackward(picture.rgb, flow, picture, { filter: 'cubic' });
  return { ...crop({ ...picture, rgb: image }, { x: 0, y: 0, width, height }), index };
}

type Box = { readonly x: number; readonly y: number; readonly width: number; readonly height: number };

function crop(frame: Frame, box: Box): Frame {
  const out = createFrame(box.width, box.height, frame.index);
  for (let c = 0; c < 3; c++)
    for (let y = 0; y < box.height; y++) {
      const from = (c * frame.height + box.y + y) * frame.width + box.x;
      out.rgb.set(frame.rgb.subarray(from, from + box.width), (c * box.height + y) * box.width);
    }
  return out;
}

async function* streamOf(list: readonly Frame[]) {
  yield* list;
}

afterAll(closeShared);

(there ? describe : describe.skip)('no grey, and steady', () => {
  const params = styleParams.parse({});
  let test: TestContext;
  let picture: Frame;
  beforeAll(async () => {
    test = await makeContext({
      bytes: name => new Uint8Array(readFileSync(join(root, 'nets', `${name}.onnx`))),
      painters: { 'starry-night': new Uint8Array(readFileSync(join(root, 'painters/starry-night.painter'))) },
    });
    picture = await loadPicture(photograph);
  });
  const paint = async (list: readonly Frame[]) => {
    const out: Frame[] = [];
    for await (const frame of stylize(streamOf(list), params, test.ctx)) out.push(frame);
    return out;
  };

  it.each(scenes)(
    '$name: no damaged tile, and what has come into view is painted like the rest',
    async ({ corner, exposed, seen }) => {
      const footage = Array.from({ length: frames }, (_, i): Frame => {
        const frame = view(picture, i, corner(i));
        return i === 0 ? { ...frame, shotStart: true } : frame;
      });
      test.notices.length = 0;
      const painted = await paint(footage);
      // Two neighbours late in the shot, painted as if they were alone.
      const alone = new Map<number, Frame>();
      for (const i of [frames - 2, frames - 1]) alone.set(i, (await paint([{ ...footage[i], shotStart: true }]))[0]);
      const styleLoss = createStyleDistance(test.ctx, params);
      const flow = createFlowProvider('classical', {});
      const { figures } = await measureClip(streamOf(painted), streamOf(footage), {
        flow,
        styleLoss,
        independent: async ({ index }) => alone.get(index),
      });
      await flow.close();
      expect(figures.frames).toBe(frames);
      expect(test.notices.filter(({ kind }) => kind !== 'note')).toEqual([]);
      expect([figures.defectTiles, figures.defectFrames]).toEqual([0, []]);
      expect(figures.warpingErrorRatio).toBeLessThan(1.5);
      expect(figures.stabilityError).toBeLessThan(0.7 * figures.stabilityErrorIndependent!);
      expect(figures.styleLossRatio).toBeLessThan(1.1);
      expect(figures.sharpnessRatio).toBeGreaterThan(0.95);

      const last = painted[frames - 1];
      expect(await styleLoss(crop(last, exposed))).toBeLessThan(1.3 * (await styleLoss(crop(last, seen))));
    },
    1_800_000,
  );
});
