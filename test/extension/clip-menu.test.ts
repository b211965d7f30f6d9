import { clipMenu, presetOfItem } from '../../extension/src/app/clip-menu';
import { builtInPresets } from '../../bridge-server/src/effects/presets';
import { makePreset } from './make';

const labels = { stylize: 'Stylize', stylizeWith: 'Stylize with', dream: 'Dream', upscale: 'Upscale', zoom: 'Zoom' };
const menuOf = (presets: ReturnType<typeof makePreset>[]) =>
  clipMenu(
    presets.map(preset => ({ preset, builtIn: true })),
    labels,
    ({ preset }) => preset.title,
  );

test('a clip offers Stylize, other presets, dreams, upscaling and zooming; each item stands for a preset that there is', () => {
  const menu = menuOf([...builtInPresets]);
  expect(menu.map(item => item.label)).toEqual(['Stylize', 'Stylize with', 'Dream', 'Upscale', 'Zoom']);
  const names = builtInPresets.map(preset => preset.name);
  const leaves = menu.flatMap(item => item.items ?? [item]).map(item => presetOfItem(item.id));
  expect(leaves.slice(1).every(name => name !== undefined && names.includes(name))).toBe(true);
  expect(new Set(names.map(name => leaves.includes(name)))).toEqual(new Set([true]));
  expect(presetOfItem(menu[0].id)).toBeUndefined();
});

test('a person’s dream joins the dreams; what there is no preset for is not offered', () => {
  const own = makePreset({ name: 'mine', title: 'Mine', effects: [{ effect: 'dream' }] });
  const menu = menuOf([own]);
  expect(menu.map(item => [item.label, item.items?.map(each => each.label)])).toEqual([
    ['Stylize', undefined],
    ['Dream', ['Mine']],
  ]);
});
