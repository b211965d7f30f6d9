import type { Theme } from '#protocol/timeline';
import { themeOfColour } from '../host/panel-theme';
import type { Uxp } from './modules';

/** What UXP puts on the document. */
export type ThemedDocument = {
  readonly theme?: { getCurrent(): string; onUpdated: { addListener(listener: () => void): void } };
};

/** The window's grey in Premiere's three looks, for versions that tell only the look's name. */
const greys: Record<string, number> = { lightest: 248, light: 248, medium: 50, dark: 50, darkest: 29 };

async function readTheme({ theme }: ThemedDocument, { host }: Uxp): Promise<Theme> {
  const grey = greys[theme?.getCurrent() ?? 'darkest'] ?? greys.darkest;
  return themeOfColour((await backgroundOf(host)) ?? { red: grey, green: grey, blue: grey });
}

/** Since 26.5, as JSON with channels from 0 to 1. */
async function backgroundOf(host: Uxp['host']): Promise<{ red: number; green: number; blue: number } | undefined> {
  try {
    const { value } = JSON.parse((await host.getBackgroundColor?.()) ?? '') as {
      value: { red: number; green: number; blue: number };
    };
    return { red: value.red * 255, green: value.green * 255, blue: value.blue * 255 };
  } catch {
    // Not told, or told in another form: the look's name is enough.
    return undefined;
  }
}

/** @returns asks for the theme that was read last */
export function followTheme(document: ThemedDocument, uxp: Uxp, onChange: (theme: Theme) => void): () => Theme {
  let current = themeOfColour(undefined);
  const read = () =>
    void readTheme(document, uxp).then(theme => {
      current = theme;
      onChange(theme);
    });
  read();
  document.theme?.onUpdated.addListener(read);
  return () => current;
}
