/**
 * Makes the painters in bridge-server/painters: what a painting teaches (statistics of its feature maps), without the
 * painting, and a swatch that Reverie painted with them.
 *   node --import ./scripts/prepare-nets/typescript.mjs scripts/prepare-painters/prepare.mjs FOLDER [NAME …] [--swatches-only | --statistics-only]
 * FOLDER holds pictures of the paintings under the names in paintings.mjs.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { createNetStore } from '../../bridge-server/src/models/store.ts';
import { styleParams } from '../../bridge-server/src/protocol/effects/style.ts';
import { createInProcessRuntime } from '../../bridge-server/src/runtime/ort.ts';
import { computePainter, stylizeStill } from '../../bridge-server/src/stages/stylize.ts';
import { createNetCache } from '../../bridge-server/src/worker/net-source.ts';
import { paintings } from './paintings.mjs';
import { drawScene } from './scene.mjs';

const folderOf = name => fileURLToPath(new URL(`../../bridge-server/${name}`, import.meta.url));
const target = folderOf('painters');
const swatchSize = { width: 512, height: 384 };

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'swatches-only': { type: 'boolean' },
    strength: { type: 'string' },
    stroke: { type: 'string' },
    out: { type: 'string' },
    iterations: { type: 'string' },
    'statistics-only': { type: 'boolean' },
  },
});
const [source, ...names] = positionals;
if (source === undefined) throw new Error('which folder holds the paintings?');

async function readFrame(path) {
  const { data, info } = await sharp(path)
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  const count = info.width * info.height;
  const rgb = Float32Array.from(
    { length: 3 * count },
    (_, at) => data[(at % count) * 3 + Math.floor(at / count)] / 255,
  );
  return { index: 0, width: info.width, height: info.height, rgb };
}

async function writeJpeg(frame, path) {
  const count = frame.width * frame.height;
  const bytes = Uint8Array.from({ length: 3 * count }, (_, at) =>
    Math.round(255 * Math.min(1, Math.max(0, frame.rgb[(at % 3) * count + Math.floor(at / 3)]))),
  );
  await sharp(bytes, { raw: { width: frame.width, height: frame.height, channels: 3 } })
    .jpeg({ quality: 90, mozjpeg: true })
    .toFile(path);
}

/** Repeatable numbers, 0 to 1. */
function makeRandom(seed) {
  let state = seed;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}

const store = createNetStore({ embeddedDir: folderOf('nets'), homeDir: join(target, 'no-home') });
const runtime = await createInProcessRuntime({ provider: 'cpu', threads: 2 });
const cache = createNetCache({ runtime, bytes: name => store.bytes(name) });
const { signal } = new AbortController();
const { nets } = cache.open(signal);
mkdirSync(options.out ?? target, { recursive: true });

for (const { name, file, sha256, sceneSaturation = 1 } of paintings.filter(
  each => names.length === 0 || names.includes(each.name),
)) {
  const statistics = join(target, `${name}.painter`);
  if (!options['swatches-only']) {
    const painting = readFileSync(join(source, file));
    if (createHash('sha256').update(painting).digest('hex') !== sha256)
      throw new Error(`${file} is not the picture that was measured`);
    writeFileSync(statistics, await computePainter(nets, await readFrame(painting)));
  }
  if (options['statistics-only']) continue;
  const bytes = readFileSync(statistics);
  const scene = { index: 0, ...swatchSize, rgb: drawScene(swatchSize.width, swatchSize.height, sceneSaturation) };
  const params = styleParams.parse({
    styles: [{ image: { painter: name }, weight: 1 }],
    strength: Number(options.strength ?? 100),
    strokePx: Number(options.stroke ?? 512),
    detail: 'normal',
    iterations: Number(options.iterations ?? 0),
  });
  const ctx = {
    signal,
    nets,
    random: frame => makeRandom(frame + 1),
    painter: async () => bytes,
    image: () => Promise.reject(new Error('no pictures')),
  };
  const started = Date.now();
  let last;
  for await (const still of stylizeStill(scene, params, ctx)) last = still;
  await writeJpeg(last.frame, join(options.out ?? target, `${name}.jpg`));
  console.log(`${name}: ${bytes.length} bytes, painted in ${((Date.now() - started) / 1000).toFixed(0)} s`);
}
await runtime.close();
