import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { styleParams } from '#protocol/effects/style';
import { createFrame, type Frame } from '../../bridge-server/src/frame/frame';
import { loadPicture } from '../../bridge-server/src/media/still';
import { checkFrame } from '../../bridge-server/src/stages/check-frames';
import { stylize } from '../../bridge-server/src/stages/stylize';
import { createStyleDistance } from '../../bridge-server/src/stages/stylize/style-distance';
import { warpBackward } from '../../bridge-server/src/stages/warp';
import { closeShared, makeContext, type TestContext } from '../stages/tiny-feature-net';

/** The scenes of the methods reference, 10.8, small and short, with the net and a painter that are built in. */
const root = join(__dirname, '../../bridge-server');
const photograph = join(__dirname, '../../../shared/data/images/natural/tubingen.jpg');
const [width, height, frames] = [160, 96, 6];

/** Both cameras see at the end what the first frame did not show. */
const scenes = [
  {
    name: 'a camera that moves 8 px a frame downward',
    corner: (i: number) => ({ x: 300, y: 150 + 8 * i, scale: 1 }),
    exposed: { x: 0, y: height - 40, width, height: 40 },
    seen: { x: 0, y: 0, width, height: 40 },
  },
  {
    name: 'a camera that zooms out, in six frames as far as by 1 % a frame in twenty',
    corner: (i: number) => {
      const scale = 1.04 ** i;
      return { x: 512 - (scale * width) / 2, y: 400 - (scale * height) / 2, scale };
    },
    exposed: { x: 0, y: 0, width: 24, height },
    seen: { x: 68, y: 0, width: 24, height },
  },
];

const there = existsSync(photograph);
if (!there) console.warn('skipped: the photographs of ../shared are not here');

type Corner = { readonly x: number; readonly y: number; readonly scale: number };

/** The part of a picture that a camera sees, sampled between its pixels. */
function view(picture: Frame, index: number, { x: left, y: top, scale }: Corner): Frame {
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

afterAll(closeShared);

(there ? describe : describe.skip)('no grey', () => {
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

  it.each(scenes)(
    '$name: no damaged tile, and what has come into view is painted like the rest',
    async ({ corner, exposed, seen }) => {
      const footage = Array.from({ length: frames }, (_, i): Frame => {
        const frame = view(picture, i, corner(i));
        return i === 0 ? { ...frame, shotStart: true } : frame;
      });
      test.notices.length = 0;
      const painted: Frame[] = [];
      async function* input() {
        yield* footage;
      }
      for await (const frame of stylize(input(), params, test.ctx)) painted.push(frame);
      // A frame that had to be painted anew would be a notice.
      expect(test.notices).toEqual([]);
      painted.forEach((frame, i) => expect(checkFrame({ frame, content: footage[i] })).toEqual([]));
      const styleLoss = createStyleDistance(test.ctx, params);
      const [entered, rest] = await Promise.all([exposed, seen].map(box => styleLoss(crop(painted[frames - 1], box))));
      expect(entered).toBeLessThan(1.3 * rest);
    },
    600_000,
  );
});
