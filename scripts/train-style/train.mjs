/**
 * Trains the feed-forward style net and its guide with Reverie's own engine, on one core.
 *   node --import ./scripts/prepare-nets/typescript.mjs scripts/train-style/train.mjs --photos FOLDER --paintings FOLDER --out FOLDER [--steps 12000] [--resume]
 * FOLDERs hold pictures: any photographs (some hundreds), and paintings from which styles besides the built-in painters'
 * are cut. Writes OUT/state.bin every 250 steps (with `--resume` it goes on from there) and OUT/log.txt.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { deserialize, serialize } from 'node:v8';
import { input } from '../../bridge-server/src/graph/build.ts';
import { toModel } from '../../bridge-server/src/graph/model.ts';
import { createNetStore } from '../../bridge-server/src/models/store.ts';
import {
  fastStyle,
  fastStyleGuide,
  fastStyleGuideWeights,
  fastStyleWeights,
  styleFeatures,
  usualContentWeight,
} from '../../bridge-server/src/nets/fast-style.ts';
import {
  fastStyleTrainingStep,
  trainingShiftPx,
  trainingTerms,
} from '../../bridge-server/src/nets/fast-style-training.ts';
import { paletteLayer } from '../../bridge-server/src/nets/style-statistics.ts';
import { inputsOf } from '../../bridge-server/src/nets/style-step.ts';
import { createInProcessRuntime } from '../../bridge-server/src/runtime/ort.ts';
import { colourStatistics, mapColours, matchColours } from '../../bridge-server/src/stages/stylize/colour.ts';
import { embeddedFeatureNet } from '../../bridge-server/src/protocol/effects/style.ts';
import { createFeatureSource } from '../../bridge-server/src/stages/stylize/easel.ts';
import { createNetCache } from '../../bridge-server/src/worker/net-source.ts';
import { createRandom, listPictures, randomCrop } from './pictures.mjs';
import { learntSides, painterNames, painterStyles, pictureStyle } from './styles.mjs';

const { values: options } = parseArgs({
  options: {
    photos: { type: 'string' },
    paintings: { type: 'string' },
    out: { type: 'string' },
    steps: { type: 'string', default: '12000' },
    side: { type: 'string', default: '224' },
    styles: { type: 'string', default: '300' },
    seed: { type: 'string', default: '1' },
    resume: { type: 'boolean', default: false },
  },
});
const side = Number(options.side);
const whole = side + trainingShiftPx;
const steps = Number(options.steps);

const rate = 1.5e-3;
const warmUp = 100;
/** From this share of the steps on the rate falls to nothing. */
const fallFrom = 0.6;
const betas = [0.9, 0.99];
const largestNorm = 1;
/** Weights that are kept are a mean over about so many steps. */
const averageSteps = 500;
/** A new style takes an old one's place every so many steps. */
const renewEvery = 20;
const painterShare = 0.55;
/** Of the painters' steps: without their own row, so that the guide learns to do without. */
const namelessShare = 0.25;
const contentWeights = [usualContentWeight / 4, usualContentWeight * 4];
/** Noise on the guide's inputs, as a part of each one's deviation: there are more inputs than styles. */
const featureNoise = 0.1;

mkdirSync(options.out, { recursive: true });
const statePath = join(options.out, 'state.bin');
const log = text => {
  console.log(text);
  appendFileSync(join(options.out, 'log.txt'), `${text}\n`);
};

const random = createRandom(Number(options.seed));
const photos = listPictures(options.photos);
const paintings = listPictures(options.paintings);
const folder = fileURLToPath(new URL('../../bridge-server/nets', import.meta.url));
const store = createNetStore({ embeddedDir: folder, homeDir: join(options.out, 'no-home') });
const runtime = await createInProcessRuntime({ provider: 'cpu', threads: 1 });
const { nets } = createNetCache({ runtime, bytes: name => store.bytes(name) }).open(new AbortController().signal);
const features = createFeatureSource(nets, embeddedFeatureNet);
const sources = { paintings, photos, nets, features, random };

