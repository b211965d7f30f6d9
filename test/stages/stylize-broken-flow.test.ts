import { styleParams } from '#protocol/effects/style';
import { AppError } from '#protocol/errors';
import type { Frame } from '../../bridge-server/src/frame/frame';
import { NetDraft } from '../../bridge-server/src/models/net-draft';
import { checkFrame } from '../../bridge-server/src/stages/check-frames';
import { stylize } from '../../bridge-server/src/stages/stylize';
import { makePicture, otherTexture } from './moving-picture';
import { closeShared, makeContext, makeTinyNet, type TestContext } from './tiny-feature-net';
import { meanDifference } from '../compare';
import { runStage } from './run-stage';

const [width, height] = [96, 64];
const painting = 'b'.repeat(64);

/** A net with RAFT's signature whose "flow" is a mix of the first picture's colours. */
function makeFlowNet(mix: readonly number[], bias: number): Uint8Array {
  const draft = new NetDraft('broken');
  const first = draft.input('image1', [1, 3, 'height', 'width']);
  const second = draft.input('image2', [1, 3, 'height', 'width']);
  const weights = draft.weight('w', [2, 3, 1, 1], Float32Array.from(mix));
  const nothing = draft.weight('none', [2, 3, 1, 1], new Float32Array(6));
  const offset = draft.weight('b', [2], Float32Array.of(bias, bias));
  const seen = draft.node('Conv', [first, weights, offset], { kernel_shape: [1, 1] });
  const ignored = draft.node('Conv', [second, nothing], { kernel_shape: [1, 1] });
  draft.output(draft.node('Add', [seen, ignored], {}, 'flow'), [1, 2, 'height', 'width']);
  return draft.toBytes();
}

/** A camera that moves 5 px a frame. */
const footage = Array.from({ length: 3 }, (_, i): Frame => {
  const frame = makePicture(width, height, i, (x, y) => [x + 5 * i, y + 3 * i]);
  return i === 0 ? { ...frame, shotStart: true } : frame;
});

const params = (flow: 'net' | 'classical') =>
  styleParams.parse({
    styles: [{ image: { sha256: painting } }],
    net: 'tiny',
    strokePx: 80,
    scales: 2,
    iterations: 12,
    iterationsNext: 4,
    flow,
  });

const paint = (frames: readonly Frame[], { ctx }: TestContext, flow: 'net' | 'classical' = 'net') =>
  runStage(stylize, frames, params(flow), ctx);

const context = (flowNet: Uint8Array) =>
  makeContext({
    pictures: { [painting]: makePicture(80, 64, 0, (x, y) => [3 * x, 2 * y], otherTexture) },
    bytes: name => (name === 'tiny' ? makeTinyNet() : flowNet),
  });

// Nets are shared by name within a file: each is asked for once and forgotten before the next.
afterEach(closeShared);

test.each([
  ['zeros although the camera moves', makeFlowNet([0, 0, 0, 0, 0, 0], 0)],
  ['noise', makeFlowNet([0.3, -0.2, -0.1, -0.25, 0.35, -0.1], 1)],
  ['not a number', makeFlowNet([0, 0, 0, 0, 0, 0], NaN)],
  ['far out of the picture', makeFlowNet([0, 0, 0, 0, 0, 0], 4000)],
])('flow that is %s is said in the report, and every frame is painted as if it were alone', async (_, net) => {
  const test = await context(net);
  const out = await paint(footage, test);
  expect(new Set(test.notices.map(({ kind, frame }) => `${kind} ${frame}`))).toEqual(
    new Set(['flow-doubtful 1', 'flow-doubtful 2']),
  );
  const alone = await paint(
    footage.map(frame => ({ ...frame, shotStart: true })),
    test,
  );
  out.forEach((frame, i) => {
    expect(checkFrame({ frame, content: footage[i] })).toEqual([]);
    // Only the colours differ: they are the shot's, not the frame's own.
    expect(meanDifference(frame.rgb, alone[i].rgb)).toBeLessThan(0.02);
  });
});

test('a flow net that dies is given up for the classical search, and the report says so', async () => {
  const test = await context(makeFlowNet([0, 0, 0, 0, 0, 0], 0));
  const { compiled } = test.ctx.nets;
  const dying: TestContext = {
    ...test,
    ctx: {
      ...test.ctx,
      nets: {
        ...test.ctx.nets,
        compiled: async (key, build, options) => {
          const net = await compiled(key, build, options);
          if (!key.startsWith('pair:')) return net;
          return { ...net, run: () => Promise.reject(new AppError('NET_RUN_FAILED', { name: key, problem: 'gone' })) };
        },
      },
    },
  };
  const out = await paint(footage, dying);
  expect(test.notices.map(({ kind, frame }) => [kind, frame])).toEqual([['fallback', 1]]);
  const searched = await paint(footage, test, 'classical');
  out.forEach((frame, i) =>
    expect(Buffer.from(frame.rgb.buffer).equals(Buffer.from(searched[i].rgb.buffer))).toBe(true),
  );
});
