import type { Theme } from '#protocol/timeline';

type Rgb = readonly [number, number, number];

function parse(colour: string): Rgb {
  const hex = /^#?([0-9a-f]{6})$/i.exec(colour)?.[1] ?? '262626';
  return [0, 2, 4].map(at => parseInt(hex.slice(at, at + 2), 16)) as unknown as Rgb;
}

function mix(a: Rgb, b: Rgb, share: number): Rgb {
  return a.map((value, at) => value + (b[at] - value) * share) as unknown as Rgb;
}

const css = (colour: Rgb) =>
  `#${colour
    .map(value =>
      Math.round(Math.max(0, Math.min(255, value)))
        .toString(16)
        .padStart(2, '0'),
    )
    .join('')}`;

/** Relative luminance and contrast as WCAG 2.1 defines them. */
function luminance(colour: Rgb): number {
  const [r, g, b] = colour.map(value => {
    const v = value / 255;
    return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

export function contrast(a: string, b: string): number {
  const [high, low] = [luminance(parse(a)), luminance(parse(b))].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

/** Moves `colour` toward `pole` until it can be read on `ground`. */
function readable(colour: Rgb, ground: Rgb, pole: Rgb, wanted: number): Rgb {
  for (let share = 0; share <= 1; share += 0.05) {
    const mixed = mix(colour, pole, share);
    if (contrast(css(mixed), css(ground)) >= wanted) return mixed;
  }
  return pole;
}

const white: Rgb = [255, 255, 255];
const black: Rgb = [0, 0, 0];

/** All colours of the panel out of the three that a host tells, whatever grey its window has. */
export function toCssVariables(theme: Theme): Readonly<Record<string, string>> {
  const ground = parse(theme.background);
  const text = parse(theme.text);
  const accent = parse(theme.accent);
  const pole = theme.dark ? white : black;
  const raised = theme.dark ? mix(ground, white, 0.055) : mix(ground, white, 0.55);
  const hot = readable(accent, raised, pole, 4.6);
  const strong = contrast(css(accent), '#ffffff') >= 4.5 ? accent : readable(accent, white, black, 4.5);
  const coloured = (dark: string, light: string) => css(readable(parse(theme.dark ? dark : light), raised, pole, 4.6));
  return {
    '--ground': css(ground),
    '--raised': css(raised),
    '--sunken': css(theme.dark ? mix(ground, black, 0.35) : white),
    '--well': css(theme.dark ? mix(ground, black, 0.5) : mix(ground, black, 0.09)),
    '--control': css(theme.dark ? mix(ground, white, 0.115) : mix(ground, white, 0.9)),
    '--control-hover': css(theme.dark ? mix(ground, white, 0.17) : mix(ground, black, 0.06)),
    '--line': css(mix(ground, text, theme.dark ? 0.14 : 0.16)),
    '--line-strong': css(mix(ground, text, theme.dark ? 0.34 : 0.42)),
    '--text': css(text),
    '--dim': css(readable(mix(text, ground, 0.42), raised, pole, 4.6)),
    '--accent': css(strong),
    '--accent-hover': css(mix(strong, theme.dark ? white : black, 0.12)),
    '--on-accent': '#ffffff',
    '--hot': css(hot),
    '--selected': css(mix(ground, accent, theme.dark ? 0.26 : 0.16)),
    '--danger': coloured('#f0686b', '#c5221f'),
    '--warn': coloured('#e0a13c', '#8f5b00'),
    '--good': coloured('#4fb477', '#1d7a43'),
    '--font-size': `${Math.max(11, Math.min(14, theme.fontSizePx))}px`,
  };
}

export function applyTheme(theme: Theme, root: HTMLElement): void {
  for (const [name, value] of Object.entries(toCssVariables(theme))) root.style.setProperty(name, value);
  root.style.setProperty('color-scheme', theme.dark ? 'dark' : 'light');
  root.dataset.theme = theme.dark ? 'dark' : 'light';
}