const started = Date.now();
const painters = painterStyles();
const pictures = [];
const resumes = options.resume && existsSync(statePath);
// Going on, a few are enough to begin with: one more comes with every renewal.
while (pictures.length < (resumes ? 8 : Number(options.styles))) pictures.push(await pictureStyle(sources));
log(`${pictures.length} styles after ${((Date.now() - started) / 1000).toFixed(0)} s`);

const state = resumes ? deserialize(readFileSync(statePath)) : begin();

function begin() {
  const seen = [...painters.flat(), ...pictures.map(([style]) => style)].map(style =>
    styleFeatures(style.statistics, usualContentWeight),
  );
  const count = seen[0].length;
  const centre = Float32Array.from(
    { length: count },
    (_, i) => seen.reduce((sum, each) => sum + each[i], 0) / seen.length,
  );
  const spread = Float32Array.from(
    centre,
    (mean, i) => Math.sqrt(seen.reduce((sum, each) => sum + (each[i] - mean) ** 2, 0) / seen.length) + 1e-3,
  );
  // The last is the content's weight, which is spread by choice.
  centre[count - 1] = 0;
  spread[count - 1] = 1;
  const sizes = { ...fastStyleWeights, ...fastStyleGuideWeights(count, painterNames.length) };
  const weights = {};
  for (const [name, dims] of Object.entries(sizes)) {
    const fanIn = dims.length === 4 ? dims[1] * dims[2] * dims[3] : dims[0];
    const scale =
      name.endsWith('ias') || name === 'guide.painters'
        ? 0
        : name === 'guide.second'
          ? 0.3 / Math.sqrt(fanIn)
          : 1 / Math.sqrt(fanIn);
    weights[name] = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => scale * random.normal());
  }
  const zeros = () =>
    Object.fromEntries(Object.entries(weights).map(([name, values]) => [name, new Float32Array(values.length)]));
  const copy = Object.fromEntries(Object.entries(weights).map(([name, values]) => [name, Float32Array.from(values)]));
  return { step: 0, sizes, centre, spread, weights, average: copy, m: zeros(), v: zeros(), random: random.state };
}
random.state = state.random;

const variables = Object.fromEntries(Object.entries(state.sizes).map(([name, dims]) => [name, input(name, dims)]));
const style = fastStyleGuide(
  input('features', [1, state.centre.length]),
  input('painters', [1, painterNames.length]),
  variables,
);
const outputs = fastStyleTrainingStep(
  await features.load(),
  side,
  image => fastStyle(image, variables, style),
  variables,
);
const net = await runtime.load(toModel({ inputs: inputsOf(outputs), outputs }), { label: 'training' });

const tensor = (data, dims) => ({ type: 'float32', dims, data });
/** Which rows of the painted picture are judged: `side` of them from `start` on, `zoom` times enlarged (bilinear). */
function selection(start, zoom) {
  const data = new Float32Array(side * whole);
  for (let row = 0; row < side; row++) {
    const at = Math.min(whole - 1, Math.max(0, start + (row + 0.5) / zoom - 0.5));
    const low = Math.min(whole - 2, Math.floor(at));
    data[row * whole + low] = 1 - (at - low);
    data[row * whole + low + 1] = at - low;
  }
  return data;
}
const transposed = (data, rows, columns) =>
  Float32Array.from(data, (_, at) => data[(at % rows) * columns + Math.floor(at / rows)]);

/** The guide's inputs as it was told them to be: each with mean 0 and deviation 1 over the styles at hand. */
const normalised = raw => raw.map((value, i) => (value - state.centre[i]) / state.spread[i]);

