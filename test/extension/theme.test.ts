import { darkTheme, lightTheme } from '../../extension/src/host/file';
import { contrast, toCssVariables } from '../../extension/src/app/theme';

/** The greys that Adobe windows have had, darkest to lightest, with the text colour that fits them. */
const windows = [
  ['the browser, dark', darkTheme],
  ['the browser, light', lightTheme],
  ...['#1d1d1d', '#232323', '#323232', '#3b3b3b', '#535353'].map(
    background => [background, { ...darkTheme, background }] as const,
  ),
  ...['#b8b8b8', '#d6d6d6', '#f8f8f8'].map(background => [background, { ...lightTheme, background }] as const),
] as const;

test.each(windows)('on %s everything written can be read', (_, theme) => {
  const colours = toCssVariables(theme);
  for (const ground of ['--ground', '--raised']) {
    expect(contrast(colours['--text'], colours[ground])).toBeGreaterThan(4.5);
  }
  for (const name of ['--dim', '--hot', '--danger', '--warn', '--good']) {
    expect([name, contrast(colours[name], colours['--raised']) >= 4.5]).toEqual([name, true]);
  }
  expect(contrast(colours['--on-accent'], colours['--accent'])).toBeGreaterThanOrEqual(4.5);
});

test('contrast is that of WCAG', () => {
  expect(contrast('#000000', '#ffffff')).toBeCloseTo(21);
  expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 2);
});

test('type keeps to sizes that a dense panel can bear', () => {
  expect(toCssVariables({ ...darkTheme, fontSizePx: 30 })['--font-size']).toBe('14px');
  expect(toCssVariables({ ...darkTheme, fontSizePx: 9 })['--font-size']).toBe('11px');
});
