import { toAppError } from '#protocol/errors';
import { floatTensor, sizeOf, type Tensor } from '../frame/tensor';
import { costOf } from '../graph/cost';
import { fromModel } from '../graph/model';
import { findStylePorts } from '../nets/style-ports';
import { graphBytes, usableBytes } from '../runtime/memory';
import type { Runtime } from '../runtime/runtime';
import { probeDims, probeSide, type FoundNet } from './import-file';
import type { InputConvention, NetLayer } from './imported-net';

export type OutputSummary = {
  readonly name: string;
  readonly dims: readonly number[];
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  /** False when a value is infinite or not a number. */
  readonly finite: boolean;
};

export type TestRun =
  | {
      readonly ok: true;
      readonly provider: string;
      readonly milliseconds: number;
      readonly inputs: Readonly<Record<string, readonly number[]>>;
      readonly outputs: readonly OutputSummary[];
    }
  | { readonly ok: false; readonly problem: string };

/** What `reverie models import` shows. */
export type Inspection = {
  readonly name: string;
  readonly format: string;
  readonly sizeBytes: number;
  readonly parameters: number;
  readonly operators: Readonly<Record<string, number>>;
  readonly inputs: readonly { readonly name: string; readonly dims: readonly (number | string)[] }[];
  readonly outputs: readonly { readonly name: string; readonly dims: readonly (number | string)[] }[];
  readonly layers: readonly NetLayer[];
  readonly uses: readonly string[];
  readonly convention: InputConvention;
  readonly conventionReason: string;
  readonly multipleOf: number;
  readonly notes: readonly string[];
  readonly testRun?: TestRun;
};

/** @param runtime where to try the net once; without one it is only described */
export async function inspectNet(net: FoundNet, runtime?: Runtime): Promise<Inspection> {
  const tooLarge = runtime && largeRun(net);
  const testRun = runtime && !tooLarge ? await tryOut(net, runtime) : undefined;
  const notes: string[] = tooLarge ? [tooLarge] : [];
  if (net.obstacle)
    notes.push(`It can be run but not differentiated, so it cannot guide a painting or a dream: ${net.obstacle}.`);
  if (testRun?.ok && testRun.outputs.some(output => !output.finite))
    notes.push('Its test run gave values that are not numbers.');
  const { description } = net;
  if (net.uses.length === 0)
    notes.push(
      findStylePorts(net.model, description)?.code
        ? 'It paints by numbers: import it together with the net that makes them of a style picture (--style-net).'
        : 'No effect of Reverie knows what to do with its inputs and outputs.',
    );
  return {
    name: net.name,
    format: net.format,
    sizeBytes: net.model.length,
    parameters: description.parameters,
    operators: description.ops,
    inputs: description.inputs.map(({ name, dims }) => ({ name, dims })),
    outputs: description.outputs.map(({ name, dims }) => ({ name, dims })),
    layers: net.layers,
    uses: net.uses,
    convention: net.convention,
    conventionReason: net.conventionReason,
    multipleOf: net.multipleOf,
    notes,
    testRun,
  };
}

/** Sizes of the picture on which a net is tried. */
const testDims = (net: FoundNet) => probeDims(net.description, Math.ceil(probeSide / net.multipleOf) * net.multipleOf);

/** Why a net is not tried: a file can ask for more memory than there is. */
function largeRun(net: FoundNet): string | undefined {
  const inputDims = testDims(net);
  let bytes = Object.values(inputDims).reduce((sum, dims) => sum + 4 * sizeOf(dims), 0);
  // What cannot be read here still has inputs to fill.
  if (!net.obstacle && bytes < usableBytes())
    bytes = graphBytes(costOf(Object.values(fromModel(net.model, { name: net.name, inputDims }).outputs)));
  if (bytes < largestShare * usableBytes()) return undefined;
  return `It was not tried: a run would take ${(bytes / 1e9).toFixed(1)} GB of memory.`;
}

/** Of the machine's memory, for one look at a net. */
const largestShare = 0.25;

