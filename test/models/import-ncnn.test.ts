import { toHalf } from '../../bridge-server/src/graph/half';
import { importNcnn } from '../../bridge-server/src/models/import-ncnn';
import { damageFile, makeDice } from './damage';
import { runNet } from './run-net';

/** Writes ncnn's `.bin`: half-precision weights with their tag, everything else as it is. */
class BinWriter {
  private readonly parts: Uint8Array[] = [];
  half(values: readonly number[]): this {
    const halves = toHalf(values);
    const stored = new Uint8Array(Math.ceil((halves.length * 2) / 4) * 4);
    stored.set(new Uint8Array(halves.buffer));
    this.parts.push(Uint8Array.of(0x47, 0x6b, 0x30, 0x01), stored);
    return this;
  }
  tagged(tag: number, values: readonly number[]): this {
    this.parts.push(new Uint8Array(Uint32Array.of(tag).buffer));
    return this.single(values);
  }
  single(values: readonly number[]): this {
    this.parts.push(new Uint8Array(Float32Array.from(values).buffer));
    return this;
  }
  finish(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.parts));
  }
}

function param(...layers: string[]): string {
  const blobs = layers.reduce((sum, layer) => sum + Number(layer.split(/\s+/)[3]), 0);
  return ['7767517', `${layers.length} ${blobs}`, ...layers].join('\n');
}

function ramp(count: number, step = 0.01): number[] {
  return Array.from({ length: count }, (_, index) => ((index % 17) - 8) * step);
}

/** A picture of one channel whose value is 10 y + x. */
function numbered(channels: number, height: number, width: number): { data: Float32Array; dims: number[] } {
  const data = Float32Array.from(
    { length: channels * height * width },
    (_, at) => 10 * (Math.floor(at / width) % height) + (at % width) + 100 * Math.floor(at / (width * height)),
  );
  return { data, dims: [1, channels, height, width] };
}

async function run(
  text: string,
  bin: Uint8Array,
  feeds: Parameters<typeof runNet>[1],
  options: Partial<Parameters<typeof importNcnn>[2]> = {},
): Promise<{ data: Float32Array; dims: readonly number[] }> {
  const net = importNcnn(text, bin, { name: 'small', ...options });
  const outputs = await runNet(net.draft.toBytes(), feeds);
  return outputs[net.draft.outputs[0]!.name]!;
}

/** A U-Net in small: down, up, crop to the size of the other branch, add, and a gate over the channels. */
const unet = {
  param: param(
    'Input input 0 1 in 0=20 1=20 2=3',
    'Convolution first 1 1 in a 0=4 1=3 5=1 6=108 9=2 -23310=1,0.1',
    'Split split 1 2 a a0 a1',
    'Convolution down 1 1 a0 b 0=8 1=2 3=2 5=1 6=128 9=1',
    'Pooling mean 1 1 b m 0=1 4=1',
    'InnerProduct gate 1 1 m g 0=8 1=1 2=64 9=4',
    'Scale scale 2 1 b g s 0=-233',
    'Convolution middle 1 1 s c 0=8 1=3 5=1 6=576 9=2 -23310=1,0.1',
    'Deconvolution up 1 1 c d 0=4 1=2 3=2 5=1 6=128',
    'Crop crop 2 1 a1 d e 0=2 1=2',
    'Eltwise sum 2 1 e d out 0=1',
  ),
  bin: new BinWriter()
    .half(ramp(108))
    .single(ramp(4))
    .half(ramp(128))
    .single(ramp(8))
    .half(ramp(64))
    .single(ramp(8))
    .half(ramp(576))
    .single(ramp(8))
    .tagged(0, ramp(128))
    .single(ramp(4))
    .finish(),
};

