import { presetSchema } from '#protocol/preset';
import { planChain } from '../../bridge-server/src/effects/chain';
import { classicDreams, classicNames } from '../../bridge-server/src/effects/classic-dreams';
import { builtInPresets } from '../../bridge-server/src/effects/presets';
import { makeClip } from '../fakes/jobs';

test('every built-in preset is a valid document with a name of its own', () => {
  for (const preset of builtInPresets) expect(presetSchema.parse(preset)).toEqual(preset);
  expect(new Set(builtInPresets.map(preset => preset.name)).size).toBe(builtInPresets.length);
});

test('"default" comes first: painted, steady, twice the size, 50 frames a second, ProRes', () => {
  const [first] = builtInPresets;
  expect(first.name).toBe('default');
  expect(first.effects.map(effect => effect.effect)).toEqual(['style', 'upscale', 'retime']);
  expect(first.output).toEqual({ codec: 'prores422hq', rate: { num: 50, den: 1 }, size: 'source' });
});

test('there is one preset a painter, the dreams of the feature net, and the single effects', () => {
  expect(builtInPresets.map(preset => preset.name)).toEqual(
    expect.arrayContaining([
      'starry-night',
      'night-cafe',
      'the-scream',
      'shipwreck',
      'great-wave',
      'tahiti',
      'quick-starry-night',
      'quick-night-cafe',
      'quick-the-scream',
      'quick-shipwreck',
      'quick-great-wave',
      'quick-tahiti',
      'dream-texture',
      'dream-crowds',
      'dream-people-and-cars',
      'dream-paws',
      'dream-objects',
      'dream-mixed',
      'zoom',
      'upscale-2x',
      'denoise',
      'retime-50',
      'draft',
    ]),
  );
});

const layers = ['inception_3b/5x5_reduce', 'inception_4b/output', 'inception_4c/output', 'inception_4e/output'].map(
  name => ({ name }),
);
const googlenet = { name: 'my-googlenet', installed: true, layers };

test('the classic dreams come with a GoogLeNet of any name, and not without', () => {
  const others = [
    { ...googlenet, name: 'googlenet', installed: false },
    { name: 'openimages', installed: true, layers: [{ name: 'ec10/expand' }] },
    { name: 'half', installed: true, layers: layers.slice(1) },
  ];
  expect(classicDreams(others)).toEqual([]);
  const dreams = classicDreams([...others, googlenet]);
  expect(dreams.map(({ name }) => name)).toEqual(classicNames);
  for (const { effects } of dreams)
    expect(effects[0]).toMatchObject({ effect: 'dream', params: { net: 'my-googlenet', octaves: 4, jitter: 32 } });
  expect(classicNames.filter(name => builtInPresets.some(preset => preset.name === name))).toEqual([]);
});

test.each([...builtInPresets, ...classicDreams([googlenet])].map(preset => [preset.name, preset] as const))(
  '%s can be planned on any clip',
  (_name, preset) => {
    for (const clip of [
      makeClip(),
      makeClip({ width: 853, height: 479 }),
      makeClip({ width: 720, height: 1280, rate: { num: 30000, den: 1001 } }),
      makeClip({ width: 16, height: 16, frames: 1 }),
    ]) {
      const chain = planChain(preset, clip, { first: 0, last: clip.frames - 1 }, { provider: 'cpu' });
      expect(chain.frames).toBeGreaterThan(0);
    }
  },
);
