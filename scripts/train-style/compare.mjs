/**
 * Style loss of quick paintings beside careful ones: photographs by painters and pictures.
 *   node --import ./scripts/prepare-nets/typescript.mjs scripts/train-style/compare.mjs OUT PHOTO… [--style PICTURE]… [--method fast|optimise]
 * Writes each painting to OUT and prints its style loss (sum over layers of the squared 2-Wasserstein distance, as a
 * part of the style's variance), beside that of the photograph in the style's colours.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { createNetStore } from '../../bridge-server/src/models/store.ts';
import {
  gaussianDistance,
  isPaletteLayer,
  paletteLayer,
  traceOf,
} from '../../bridge-server/src/nets/style-statistics.ts';
import { embeddedFeatureNet, styleParams } from '../../bridge-server/src/protocol/effects/style.ts';
import { createInProcessRuntime } from '../../bridge-server/src/runtime/ort.ts';
import { stylize } from '../../bridge-server/src/stages/stylize.ts';
import { colourStatistics, matchColours } from '../../bridge-server/src/stages/stylize/colour.ts';
import { createFeatureSource } from '../../bridge-server/src/stages/stylize/easel.ts';
import { toEasel } from '../../bridge-server/src/stages/stylize/painted-frame.ts';
import { createStyleSource, measureStyle } from '../../bridge-server/src/stages/stylize/targets.ts';
import { createNetCache } from '../../bridge-server/src/worker/net-source.ts';
import { createRandom, readFrame, toFrame, writeJpeg } from './pictures.mjs';
import { painterNames } from './styles.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    style: { type: 'string', multiple: true, default: [] },
    method: { type: 'string', default: 'fast' },
    width: { type: 'string', default: '320' },
    height: { type: 'string', default: '208' },
    net: { type: 'string' },
    only: { type: 'string' },
    detail: { type: 'string', default: 'normal' },
    threads: { type: 'string', default: '2' },
  },
});
const [out, ...photos] = positionals;
const [width, height] = [Number(options.width), Number(options.height)];
const folderOf = name => fileURLToPath(new URL(`../../bridge-server/${name}`, import.meta.url));
const store = createNetStore({ embeddedDir: folderOf('nets'), homeDir: join(out, 'no-home') });
const runtime = await createInProcessRuntime({ provider: 'cpu', threads: Number(options.threads) });
const { nets } = createNetCache({
  runtime,
  bytes: async name =>
    name === 'fast-style' && options.net ? new Uint8Array(readFileSync(options.net)) : store.bytes(name),
  convention: async () => ({ order: 'rgb', scale: 1, mean: [0, 0, 0] }),
}).open(new AbortController().signal);
const features = createFeatureSource(nets, embeddedFeatureNet);
const pictures = new Map(options.style.map((path, at) => [String(at).repeat(64), path]));
const fits = new Map();
const ctx = {
  fits: { read: async hash => fits.get(hash), write: async (hash, numbers) => void fits.set(hash, numbers) },
  signal: new AbortController().signal,
  nets,
  random: frame => createRandom(frame + 1),
  painter: async name => new Uint8Array(readFileSync(join(folderOf('painters'), `${name}.painter`))),
  image: ref => readFrame(pictures.get(ref.sha256), 1024),
  notice: notice => console.log(notice.text),
  progress: () => undefined,
  store: () => undefined,
};
mkdirSync(out, { recursive: true });

const styles = [
  ...painterNames.map(painter => ({ name: painter, image: { painter } })),
  ...[...pictures].map(([sha256, path]) => ({ name: basename(path).split('.')[0], image: { sha256 } })),
].filter(({ name }) => options.only === undefined || options.only.split(',').includes(name));

function styleLoss(statistics, style) {
  const layers = Object.keys(style).filter(layer => !isPaletteLayer(layer));
  return layers.reduce(
    (sum, layer) => sum + gaussianDistance(statistics[layer], style[layer]) / traceOf(style[layer]),
    0,
  );
}

for (const path of photos) {
  const bytes = await sharp(path)
    .removeAlpha()
    .toColourspace('srgb')
    .resize(width, height, { fit: 'cover' })
    .raw()
    .toBuffer();
  const photo = { ...toFrame(bytes, width, height), shotStart: true };
  for (const { name, image } of styles) {
    const params = {
      ...styleParams.parse({ method: options.method, detail: options.detail }),
      styles: [{ image, weight: 1 }],
    };
    const style = await createStyleSource(ctx, features, params.styles).at(params.strokePx);
    const started = Date.now();
    let painted;
    for await (const frame of stylize(
      (async function* () {
        yield photo;
      })(),
      params,
      ctx,
    ))
      painted = frame;
    const seconds = (Date.now() - started) / 1000;
    const colours = matchColours(colourStatistics(photo.rgb), style[paletteLayer(1)]);
    const before = { ...photo, rgb: toEasel(photo.rgb, colours) };
    const losses = [];
    for (const frame of [before, painted])
      losses.push(styleLoss(await measureStyle(nets, features, frame, Math.max(width, height)), style));
    const file = join(out, `${basename(path).split('.')[0]}-${name}-${options.method}.jpg`);
    await writeJpeg(painted, file);
    console.log(
      `${basename(path)} ${name} ${options.method}: ${losses[1].toFixed(4)} (photograph ${losses[0].toFixed(4)}), ${seconds.toFixed(1)} s`,
    );
  }
}
await runtime.close();
