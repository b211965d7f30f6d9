import { damagedNet, requireFinite, type ImportedNet } from './imported-net';
import { NetDraft } from './net-draft';
import type { TorchTensor } from './torch-file';

export type RaftOptions = {
  readonly name: string;
  /** Steps of the recurrent update; the authors evaluate with 12. */
  readonly updates?: number;
};

const levels = 4;
const radius = 3;
const window = 2 * radius + 1;
const hidden = 96;
const context = 64;
const usualUpdates = 12;
/** Of instance normalisation in PyTorch. */
const epsilon = 1e-5;
/** Coarser than the pictures by this. */
const coarseness = 8;

/** Tells the small RAFT by the names of its weights. */
export function isRaftSmall(weights: ReadonlyMap<string, TorchTensor>): boolean {
  return (
    weights.has('update_block.gru.convz.weight') &&
    weights.has('fnet.layer1.0.conv3.weight') &&
    !weights.has('update_block.mask.0.weight')
  );
}

/**
 * RAFT (small) as ONNX with free height and width: `image1`, `image2` [1, 3, H, W] RGB 0..255, sides multiples of 8 and at least
 * 128, to `flow` [1, 2, H, W], pixels (x, y) from the first picture to the second.
 * @throws AppError NET_DAMAGED naming the layer
 * Source: Teed and Deng, RAFT, arXiv:2003.12039; princeton-vl/RAFT core/{raft,extractor,update,corr}.py (BSD-3-Clause).
 */
export function buildRaftSmall(weights: ReadonlyMap<string, TorchTensor>, options: RaftOptions): ImportedNet {
  return new RaftWriter(weights, options).write();
}

class RaftWriter {
  private readonly draft: NetDraft;

  constructor(
    private readonly weights: ReadonlyMap<string, TorchTensor>,
    private readonly options: RaftOptions,
  ) {
    this.draft = new NetDraft(options.name);
  }

  write(): ImportedNet {
    const { draft } = this;
    const images = ['image1', 'image2'].map(name => {
      draft.input(name, [1, 3, 'height', 'width']);
      return this.op('Sub', this.op('Mul', name, draft.scalar(2 / 255)), draft.scalar(1));
    }) as [string, string];
    const [first, second] = images.map(image => this.encode('fnet', image, true)) as [string, string];
    const coded = this.encode('cnet', images[0], false);
    let state = this.op('Tanh', this.slice(coded, 0, hidden));
    const inputs = this.op('Relu', this.slice(coded, hidden, hidden + context));

    const size = this.sizeOf(first);
    const pyramid = this.correlations(first, second, size);
    const start = this.pixelPlaces(size);
    let places = start;
    for (let update = 0; update < (this.options.updates ?? usualUpdates); update += 1) {
      const flow = this.op('Sub', places, start);
      const seen = this.lookUp(pyramid, places, size);
      const motion = this.motionFeatures(flow, seen);
      state = this.gated(state, this.concat([inputs, motion]));
      const delta = this.conv(
        'update_block.flow_head.conv2',
        this.op('Relu', this.conv('update_block.flow_head.conv1', state, 1)),
        1,
      );
      places = this.op('Add', places, delta);
    }
    const low = draft.node('Sub', [places, start], {}, 'flow_low');
    const scales = draft.weight('enlarge', [4], Float32Array.of(1, 1, coarseness, coarseness));
    const large = draft.node('Resize', [low, '', scales], {
      mode: 'linear',
      coordinate_transformation_mode: 'align_corners',
    });
    draft.node('Mul', [large, draft.scalar(coarseness)], {}, 'flow');
    draft.output('flow', [1, 2, 'height', 'width']);
    return { draft, layers: [], multipleOf: coarseness, convention: { order: 'rgb', scale: 255, mean: [0, 0, 0] } };
  }

