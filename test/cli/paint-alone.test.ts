import { builtInPresets } from '../../bridge-server/src/effects/presets';
import { aloneFrames, presetAlone } from '../../bridge-server/src/cli/paint-alone';

test('neighbouring frames are painted alone, inside the clip and not its first', () => {
  expect([...aloneFrames(100)]).toEqual([24, 25, 74, 75]);
  expect([...aloneFrames(5)]).toEqual([1, 2, 3, 4]);
  expect([...aloneFrames(2)]).toEqual([1]);
  expect([...aloneFrames(1)]).toEqual([]);
});

test('a frame alone takes everything but time from its preset, in the size of the result', () => {
  const alone = (name: string) =>
    presetAlone(
      builtInPresets.find(preset => preset.name === name)!,
      { width: 160, height: 90 },
    );
  const effects = (name: string) => alone(name).effects.map(({ effect }) => effect);
  expect(effects('default')).toEqual(['style', 'upscale']);
  expect(effects('denoise')).toEqual(['upscale']);
  expect(alone('default').output).toMatchObject({ rate: 'source', size: { width: 160, height: 90 } });
});
