import { builtInPresets } from '../../bridge-server/src/effects/presets';
import { aloneFrames, presetAlone } from '../../bridge-server/src/cli/paint-alone';

test('neighbouring frames are painted alone, inside the clip and not its first', () => {
  expect([...aloneFrames(100)]).toEqual([24, 25, 74, 75]);
  expect([...aloneFrames(5)]).toEqual([1, 2, 3, 4]);
  expect([...aloneFrames(2)]).toEqual([1]);
  expect([...aloneFrames(1)]).toEqual([]);
});

test('a frame alone is enlarged only where the result was', () => {
  const byName = (name: string) => builtInPresets.find(preset => preset.name === name)!;
  const clip = { width: 160 };
  const alone = (name: string, width: number) => presetAlone(byName(name), clip, { width, height: 90 });
  const effects = (name: string, width: number) => alone(name, width).effects.map(({ effect }) => effect);
  expect(effects('default', 160)).toEqual(['style']);
  expect(effects('default', 320)).toEqual(['style', 'upscale']);
  expect(effects('denoise', 160)).toEqual(['upscale']);
  expect(alone('default', 160).output).toMatchObject({ rate: 'source', size: { width: 160, height: 90 } });
});