describe('an ncnn net', () => {
  test('with skip connections keeps height and width open and says what they must be multiples of', async () => {
    const net = importNcnn(unet.param, unet.bin, { name: 'unet' });
    expect(net.multipleOf).toBe(2);
    expect(net.layers.map(layer => `${layer.name} ${layer.channels}`)).toEqual([
      'a 4',
      'b 8',
      'm 8',
      'g 8',
      's 8',
      'c 8',
      'd 4',
      'e 4',
      'out 4',
    ]);
    for (const side of [12, 20, 26]) {
      const { out } = await runNet(net.draft.toBytes(), {
        in: { data: new Float32Array(3 * side * side).fill(0.5), dims: [1, 3, side, side] },
      });
      expect(out!.dims).toEqual([1, 4, side - 6, side - 6]);
    }
  });

  test('has weights of 16 bits in the half of the space', () => {
    const net = importNcnn(unet.param, unet.bin, { name: 'unet' });
    const stored = [...net.draft.weights.values()]
      .filter(weight => weight.data instanceof Uint16Array)
      .map(weight => weight.data.length);
    expect(stored).toEqual([108, 128, 64, 576]);
  });

  test('convolves out, in, rows, columns, with the activation that is fused in', async () => {
    const text = param('Input in 0 1 in 2=2', 'Convolution c 1 1 in out 0=1 1=2 11=1 5=1 6=4 9=2 -23310=1,0.5');
    const bin = new BinWriter().half([1, 2, 0, -1]).single([0.5]).finish();
    const { data, dims } = await run(text, bin, {
      in: { data: Float32Array.of(1, 2, 3, 4, 10, 20), dims: [1, 2, 1, 3] },
    });
    expect(dims).toEqual([1, 1, 1, 2]);
    // 1*1 + 2*2 - 10 would be... rows of channel 0: 1 2 3; of channel 1: 4 10 20.
    expect([...data]).toEqual([(1 + 4 - 10 + 0.5) * 0.5, (2 + 6 - 20 + 0.5) * 0.5]);
  });

  test('turns the weights of a transposed convolution', async () => {
    const text = param('Input in 0 1 in 2=2', 'Deconvolution d 1 1 in out 0=3 1=1 6=6');
    const bin = new BinWriter().tagged(0, [1, 2, 3, 4, 5, 6]).finish();
    const { data } = await run(text, bin, { in: { data: Float32Array.of(1, 10), dims: [1, 2, 1, 1] } });
    // Stored out, in: the first output channel is 1 * 1 + 2 * 10.
    expect([...data]).toEqual([21, 43, 65]);
  });

  test('cuts by starts, ends and axes, also channels', async () => {
    const text = param(
      'Input in 0 1 in 2=3',
      'Crop c 1 1 in cut -23309=2,1,2 -23310=2,-1,-1 -23311=2,-2,-1',
      'Crop d 1 1 cut out -23309=1,1 -23310=1,3 -23311=1,0',
    );
    const { data, dims } = await run(text, new Uint8Array(0), { in: numbered(3, 5, 6) });
    expect(dims).toEqual([1, 2, 3, 3]);
    expect([...data.slice(0, 3)]).toEqual([112, 113, 114]);
  });

  test('scales nearest at corners and bilinearly at centres', async () => {
    const nearest = param('Input in 0 1 in 2=1', 'Interp i 1 1 in out 0=1 1=2.0 2=2.0');
    expect([
      ...(await run(nearest, new Uint8Array(0), { in: { data: Float32Array.of(1, 2), dims: [1, 1, 1, 2] } })).data,
    ]).toEqual([1, 1, 2, 2, 1, 1, 2, 2]);
    const linear = param('Input in 0 1 in 2=1', 'Interp i 1 1 in out 0=2 1=1.0 2=2.0');
    expect([
      ...(await run(linear, new Uint8Array(0), { in: { data: Float32Array.of(1, 2), dims: [1, 1, 1, 2] } })).data,
    ]).toEqual([1, 1.25, 1.75, 2]);
  });

  test('shuffles pixels channel by channel', async () => {
    const text = param('Input in 0 1 in 2=4', 'PixelShuffle p 1 1 in out 0=2');
    const { data } = await run(text, new Uint8Array(0), {
      in: { data: Float32Array.of(1, 2, 3, 4), dims: [1, 4, 1, 1] },
    });
    expect([...data]).toEqual([1, 2, 3, 4]);
  });

  test('subtracts and divides the right way round', async () => {
    const text = param('Input in 0 1 in 2=1', 'BinaryOp a 1 1 in a 0=7 1=1 2=10', 'BinaryOp b 1 1 a out 0=3 1=1 2=4');
    const { data } = await run(text, new Uint8Array(0), { in: { data: Float32Array.of(2), dims: [1, 1, 1, 1] } });
    expect([...data]).toEqual([2]);
  });

  test('warps by pixels, x then y, and repeats the border', async () => {
    const text = param('Input in0 0 1 in0 2=1', 'Input in1 0 1 in1 2=2', 'rife.Warp w 2 1 in0 in1 out');
    const image = numbered(1, 4, 5);
    const flow = new Float32Array(2 * 20);
    flow.fill(1.5, 0, 20);
    flow.fill(-1, 20);
    const { data } = await run(text, new Uint8Array(0), { in0: image, in1: { data: flow, dims: [1, 2, 4, 5] } });
    // At y = 2, x = 1: from y = 1, x = 2.5; at the right edge x stops at 4.
    expect(data[2 * 5 + 1]).toBeCloseTo(12.5, 4);
    expect(data[2 * 5 + 4]).toBeCloseTo(14, 4);
    expect(data[1]).toBeCloseTo(2.5, 4);
  });

  test('takes one number for a whole plane where it is told to', async () => {
    const text = param('Input in0 0 1 in0 2=3', 'Input in1 0 1 in1', 'Concat c 2 1 in0 in1 out');
    const net = importNcnn(text, new Uint8Array(0), {
      name: 'planes',
      inputChannels: { in1: 1 },
      planes: ['time'],
      rename: { in1: 'time' },
    });
    const { out } = await runNet(net.draft.toBytes(), {
      in0: numbered(3, 2, 3),
      time: { data: Float32Array.of(0.25), dims: [1, 1, 1, 1] },
    });
    expect(out!.dims).toEqual([1, 4, 2, 3]);
    expect([...out!.data.slice(18)]).toEqual([0.25, 0.25, 0.25, 0.25, 0.25, 0.25]);
  });
});