  private encode(encoder: string, image: string, normalised: boolean): string {
    const norm = (x: string): string => (normalised ? this.normalise(x) : x);
    let x = this.op('Relu', norm(this.conv(`${encoder}.conv1`, image, 3, 2)));
    for (const [layer, stride] of [
      [1, 1],
      [2, 2],
      [3, 2],
    ] as const) {
      x = this.bottleneck(`${encoder}.layer${layer}.0`, x, stride, norm);
      x = this.bottleneck(`${encoder}.layer${layer}.1`, x, 1, norm);
    }
    return this.conv(`${encoder}.conv2`, x);
  }

  private bottleneck(block: string, x: string, stride: number, norm: (x: string) => string): string {
    let y = this.op('Relu', norm(this.conv(`${block}.conv1`, x)));
    y = this.op('Relu', norm(this.conv(`${block}.conv2`, y, 1, stride)));
    y = this.op('Relu', norm(this.conv(`${block}.conv3`, y)));
    const skip = stride === 1 ? x : norm(this.conv(`${block}.downsample.0`, x, 0, stride));
    return this.op('Relu', this.op('Add', skip, y));
  }

  /** How alike every pixel of the first picture is to every pixel of the second: [hw, 1, h, w], and halved three times. */
  private correlations(first: string, second: string, size: Size): string[] {
    const { draft } = this;
    const channels = this.tensor('fnet.conv2.weight').dims[0] ?? 0;
    const flat = (map: string): string => draft.node('Reshape', [map, draft.ints([channels, -1])]);
    const rows = draft.node('Transpose', [flat(first)], { perm: [1, 0] });
    const products = this.op('Mul', this.op('MatMul', rows, flat(second)), draft.scalar(1 / Math.sqrt(channels)));
    const shape = draft.node('Concat', [draft.ints([-1, 1]), size.both], { axis: 0 });
    const pyramid = [draft.node('Reshape', [products, shape])];
    for (let level = 1; level < levels; level += 1)
      pyramid.push(draft.node('AveragePool', [pyramid[level - 1]!], { kernel_shape: [2, 2], strides: [2, 2] }));
    return pyramid;
  }

  /** The pyramid around where each pixel is thought to be now: [1, levels * window², h, w]. */
  private lookUp(pyramid: readonly string[], places: string, size: Size): string {
    const { draft } = this;
    // [hw, 1, 1, 2], x then y
    const centres = draft.node('Reshape', [
      draft.node('Transpose', [places], { perm: [0, 2, 3, 1] }),
      draft.ints([-1, 1, 1, 2]),
    ]);
    const planes = pyramid.map((level, index) => {
      const at = this.op('Add', this.op('Mul', centres, draft.scalar(2 ** -index)), this.windowOffsets());
      const grid = this.op('Sub', this.op('Mul', at, this.pixelStep(level)), draft.scalar(1));
      const seen = draft.node('GridSample', [level, grid], {
        mode: 'bilinear',
        padding_mode: 'zeros',
        align_corners: 1,
      });
      const flat = draft.node('Reshape', [seen, draft.ints([-1, window * window])]);
      return draft.node('Transpose', [flat], { perm: [1, 0] });
    });
    const all = draft.node('Concat', planes, { axis: 0 });
    return draft.node('Reshape', [
      all,
      draft.node('Concat', [draft.ints([1, levels * window * window]), size.both], { axis: 0 }),
    ]);
  }

  /** The authors add (dy, dx) to (x, y): the window is transposed, and the weights know it so. */
  private windowOffsets(): string {
    const name = 'window';
    if (this.draft.weights.has(name)) return name;
    const offsets = Float32Array.from(
      { length: 2 * window * window },
      (_, at) => (at % 2 === 0 ? Math.floor(at / 2 / window) : Math.floor(at / 2) % window) - radius,
    );
    return this.draft.weight(name, [1, window, window, 2], offsets);
  }

  /** One pixel of a map, in GridSample's measure: [2], x then y. */
  private pixelStep(map: string): string {
    const { draft } = this;
    const name = `${map}.step`;
    if (draft.nodes.some(node => node.name === name)) return name;
    const { width, height } = this.sizeOf(map);
    const sides = draft.node('Concat', [width, height], { axis: 0 });
    const length = draft.node('Cast', [sides], { to: 1 });
    return draft.node('Div', [draft.scalar(2), this.op('Sub', length, draft.scalar(1))], {}, name);
  }