async function feedsFor() {
  const painted = random() < painterShare;
  const strokes = random.whole(learntSides);
  const painter = random.pick(painters);
  // A style at several sizes of its picture: the painters' rise by the root of 2, the pictures' by 2.
  const sizes = painted ? painter.slice(strokes) : random.pick(pictures);
  const [chosen] = sizes;
  // Enlarged pictures are judged by enlarged strokes: the judge's first layer, with its stride of 2, takes fine hatching
  // for brushwork, and sees that it is none where every pixel is two.
  const larger = Math.min(random.pick(painted ? [0, 0, 1, 2, 2] : [0, 1]), sizes.length - 1);
  const { targets } = sizes[larger];
  const zoom = (painted ? Math.SQRT2 : 2) ** larger;
  const start = () => Math.floor(random() * (whole - side / zoom + 1));
  const contentWeight = Math.exp(random.between(...contentWeights.map(Math.log)));
  const crop = await randomCrop(random.pick(photos), whole, whole, [1, 1.6], random);
  const colours = matchColours(colourStatistics(crop.rgb), chosen.statistics[paletteLayer(1)]);
  const rgb = mapColours(crop.rgb, colours).map(value => Math.min(1, Math.max(0, value)));
  const told = normalised(styleFeatures(chosen.statistics, contentWeight)).map((value, i, { length }) =>
    i === length - 1 ? value : value + featureNoise * random.normal(),
  );
  const row = new Float32Array(painterNames.length);
  if (painted && random() >= namelessShare) row[chosen.painter] = 1;
  return {
    image: tensor(rgb, [1, 3, whole, whole]),
    rows: tensor(selection(start(), zoom), [side, whole]),
    columns: tensor(transposed(selection(start(), zoom), side, whole), [whole, side]),
    contentWeight: tensor(Float32Array.of(contentWeight), []),
    features: tensor(told, [1, told.length]),
    painters: tensor(row, [1, row.length]),
    ...targets,
    ...Object.fromEntries(Object.entries(state.weights).map(([name, data]) => [name, tensor(data, state.sizes[name])])),
  };
}

function rateAt(step) {
  const share = step / steps;
  return rate * Math.min(1, step / warmUp) * (share < fallFrom ? 1 : (1 - share) / (1 - fallFrom));
}

function update(results) {
  const names = Object.keys(state.weights);
  const gradients = names.map(name => results[`gradient.${name}`].data);
  let square = 0;
  for (const g of gradients) for (const value of g) square += value * value;
  if (!Number.isFinite(square)) return NaN;
  const norm = Math.sqrt(square);
  const cut = Math.min(1, largestNorm / norm);
  const corrections = betas.map(beta => 1 - beta ** state.step);
  // The mean begins as long as there are steps to take it over.
  const keep = Math.min(1 - 1 / averageSteps, state.step / (state.step + 10));
  names.forEach((name, at) => {
    const [w, m, v, average, g] = [
      state.weights[name],
      state.m[name],
      state.v[name],
      state.average[name],
      gradients[at],
    ];
    const pace = rateAt(state.step) * (name === 'guide.first' ? 0.1 : name.startsWith('guide') ? 0.5 : 1);
    for (let i = 0; i < w.length; i++) {
      const slope = cut * g[i];
      m[i] = betas[0] * m[i] + (1 - betas[0]) * slope;
      v[i] = betas[1] * v[i] + (1 - betas[1]) * slope * slope;
      w[i] -= (pace * (m[i] / corrections[0])) / (Math.sqrt(v[i] / corrections[1]) + 1e-8);
      average[i] = keep * average[i] + (1 - keep) * w[i];
    }
  });
  return norm;
}

let sums = new Float64Array(trainingTerms.length + 2);
let counted = 0;
let since = Date.now();
while (state.step < steps) {
  const results = await net.run(await feedsFor());
  state.step++;
  const norm = update(results);
  if (Number.isNaN(norm)) {
    log(`step ${state.step}: not a number, left out`);
    continue;
  }
  results.losses.data.forEach((value, i) => (sums[i] += value));
  sums[sums.length - 1] += norm;
  counted++;
  if (state.step % renewEvery === 0) {
    const place = pictures.length < Number(options.styles) ? pictures.length : random.whole(pictures.length);
    pictures[place] = await pictureStyle(sources);
  }
  if (state.step % 50 === 0) {
    const names = ['total', ...trainingTerms, 'norm'];
    const means = Array.from(sums, (sum, i) => `${names[i]} ${(sum / counted).toFixed(4)}`);
    log(`step ${state.step}: ${means.join('  ')}  ${((Date.now() - since) / counted).toFixed(0)} ms`);
    sums = new Float64Array(sums.length);
    counted = 0;
    since = Date.now();
  }
  if (state.step % 250 === 0 || state.step === steps) {
    state.random = random.state;
    writeFileSync(`${statePath}.tmp`, serialize(state));
    renameSync(`${statePath}.tmp`, statePath);
  }
}
await runtime.close();
