import { presetSchema } from '#protocol/preset';
import { planChain } from '../../bridge-server/src/effects/chain';
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

test.each(builtInPresets.map(preset => [preset.name, preset] as const))(
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
