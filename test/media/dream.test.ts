import { join } from 'node:path';
import { dreamParams } from '#protocol/effects/dream';
import { zoomParams } from '#protocol/effects/zoom';
import { builtInPresets } from '../../bridge-server/src/effects/presets';
import { createFrame, type Frame } from '../../bridge-server/src/frame/frame';
import { createNetStore } from '../../bridge-server/src/models/store';
import { createRandom } from '../../bridge-server/src/pipeline/random';
import type { StageContext } from '../../bridge-server/src/pipeline/stage';
import { createInProcessRuntime } from '../../bridge-server/src/runtime/ort';
import type { Net, Runtime } from '../../bridge-server/src/runtime/runtime';
import { openDreamer, openDreamNet } from '../../bridge-server/src/stages/dream/dreamer';
import { octaveSizes } from '../../bridge-server/src/stages/dream/octaves';
import { zoom } from '../../bridge-server/src/stages/zoom';
import { makePicture } from '../stages/moving-picture';

const store = createNetStore({
  embeddedDir: join(__dirname, '../../bridge-server/nets'),
  homeDir: join(__dirname, 'no-such-home'),
});

describe('dreams with the embedded net', () => {
  let runtime: Runtime;
  let ctx: StageContext;

  beforeAll(async () => {
    runtime = await createInProcessRuntime({ provider: 'cpu', threads: 2 });
    const nets = new Map<string, Promise<Net>>();
    ctx = {
      signal: new AbortController().signal,
      random: frame => createRandom(0, 'dream', frame),
      nets: {
        provider: 'cpu',
        bytes: name => store.bytes(name),
        convention: async name => (await store.info(name)).convention,
        compiled: (key, build, options) => {
          const known = nets.get(key) ?? build().then(model => runtime.load(model, { label: key, ...options }));
          nets.set(key, known);
          return known;
        },
      },
      progress: () => undefined,
      notice: () => undefined,
      store: () => undefined,
    } as Partial<StageContext> as StageContext;
  });
  afterAll(() => runtime.close());

  async function dreamt(frame: Frame, given: object): Promise<Float32Array> {
    const params = dreamParams.parse(given);
    const detail = await (
      await openDreamer(params, ctx)
    ).dream(frame.rgb, frame, {
      octaves: octaveSizes(frame, params.octaves, params.octaveScale),
      iterations: params.iterations,
      stepSize: params.stepSize,
      random: ctx.random(0),
    });
    return frame.rgb.map((value, i) => value + detail[i]);
  }

  test('each built-in dream raises layers that the net has', async () => {
    const { maps } = await openDreamNet('openimages', ctx);
    const dreams = builtInPresets.flatMap(({ effects }) =>
      effects.flatMap(each => (each.effect === 'dream' ? [each.params] : [])),
    );
    expect(dreams.length).toBeGreaterThanOrEqual(6);
    for (const { objectives } of dreams)
      for (const { layer } of objectives) expect(maps.map(({ name }) => name)).toContain(layer);
  });

  test('no grid of dots on a flat area: the finest changes are the weakest', async () => {
    const [width, height] = [192, 128];
    // A soft slope, as skies have.
    const sky = createFrame(width, height);
    sky.rgb.forEach((_, i) => (sky.rgb[i] = 0.55 + (0.2 * (Math.floor(i / width) % height)) / height));
    const rgb = await dreamt(sky, { octaves: 2 });
    // Second differences at one and at four pixels' distance: dots are in the first alone, forms in the second.
    const bend = (distance: number) => {
      let sum = 0;
      for (let y = 8; y < height - 8; y++)
        for (let x = 8; x < width - 8; x++) {
          const at = y * width + x;
          sum += (2 * rgb[at] - rgb[at - distance] - rgb[at + distance]) ** 2;
        }
      return Math.sqrt(sum);
    };
    // 0.52 with a Laplacian split whose levels are all as strong, 0.26 as it is.
    expect(bend(1) / bend(4)).toBeLessThan(0.4);
  });

  test('300 frames of zoom: neither grey nor gaudy, as sharp at the end as at the beginning, in steady memory', async () => {
    const [width, height] = [96, 64];
    const area = width * height;
    const start = { ...makePicture(width, height, 0), shotStart: true };
    const params = zoomParams.parse({ frames: 300, iterations: 1, dream: { octaves: 1, iterations: 6 } });
    const figures: { deviation: number; sharpness: number; greyTiles: number; bytes: number }[] = [];
    async function* input() {
      yield start;
    }
    for await (const { rgb, index } of zoom(input(), params, ctx)) {
      const green = rgb.subarray(area, 2 * area);
      const deviationOf = (values: Float32Array) => {
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
        return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
      };
      let sharpness = 0;
      for (let i = 1; i < area; i++) sharpness += Math.abs(green[i] - green[i - 1]) / area;
      let greyTiles = 0;
      for (let y = 0; y < height; y += 16)
        for (let x = 0; x < width; x += 16) {
          const tile = Float32Array.from({ length: 256 }, (_, i) => green[(y + (i >> 4)) * width + x + (i & 15)]);
          if (deviationOf(tile) < 2 / 255) greyTiles++;
        }
      if (index >= 30)
        figures.push({
          deviation: deviationOf(green),
          sharpness,
          greyTiles,
          bytes: process.memoryUsage().arrayBuffers,
        });
    }
    expect(figures).toHaveLength(270);
    const [early, late] = [figures[0], figures[269]];
    expect(figures.every(({ greyTiles }) => greyTiles === 0)).toBe(true);
    for (const { deviation } of figures) {
      expect(deviation).toBeGreaterThan(0.05);
      expect(deviation).toBeLessThan(0.3);
    }
    // Noise would be sharper without end, drift would be a blur.
    expect(late.sharpness / early.sharpness).toBeGreaterThan(0.6);
    expect(late.sharpness / early.sharpness).toBeLessThan(1.6);
    expect(late.bytes).toBeLessThan(early.bytes + 100e6);
  });
});
