import { parseTorch } from '../../bridge-server/src/models/torch-file';
import { damageFile } from './damage';
import { writeTorch } from './torch-writer';

const tensors = new Map([
  ['module.conv.weight', { dims: [2, 1, 2, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8) }],
  ['module.conv.bias', { dims: [2], data: Float32Array.of(0.5, -0.5) }],
  ['scale', { dims: [], data: Float32Array.of(3) }],
]);

describe.each(['zip', 'legacy'] as const)('a PyTorch file of the %s form', form => {
  const bytes = writeTorch(tensors, form);

  test('gives its weights by name, without what training on several devices put before', () => {
    const read = parseTorch(bytes, 'small');
    expect([...read.keys()]).toEqual(['conv.weight', 'conv.bias', 'scale']);
    expect(read.get('conv.weight')).toEqual({ dims: [2, 1, 2, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8) });
    expect(read.get('scale')!.data).toEqual(Float32Array.of(3));
  });

  test('never does more than be refused when it is damaged', () => {
    const report = damageFile(bytes, variant => parseTorch(variant, 'fuzz'), { cuts: 200, flips: 1500 });
    expect(report.refused).toBeGreaterThan(500);
    expect(report.slowestMs).toBeLessThan(2000);
  });

  test('of half precision is refused by the name of its weights', () => {
    expect(() => parseTorch(writeTorch(tensors, form, 'HalfStorage'), 'half')).toThrow(
      expect.objectContaining({
        code: 'NET_UNSUPPORTED',
        details: expect.objectContaining({ what: 'weights in a torch.HalfStorage (module.conv.weight)' }),
      }),
    );
  });
});

test('calls in a PyTorch file are never made, only refused', () => {
  // os.system('true'), as a hostile file would have it.
  const hostile = Uint8Array.from([
    0x80,
    2,
    ...new TextEncoder().encode('cos\nsystem\n'),
    0x58,
    4,
    0,
    0,
    0,
    ...new TextEncoder().encode('true'),
    0x85,
    0x52,
    0x2e,
  ]);
  expect(() => parseTorch(hostile, 'hostile')).toThrow(expect.objectContaining({ code: 'NET_UNKNOWN_FORMAT' }));
});