  /** Every pixel's own place: [1, 2, h, w], x then y. */
  private pixelPlaces(size: Size): string {
    const { draft } = this;
    const count = (side: string, shape: readonly number[]): string => {
      const length = draft.node('Squeeze', [draft.node('Cast', [side], { to: 1 })]);
      return draft.node('Reshape', [
        draft.node('Range', [draft.scalar(0), length, draft.scalar(1)]),
        draft.ints(shape),
      ]);
    };
    const x = count(size.width, [1, 1, 1, -1]);
    const y = count(size.height, [1, 1, -1, 1]);
    const zero = draft.scalar(0);
    return this.concat([this.op('Add', x, this.op('Mul', y, zero)), this.op('Add', y, this.op('Mul', x, zero))]);
  }

  private motionFeatures(flow: string, seen: string): string {
    const name = 'update_block.encoder';
    const alike = this.op('Relu', this.conv(`${name}.convc1`, seen));
    let moved = this.op('Relu', this.conv(`${name}.convf1`, flow, 3));
    moved = this.op('Relu', this.conv(`${name}.convf2`, moved, 1));
    return this.concat([this.op('Relu', this.conv(`${name}.conv`, this.concat([alike, moved]), 1)), flow]);
  }

  private gated(state: string, input: string): string {
    const name = 'update_block.gru';
    const both = this.concat([state, input]);
    const keep = this.op('Sigmoid', this.conv(`${name}.convz`, both, 1));
    const reset = this.op('Sigmoid', this.conv(`${name}.convr`, both, 1));
    const fresh = this.op('Tanh', this.conv(`${name}.convq`, this.concat([this.op('Mul', reset, state), input]), 1));
    const kept = this.op('Mul', this.op('Sub', this.draft.scalar(1), keep), state);
    return this.op('Add', kept, this.op('Mul', keep, fresh));
  }

  private conv(layer: string, x: string, pad = 0, stride = 1): string {
    const names = ['weight', 'bias'].map(word => {
      const name = `${layer}.${word}`;
      const { dims, data } = this.tensor(name);
      if (!this.draft.weights.has(name)) this.draft.weight(name, dims, data);
      return name;
    });
    return this.draft.node('Conv', [x, ...names], {
      kernel_shape: this.tensor(`${layer}.weight`).dims.slice(2),
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
    });
  }

  private tensor(name: string): TorchTensor {
    const tensor = this.weights.get(name);
    if (!tensor) throw damagedNet(this.options.name, name, 'its weights are missing');
    requireFinite(tensor.data, this.options.name, name);
    return tensor;
  }

  private normalise(x: string): string {
    const { draft } = this;
    const mean = draft.node('ReduceMean', [x], { axes: [2, 3] });
    const centred = this.op('Sub', x, mean);
    const variance = draft.node('ReduceMean', [this.op('Mul', centred, centred)], { axes: [2, 3] });
    return this.op('Div', centred, this.op('Sqrt', this.op('Add', variance, draft.scalar(epsilon))));
  }

  private slice(x: string, from: number, to: number): string {
    const { draft } = this;
    return draft.node('Slice', [x, draft.ints([from]), draft.ints([to]), draft.ints([1])]);
  }

  private concat(parts: readonly string[]): string {
    return this.draft.node('Concat', parts, { axis: 1 });
  }

  private op(op: string, ...inputs: string[]): string {
    return this.draft.node(op, inputs);
  }

  private sizeOf(map: string): Size {
    const { draft } = this;
    const shape = draft.node('Shape', [map]);
    const part = (from: number, to: number): string =>
      draft.node('Slice', [shape, draft.ints([from]), draft.ints([to])]);
    return { height: part(2, 3), width: part(3, 4), both: part(2, 4) };
  }
}

/** Sides of a map as whole numbers, [1] each, and together [2]. */
type Size = { readonly height: string; readonly width: string; readonly both: string };
