import { NetDraft } from '../../bridge-server/src/models/net-draft';
import { openAtlas } from '../../bridge-server/src/stages/dream/atlas';
import { makePicture } from './moving-picture';
import { closeShared, makeContext } from './tiny-feature-net';

/** Two convolutions with activations, a depthwise one, a pool and a sum; only a classifier's answer is an output. */
function makeClassifier(): Uint8Array {
  const draft = new NetDraft('classifier');
  let seed = 3;
  const numbers = (count: number) =>
    Float32Array.from({ length: count }, () => ((seed = (seed * 48271) % 2147483647) / 2147483647 - 0.5) * 0.8);
  const conv = (x: string, from: number, to: number, name: string, group = 1) =>
    draft.node(
      'Conv',
      [x, draft.weight(`${name}.w`, [to, from / group, 3, 3], numbers((to * from * 9) / group))],
      { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [1, 1], group },
      `${name}/conv`,
    );
  const image = draft.input('image', [1, 3, 'height', 'width']);
  const first = draft.node('Relu', [conv(image, 3, 4, 'first')], {}, 'first');
  const pool = draft.node('MaxPool', [first], { kernel_shape: [2, 2], strides: [2, 2] }, 'pool');
  const deep = draft.node('Relu', [conv(pool, 4, 4, 'deep', 4)], {}, 'deep');
  const second = draft.node('Relu', [conv(deep, 4, 6, 'second')], {}, 'second');
  draft.output(draft.node('GlobalAveragePool', [second], {}, 'answer'), [1, 6, 1, 1]);
  return draft.toBytes();
}

afterAll(closeShared);

describe('the atlas of a net', () => {
  it('shows every layer that a prepared net names, in the order of computation', async () => {
    const { ctx } = await makeContext({});
    const { tiles } = await openAtlas({ net: 'tiny' }, ctx);
    expect(tiles.map(({ layer, channels }) => [layer, channels])).toEqual([
      ['relu1_1', 4],
      ['relu2_1', 6],
      ['relu3_1', 6],
      ['relu4_1', 8],
      ['relu5_1', 8],
    ]);
  });

  it('shows the convolutions across all channels of any other net, after their activation', async () => {
    const { ctx } = await makeContext({ bytes: makeClassifier });
    const { tiles } = await openAtlas({ net: 'classifier' }, ctx);
    expect(tiles.map(({ layer }) => layer)).toEqual(['first', 'second']);
  });

  it('paints another picture for each layer, into soft noise or into a given picture', async () => {
    const { ctx } = await makeContext({});
    const image = makePicture(160, 90, 0);
    const { tiles, paint } = await openAtlas({ net: 'tiny', image }, ctx);
    const [one, other] = [await paint(tiles[1]), await paint(tiles[2])];
    expect([one.width, one.height]).toEqual([160, 90]);
    const change = (a: Float32Array, b: Float32Array) =>
      a.reduce((sum, value, i) => sum + Math.abs(value - b[i]), 0) / a.length;
    expect(change(one.rgb, image.rgb)).toBeGreaterThan(1 / 255);
    expect(change(one.rgb, other.rgb)).toBeGreaterThan(1 / 255);
    expect(await paint(tiles[1])).toEqual(one);
  });

  it('shows the channels of one layer, each as a tile of its own', async () => {
    const { ctx } = await makeContext({});
    const { tiles, paint } = await openAtlas({ net: 'tiny', channelsOf: 'relu2_1' }, ctx);
    expect(tiles.map(({ layer, channel }) => [layer, channel])).toEqual(
      Array.from({ length: 6 }, (_, channel) => ['relu2_1', channel]),
    );
    const tile = await paint(tiles[3]);
    expect([tile.width, tile.height]).toEqual([128, 128]);
    expect(tile.rgb.every(value => value >= 0 && value <= 1)).toBe(true);
    await expect(openAtlas({ net: 'tiny', channelsOf: 'none' }, ctx)).rejects.toMatchObject({
      code: 'NET_LAYER_UNKNOWN',
    });
  });
});