describe('an ncnn net is refused', () => {
  const bin = unet.bin;
  const read = (text: string, weights = bin): unknown => importNcnn(text, weights, { name: 'bad' });

  test.each([
    [
      'with a layer that nobody knows, by its type and name',
      unet.param.replace('Pooling mean', 'Wormhole mean'),
      { code: 'NET_UNSUPPORTED', details: { what: 'layers of type Wormhole (mean)' } },
    ],
    [
      'named like a property of every object',
      unet.param.replace('Pooling mean', 'constructor mean'),
      { code: 'NET_UNSUPPORTED' },
    ],
    ['that is not one', 'GIF89a', { code: 'NET_UNKNOWN_FORMAT' }],
    [
      'that reads what nothing makes',
      unet.param.replace('1 1 s c', '1 1 t c'),
      { code: 'NET_DAMAGED', details: { where: 'middle' } },
    ],
    ['with more layers announced than there are', unet.param.replace('11 12', '12 12'), { code: 'NET_DAMAGED' }],
    [
      'whose weights do not fit its channels',
      unet.param.replace('6=576', '6=575'),
      { code: 'NET_DAMAGED', details: { where: 'middle' } },
    ],
    [
      'with a kernel of absurd size',
      unet.param.replace('0=8 1=3 5=1 6=576', '0=8 1=99999 5=1 6=576'),
      { code: 'NET_DAMAGED', details: { where: 'middle' } },
    ],
    [
      'with a parameter that is no number',
      unet.param.replace('0=2 1=2', '0=two'),
      { code: 'NET_DAMAGED', details: { where: 'crop' } },
    ],
    [
      'that adds four channels to eight',
      unet.param.replace('2 1 e d out', '2 1 e c out'),
      { code: 'NET_DAMAGED', details: { where: 'sum' } },
    ],
  ])('%s', (_, text, expected) => {
    expect(() => read(text)).toThrow(
      expect.objectContaining({
        code: expected.code,
        ...('details' in expected ? { details: expect.objectContaining(expected.details) } : {}),
      }),
    );
  });

  test('with 8-bit weights, by the value of the tag', () => {
    const weights = bin.slice();
    weights.set([0x38, 0x4b, 0x0d, 0x00]);
    expect(() => read(unet.param, weights)).toThrow(
      expect.objectContaining({
        code: 'NET_UNSUPPORTED',
        details: expect.objectContaining({ what: expect.stringContaining('0x000d4b38') }),
      }),
    );
  });

  test('with weights left over', () => {
    expect(() => read(unet.param, new Uint8Array([...bin, 0, 0, 0, 0]))).toThrow(
      expect.objectContaining({
        code: 'NET_DAMAGED',
        details: expect.objectContaining({ problem: '4 bytes are left over' }),
      }),
    );
  });

  test('with weights that end too early, by the layer where they end', () => {
    expect(() => read(unet.param, bin.slice(0, 300))).toThrow(
      expect.objectContaining({ code: 'NET_DAMAGED', details: expect.objectContaining({ where: 'down' }) }),
    );
  });

  test('with a weight that is not a number', () => {
    const weights = bin.slice();
    weights[5] = 0x7c;
    expect(() => read(unet.param, weights)).toThrow(
      expect.objectContaining({ code: 'NET_DAMAGED', details: expect.objectContaining({ where: 'first' }) }),
    );
  });
});

describe('a damaged ncnn file', () => {
  test('never does more than be refused, whichever bits of its weights are turned', () => {
    const report = damageFile(unet.bin, bytes => importNcnn(unet.param, bytes, { name: 'fuzz' }), { headBytes: 300 });
    expect(report.refused).toBeGreaterThan(100);
    expect(report.slowestMs).toBeLessThan(2000);
  });

  test('never does more than be refused, whichever characters of its text are others', () => {
    const bytes = new TextEncoder().encode(unet.param);
    const report = damageFile(
      bytes,
      variant => importNcnn(new TextDecoder().decode(variant), unet.bin, { name: 'fuzz' }),
      { flips: 600 },
    );
    expect(report.refused).toBeGreaterThan(300);
    expect(report.places.size).toBeGreaterThan(20);
  });

  test('never does more than be refused, whichever digits are others', () => {
    const dice = makeDice(7);
    const places = [...unet.param.matchAll(/\d/g)].map(match => match.index);
    const text = (): string => {
      const at = places[dice(places.length)]!;
      return unet.param.slice(0, at) + String(dice(10)).repeat(1 + dice(9)) + unet.param.slice(at + 1);
    };
    const report = damageFile(new Uint8Array(600), () => importNcnn(text(), unet.bin, { name: 'fuzz' }), {
      cuts: 0,
      flips: 600,
    });
    expect(report.refused).toBeGreaterThan(200);
  });
});
