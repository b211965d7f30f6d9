/**
 * Shows what the net can do so far: a sheet of photographs (rows) in the manner of painters and pictures (columns).
 *   node --import ./scripts/prepare-nets/typescript.mjs scripts/train-style/preview.mjs STATE.bin SHEET.jpg [--side 400] [--stroke 512] [--content 0.12] PICTURE… [--style PICTURE]…
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { deserialize } from 'node:v8';
import { constant, input } from '../../bridge-server/src/graph/build.ts';
import { toModel } from '../../bridge-server/src/graph/model.ts';
import { createNetStore } from '../../bridge-server/src/models/store.ts';
import { fastStyle, fastStyleGuide, styleFeatures } from '../../bridge-server/src/nets/fast-style.ts';
import { painterStatistics, readPainter } from '../../bridge-server/src/nets/painter.ts';
import { createInProcessRuntime } from '../../bridge-server/src/runtime/ort.ts';
import { colourStatistics, mapColours, matchColours } from '../../bridge-server/src/stages/stylize/colour.ts';
import { embeddedFeatureNet } from '../../bridge-server/src/protocol/effects/style.ts';
import { createFeatureSource } from '../../bridge-server/src/stages/stylize/easel.ts';
import { measureStyle } from '../../bridge-server/src/stages/stylize/targets.ts';
import { createNetCache } from '../../bridge-server/src/worker/net-source.ts';
import { readFrame, writeJpeg } from './pictures.mjs';
import { painterNames } from './styles.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    side: { type: 'string', default: '400' },
    stroke: { type: 'string', default: '512' },
    content: { type: 'string', default: '0.12' },
    style: { type: 'string', multiple: true, default: [] },
    only: { type: 'string' },
  },
});
const [statePath, sheetPath, ...photos] = positionals;
const folderOf = name => fileURLToPath(new URL(`../../bridge-server/${name}`, import.meta.url));
const state = deserialize(readFileSync(statePath));
const store = createNetStore({ embeddedDir: folderOf('nets'), homeDir: '/nonexistent' });
const runtime = await createInProcessRuntime({ provider: 'cpu', threads: 1 });
const { nets } = createNetCache({ runtime, bytes: name => store.bytes(name) }).open(new AbortController().signal);
const features = createFeatureSource(nets, embeddedFeatureNet);

const stroke = Number(options.stroke);
const styles = painterNames
  .map((name, at) => ({
    statistics: painterStatistics(readPainter(readFileSync(`${folderOf('painters')}/${name}.painter`)), stroke),
    row: painterNames.map((_, k) => (k === at ? 1 : 0)),
  }))
  .filter((_, at) => options.only === undefined || options.only === painterNames[at]);
for (const path of options.style)
  styles.push({
    statistics: await measureStyle(nets, features, await readFrame(path, 1024), stroke, 'style'),
    row: painterNames.map(() => 0),
  });

const weights = Object.fromEntries(
  Object.entries(state.average).map(([name, data]) => [name, constant(data, state.sizes[name])]),
);
const rows = [];
for (const path of photos) {
  const whole = await readFrame(path, Number(options.side));
  const [width, height] = [whole.width - (whole.width % 4), whole.height - (whole.height % 4)];
  const photo = {
    ...(await readFrame(path, Number(options.side))),
    width,
    height,
    rgb: new Float32Array(3 * width * height),
  };
  for (let c = 0; c < 3; c++)
    for (let y = 0; y < height; y++)
      photo.rgb.set(
        whole.rgb.subarray((c * whole.height + y) * whole.width, (c * whole.height + y) * whole.width + width),
        (c * height + y) * width,
      );
  const image = input('image', [1, 3, height, width]);
  const style = fastStyleGuide(
    input('features', [1, state.centre.length]),
    input('painters', [1, painterNames.length]),
    weights,
  );
  const net = await runtime.load(toModel({ outputs: { painted: fastStyle(image, weights, style) } }), {
    label: 'preview',
  });
  const row = [photo];
  for (const { statistics, row: painters } of styles) {
    const colours = matchColours(colourStatistics(photo.rgb), statistics['rgb/1']);
    const rgb = mapColours(photo.rgb, colours).map(value => Math.min(1, Math.max(0, value)));
    const told = styleFeatures(statistics, Number(options.content)).map(
      (value, i) => (value - state.centre[i]) / state.spread[i],
    );
    const { painted } = await net.run({
      image: { type: 'float32', dims: image.dims, data: rgb },
      features: { type: 'float32', dims: [1, told.length], data: told },
      painters: { type: 'float32', dims: [1, painters.length], data: Float32Array.from(painters) },
    });
    row.push({ ...photo, rgb: painted.data });
  }
  rows.push(row);
}
await runtime.close();

const columns = rows[0].length;
const wide = Math.max(...rows.flat().map(frame => frame.width));
const heights = rows.map(row => row[0].height);
const sheet = { width: columns * wide, height: heights.reduce((a, b) => a + b, 0), rgb: undefined };
sheet.rgb = new Float32Array(3 * sheet.width * sheet.height);
let top = 0;
rows.forEach((row, r) => {
  row.forEach((frame, k) => {
    for (let c = 0; c < 3; c++)
      for (let y = 0; y < frame.height; y++)
        sheet.rgb.set(
          frame.rgb.subarray((c * frame.height + y) * frame.width, (c * frame.height + y + 1) * frame.width),
          (c * sheet.height + top + y) * sheet.width + k * wide,
        );
  });
  top += heights[r];
});
await writeJpeg(sheet, sheetPath);
console.log(`step ${state.step}: ${sheetPath}`);
