import type { Theme } from '#protocol/timeline';

/** The host's own grey (0 to 255 a channel), and a text that can be read on it: the luminance decides. */
export function themeOfColour(
  colour: { red: number; green: number; blue: number } | undefined,
  fontSizePx = 12,
): Theme {
  const { red, green, blue } = colour ?? { red: 38, green: 38, blue: 38 };
  const hex = [red, green, blue]
    .map(value =>
      Math.round(Math.min(255, Math.max(0, value)))
        .toString(16)
        .padStart(2, '0'),
    )
    .join('');
  const dark = 0.2126 * red + 0.7152 * green + 0.0722 * blue < 128;
  return {
    dark,
    background: `#${hex}`,
    text: dark ? '#d6d6d6' : '#2c2c2c',
    accent: dark ? '#3d8bf2' : '#1668d3',
    fontSizePx: Math.min(16, Math.max(11, fontSizePx)),
  };
}
