/**
 * Writes the trained net as it is embedded, with weights of 16 bits.
 *   node --import ./scripts/prepare-nets/typescript.mjs scripts/train-style/export.mjs STATE.bin [FILE.onnx]
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { deserialize } from 'node:v8';
import { constant, div, input, sub } from '../../bridge-server/src/graph/build.ts';
import { toModel } from '../../bridge-server/src/graph/model.ts';
import { fastStyle, fastStyleChannels, fastStyleGuide } from '../../bridge-server/src/nets/fast-style.ts';
import { painterNames } from './styles.mjs';

const [statePath, file = fileURLToPath(new URL('../../bridge-server/nets/fast-style.onnx', import.meta.url))] =
  process.argv.slice(2);
const state = deserialize(readFileSync(statePath));
const weights = Object.fromEntries(
  Object.entries(state.average).map(([name, data]) => [
    name,
    constant(data, state.sizes[name], { storage: 'float16' }),
  ]),
);
const count = state.centre.length;
const told = div(
  sub(input('features', [1, count]), constant(state.centre, [1, count])),
  constant(state.spread, [1, count]),
);
const guided = fastStyleGuide(told, input('painters', [1, painterNames.length]), weights);
// Any size: what reads the file gives its own.
const image = input('image', [1, 3, 64, 64]);
const style = input('style', [2, fastStyleChannels]);
const bytes = toModel({
  inputs: [
    image,
    style,
    ...['features', 'painters'].map((name, at) => input(name, [1, [count, painterNames.length][at]])),
  ],
  outputs: { painted: fastStyle(image, weights, style), guided },
  metadata: {
    painters: painterNames.join(','),
    steps: String(state.step),
    licence: 'MIT',
    origin: 'trained by scripts/train-style',
  },
});
writeFileSync(file, bytes);
console.log(`${createHash('sha256').update(bytes).digest('hex')} ${bytes.length} ${file}`);
