import type { Theme } from '#protocol/timeline';
import type { MenuItem, Unsubscribe } from './host';
import { findNode, type NodeParts } from './node-parts';
import { themeOfColour } from './panel-theme';
import type { EvalScript } from './script-call';

/** What CEP puts on the window; Adobe's CSInterface is a thin cover over the same calls. */
export type AdobeCep = {
  evalScript: EvalScript;
  getHostEnvironment(): string;
  /** "file:///…", escaped. */
  getSystemPath(type: 'extension'): string;
  addEventListener(type: string, listener: (event: unknown) => void): void;
  removeEventListener(type: string, listener: (event: unknown) => void): void;
  dispatchEvent?(event: object): void;
  invokeAsync?(call: 'setContextMenuByJSON', menu: string, onPick: (id: string) => void): void;
};
export type AdobeApplication = 'premiere' | 'aftereffects';
export type AdobePage = {
  readonly cep: AdobeCep;
  readonly node: NodeParts;
  readonly application: AdobeApplication | undefined;
  readonly extensionFolder: string;
};

const applications: Record<string, AdobeApplication> = { PPRO: 'premiere', AEFT: 'aftereffects' };

/** @returns undefined in a plain browser, and where the panel was given no Node */
export function findAdobe(window: unknown): AdobePage | undefined {
  const cep = (window as { __adobe_cep__?: AdobeCep }).__adobe_cep__;
  const node = cep && findNode(window);
  if (!cep || !node) return undefined;
  const { appId } = JSON.parse(cep.getHostEnvironment()) as { appId: string };
  return {
    cep,
    node,
    application: applications[appId],
    extensionFolder: fromFileUrl(cep.getSystemPath('extension'), node.platform),
  };
}

/** "file:///C:/Program%20Files" is "C:/Program Files"; on macOS the third slash belongs to the path. */
export function fromFileUrl(url: string, platform: string): string {
  const plain = decodeURIComponent(url.replace(/^file:\/\//, ''));
  return platform === 'win32' ? plain.replace(/^\/([A-Za-z]:)/, '$1') : plain;
}

type Skin = {
  appSkinInfo?: {
    baseFontSize?: number;
    panelBackgroundColor?: { color?: { red: number; green: number; blue: number } };
  };
};

export function toTheme(environment: string): Theme {
  const skin = (JSON.parse(environment) as Skin).appSkinInfo;
  return themeOfColour(skin?.panelBackgroundColor?.color, skin?.baseFontSize);
}

const themeEvent = 'com.adobe.csxs.events.ThemeColorChanged';

/** The event itself carries no colours: they are read again. */
export function watchAdobeTheme(cep: AdobeCep, onChange: (theme: Theme) => void): Unsubscribe {
  const tell = () => onChange(toTheme(cep.getHostEnvironment()));
  tell();
  cep.addEventListener(themeEvent, tell);
  return () => cep.removeEventListener(themeEvent, tell);
}

const changedEvent = 'org.reverie.changed';

/** What the host script sends when the selection or the sequence changes. */
export function watchAdobeEvents(cep: AdobeCep, onEvent: () => void): Unsubscribe {
  cep.addEventListener(changedEvent, onEvent);
  return () => cep.removeEventListener(changedEvent, onEvent);
}

/** The menu command "Stylize selection", and After Effects' script of that name, tell the panel; it says that it heard. */
export function watchStylizeCommand(cep: AdobeCep, onCommand: () => void): Unsubscribe {
  const { appId } = JSON.parse(cep.getHostEnvironment()) as { appId: string };
  const heard = { type: 'org.reverie.heard', scope: 'APPLICATION', appId, extensionId: 'org.reverie.panel', data: '' };
  let lastMs = -Infinity;
  const listener = () => {
    cep.dispatchEvent?.(heard);
    // The command repeats itself until it is heard.
    if (performance.now() - lastMs > 2000) onCommand();
    lastMs = performance.now();
  };
  cep.addEventListener('org.reverie.stylize', listener);
  return () => cep.removeEventListener('org.reverie.stylize', listener);
}

type CepMenuItem = { id: string; label: string; enabled: boolean; checkable: false; menu?: CepMenuItem[] };

const toCepItem = ({ id, label, enabled = true, items }: MenuItem): CepMenuItem => ({
  id,
  label,
  enabled,
  checkable: false,
  ...(items ? { menu: items.map(toCepItem) } : {}),
});

/** The native right-click menu of the panel. It cannot be opened from here, only laid ready before the click. */
export function offerAdobeMenu(cep: AdobeCep, items: readonly MenuItem[], onPick: (id: string) => void): Unsubscribe {
  const lay = (menu: readonly MenuItem[], picked: (id: string) => void) =>
    cep.invokeAsync?.('setContextMenuByJSON', JSON.stringify({ menu: menu.map(toCepItem) }), picked);
  lay(items, onPick);
  return () => lay([], () => undefined);
}

type CepFiles = {
  showOpenDialog(
    many: boolean,
    folders: boolean,
    title: string,
    start: string,
    extensions: readonly string[],
  ): { err: number; data: readonly string[] };
};

/** The host's file dialog, or undefined where the page has none. */
export function findFileDialog(
  window: unknown,
): ((extensions: readonly string[]) => Promise<string | undefined>) | undefined {
  const files = (window as { cep?: { fs?: CepFiles } }).cep?.fs;
  if (!files) return undefined;
  return async extensions => files.showOpenDialog(false, false, 'Reverie', '', extensions).data[0];
}