/** Runs the net once on a soft picture of the size that it takes. A failure is a finding, not an error. */
async function tryOut(net: FoundNet, runtime: Runtime): Promise<TestRun> {
  const dims = testDims(net);
  try {
    const loaded = await runtime.load(net.model, { label: net.name });
    try {
      const feeds = Object.fromEntries(
        Object.entries(dims).map(([name, sizes]) => [name, testPicture(sizes, net.convention)]),
      );
      const started = performance.now();
      const outputs = await loaded.run(feeds);
      const milliseconds = Math.round(performance.now() - started);
      const summaries = Object.entries(outputs).flatMap(([name, tensor]) =>
        'device' in tensor ? [] : [summarise(name, tensor)],
      );
      return { ok: true, provider: runtime.provider, milliseconds, inputs: dims, outputs: summaries };
    } finally {
      await loaded.dispose();
    }
  } catch (error) {
    return { ok: false, problem: toAppError(error).message };
  }
}

/** Waves of every colour, as the net wants its pictures; a number between 0 and 1 for inputs that are no picture. */
function testPicture(dims: readonly number[], convention: InputConvention): Tensor {
  const data = new Float32Array(dims.reduce((product, dim) => product * dim, 1));
  const [, channels = 1, height = 1, width = 1] = dims;
  const isPicture = dims.length === 4 && channels === 3;
  for (let at = 0; at < data.length; at += 1) {
    const x = at % width;
    const y = Math.floor(at / width) % height;
    const channel = Math.floor(at / (width * height)) % channels;
    const pixel = 0.5 + 0.25 * Math.sin(x / 9 + channel) + 0.2 * Math.cos(y / 13 - channel);
    data[at] = isPicture ? pixel * convention.scale - (convention.mean[channel] ?? 0) : 0.5;
  }
  return floatTensor(data, dims);
}

function summarise(name: string, tensor: Tensor): OutputSummary {
  let [min, max, sum, finite] = [Infinity, -Infinity, 0, true];
  for (const raw of tensor.data) {
    const value = Number(raw);
    if (!Number.isFinite(value)) finite = false;
    min = Math.min(min, value);
    max = Math.max(max, value);
    sum += value;
  }
  return { name, dims: tensor.dims, min, max, mean: sum / tensor.data.length, finite };
}

const mostLayersShown = 40;

/** The inspection for a person at a terminal. */
export function inspectionText(net: Inspection): string {
  const size = (dims: readonly (number | string)[]): string =>
    `[${dims.map(dim => (dim === '' ? '?' : dim)).join(', ')}]`;
  const { order, scale, mean } = net.convention;
  const operators = Object.entries(net.operators).sort((a, b) => b[1] - a[1]);
  const lines = [
    `${net.name}: ${net.format}, ${(net.sizeBytes / 1e6).toFixed(1)} MB, ${net.parameters.toLocaleString('en')} numbers`,
    `for      ${net.uses.join(', ') || 'nothing that Reverie does'}`,
    ...net.inputs.map(({ name, dims }) => `takes    ${name} ${size(dims)}`),
    ...net.outputs.map(({ name, dims }) => `gives    ${name} ${size(dims)}`),
    `pixels   ${order.toUpperCase()}, x * ${Number(scale.toFixed(4))} - (${mean.map(value => Number(value.toFixed(3))).join(', ')}). ${net.conventionReason}`,
    ...(net.multipleOf > 1 ? [`sides    multiples of ${net.multipleOf}`] : []),
    `made of  ${operators.map(([op, count]) => `${op} ${count}`).join(', ')}`,
    `layers   ${net.layers.length}`,
    ...net.layers.slice(0, mostLayersShown).map(({ name, channels }) => `  ${name} ${channels}`),
    ...(net.layers.length > mostLayersShown ? [`  and ${net.layers.length - mostLayersShown} more`] : []),
    ...testRunLines(net.testRun),
    ...net.notes.map(note => `note     ${note}`),
  ];
  return lines.join('\n');
}

function testRunLines(run: TestRun | undefined): string[] {
  if (!run) return [];
  if (!run.ok) return [`test run failed: ${run.problem}`];
  const round = (value: number): number => Number(value.toPrecision(4));
  return [
    `test run on ${run.provider}, ${run.milliseconds} ms`,
    ...run.outputs.map(
      ({ name, dims, min, max, mean }) =>
        `  ${name} [${dims.join(', ')}]: ${round(min)} to ${round(max)}, mean ${round(mean)}`,
    ),
  ];
}
