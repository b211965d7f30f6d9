import { input, matmul, reshape } from '../graph/build';
import { bytesOf, flopsOf } from '../graph/cost';
import { describeModel, fromModel, toModel } from '../graph/model';
import { substitute } from '../graph/substitute';
import { isConstant, topological } from '../graph/value';
import type { Value } from '../graph/value';

/** A map of the net that it averages as a whole: its size in a tile and in the whole picture. */
export type SharedMean = {
  /** Of the input that takes the mean. */
  readonly name: string;
  readonly dims: readonly number[];
  readonly tile: readonly [height: number, width: number];
  readonly whole: readonly [height: number, width: number];
};

/** A net up to one of its means (or to its end), begun where the part before it ended. */
export type NetPart = {
  readonly model: Uint8Array;
  /** Inputs by name: the picture, means, what earlier parts gave. */
  readonly inputs: readonly string[];
  /** What later parts of the same tile need. */
  readonly keeps: readonly string[];
  /** What nobody needs any more after this part. */
  readonly drops: readonly string[];
};

/**
 * Part k gives `sums` [channels, 1]: the sums of the k-th averaged map where `mask` [height x width, 1] is 1; the last
 * part gives the net's output. Between parts the caller turns the sums of all tiles into `means[k]`.
 */
export type NetParts = {
  readonly picture: string;
  readonly output: string;
  readonly parts: readonly NetPart[];
  readonly means: readonly SharedMean[];
  /** The most that one tile keeps between two parts. */
  readonly keptBytes: number;
};

/** Names of what the parts exchange with the caller. */
export const maskName = 'mask';
export const sumsName = 'sums';

/** Computing a value again instead of keeping it pays where it takes fewer operations than this for each byte saved. */
const dearestFlopsPerByte = 250;
/** ... and when what it is computed from is at least so many times smaller. */
const leastShrink = 8;

/**
 * Cuts a net at every place where it averages a whole map (squeeze and excitation), so that the average can be taken
 * over all tiles of a picture instead of each tile's own: only then the result does not depend on the tiles.
 * @param tile, whole sizes of the net's input, [height, width]
 * @returns undefined when the net averages nothing
 * @throws AppError NET_DAMAGED, NET_UNSUPPORTED, NET_INPUT_WRONG
 * Source: the "sync gap" of nihui/realcugan-ncnn-vulkan; Hu et al., Squeeze-and-Excitation Networks, arXiv:1709.01507.
 */
export function cutAtMeans(
  model: Uint8Array,
  name: string,
  tile: readonly [number, number],
  whole: readonly [number, number],
): NetParts | undefined {
  const [read, wholeRead] = [readAt(model, name, tile), readAt(model, name, whole)];
  const order = topological([read.output]);
  const pools = order.filter(isWholeMean);
  if (pools.length === 0) return undefined;
  const wholePools = topological([wholeRead.output]).filter(isWholeMean);
  const partOf = partsOf(order, pools);
  const kept = whatToKeep(order, partOf);
  const ends = [...pools.map(pool => pool.inputs[0]), read.output];

  // Backwards, so that it is known what later parts need when a part is looked at.
  const lastUse = new Map<Value, number>();
  const makes: Value[][] = [];
  const takes: Value[][] = [];
  for (let part = ends.length - 1; part >= 0; part--) {
    makes[part] = [...kept].filter(value => partOf(value) === part && lastUse.has(value));
    takes[part] = frontierOf(
      [ends[part], ...makes[part]],
      value => isGiven(value) || (kept.has(value) && partOf(value) < part),
    );
    for (const value of takes[part]) if (!lastUse.has(value)) lastUse.set(value, part);
  }

  const names = new Map<Value, string>([[read.picture, read.picture.name as string]]);
  pools.forEach((pool, index) => names.set(pool, `mean_${index}`));
  [...kept].forEach((value, index) => names.set(value, `kept_${index}`));
  const namesOf = (values: readonly Value[]) => values.map(value => names.get(value) as string);

  const parts = ends.map((end, part): NetPart => {
    const inputs = new Map(takes[part].map(value => [value, input(names.get(value) as string, value.dims)] as const));
    const [last, ...made] = substitute([end, ...makes[part]], inputs);
    const outputs = Object.fromEntries(namesOf(makes[part]).map((keep, index) => [keep, made[index]]));
    if (part === pools.length) outputs[read.outputName] = last;
    else {
      const [, channels, height, width] = end.dims;
      outputs[sumsName] = matmul(reshape(last, [channels, height * width]), input(maskName, [height * width, 1]));
    }
    return {
      model: toModel({ outputs }),
      inputs: namesOf(takes[part]),
      keeps: namesOf(makes[part]),
      drops: namesOf(takes[part].filter(value => kept.has(value) && lastUse.get(value) === part)),
    };
  });

  const bytesAfter = (part: number) =>
    [...kept].reduce(
      (sum, value) => sum + (partOf(value) <= part && (lastUse.get(value) ?? 0) > part ? bytesOf(value) : 0),
      0,
    );
  return {
    picture: read.picture.name as string,
    output: read.outputName,
    parts,
    means: pools.map((pool, index): SharedMean => ({
      name: `mean_${index}`,
      dims: pool.dims,
      tile: [pool.inputs[0].dims[2], pool.inputs[0].dims[3]],
      whole: [wholePools[index].inputs[0].dims[2], wholePools[index].inputs[0].dims[3]],
    })),
    keptBytes: Math.max(...ends.map((_, part) => bytesAfter(part))),
  };
}

type ReadNet = { readonly picture: Value; readonly output: Value; readonly outputName: string };

function readAt(model: Uint8Array, name: string, [height, width]: readonly [number, number]): ReadNet {
  const [port] = describeModel(model, name).inputs;
  const { inputs, outputs } = fromModel(model, { name, inputDims: { [port.name]: [1, 3, height, width] } });
  const [outputName] = Object.keys(outputs);
  return { picture: inputs[0], output: outputs[outputName], outputName };
}

/** The mean of each channel over a whole map. */
function isWholeMean({ op, inputs, attrs }: Value): boolean {
  if (op !== 'GlobalAveragePool' && op !== 'ReduceMean') return false;
  const [, , height, width] = inputs[0].dims;
  if (inputs[0].dims.length !== 4 || height * width === 1) return false;
  return op === 'GlobalAveragePool' || String(attrs.axes) === '2,3';
}

/** Inputs and means: what a part gets from its caller. */
const isGiven = (value: Value) => value.op === 'Input' || isWholeMean(value);

/** The part in which a value can be computed: one after the last mean that it depends on. */
function partsOf(order: readonly Value[], pools: readonly Value[]): (value: Value) => number {
  const parts = new Map<Value, number>();
  for (const value of order) {
    const pool = pools.indexOf(value);
    const before = value.inputs.map(from => parts.get(from) as number);
    parts.set(value, pool >= 0 ? pool + 1 : Math.max(0, ...before));
  }
  return value => parts.get(value) as number;
}

/** What is used in a later part than its own, or the small things from which that is quickly computed again. */
function whatToKeep(order: readonly Value[], partOf: (value: Value) => number): Set<Value> {
  const crossing = new Set<Value>();
  for (const value of order.filter(each => !isWholeMean(each)))
    for (const from of value.inputs)
      if (!isConstant(from) && !isGiven(from) && partOf(from) < partOf(value)) crossing.add(from);
  return new Set([...crossing].map(smallSource).filter(value => !isGiven(value)));
}

function smallSource(value: Value): Value {
  let source = value;
  let flops = 0;
  for (;;) {
    const from = source.inputs.filter(each => !isConstant(each));
    flops += flopsOf(source);
    if (from.length !== 1 || isWholeMean(from[0]) || flops > dearestFlopsPerByte * bytesOf(value)) return value;
    [source] = from;
    if (leastShrink * bytesOf(source) <= bytesOf(value)) return source;
    if (source.op === 'Input') return value;
  }
}

/** Where the way back from `ends` comes to something that `stops`. */
function frontierOf(ends: readonly Value[], stops: (value: Value) => boolean): Value[] {
  const found = new Set<Value>();
  const seen = new Set<Value>();
  const open = [...ends];
  while (open.length > 0) {
    const value = open.pop() as Value;
    if (seen.has(value) || isConstant(value)) continue;
    seen.add(value);
    if (stops(value)) found.add(value);
    else open.push(...value.inputs);
  }
  return [...found];
}
