import type { AppError } from '#protocol/errors';
import { findFileDialog, offerAdobeMenu, watchAdobeEvents, watchAdobeTheme, type AdobePage } from './adobe-window';
import { createAfterEffectsCepHost } from './after-effects-cep';
import type { Host } from './host';
import { homeFolder } from './node-parts';
import { createPremiereCepHost } from './premiere-cep';

export type AdobeHostParts = {
  readonly window: Window;
  readonly notice: (error: AppError) => void;
  readonly readSources: () => boolean;
  readonly startBridge: () => Promise<void>;
};

/** What a person picked, kept by the page from one opening to the next. */
function remembered(storage: Storage, key: string) {
  return {
    get: () => storage.getItem(key) ?? undefined,
    set: (value: string | undefined) => (value === undefined ? storage.removeItem(key) : storage.setItem(key, value)),
  };
}

/** The host that the panel lies in, through CEP; undefined in an application that Reverie does not know. */
export function createAdobeHost(page: AdobePage, parts: AdobeHostParts): Host | undefined {
  const { cep, node, application } = page;
  const { window, notice, readSources, startBridge } = parts;
  const shared = {
    evalScript: (script: string, done: (answer: string) => void) => cep.evalScript(script, done),
    node,
    notice,
    readSources,
    startBridge,
    watchTheme: (onChange: Parameters<Host['watchTheme']>[0]) => watchAdobeTheme(cep, onChange),
    isVisible: () => window.document.visibilityState === 'visible',
    ...(cep.invokeAsync
      ? { offerMenu: ((items, onPick) => offerAdobeMenu(cep, items, onPick)) satisfies Host['offerMenu'] }
      : {}),
  };
  const folder = (name: string) => node.path.join(homeFolder(node), name);
  switch (application) {
    case 'premiere':
      return createPremiereCepHost({
        ...shared,
        folder: folder('premiere'),
        preset: remembered(window.localStorage, 'reverie.export-preset'),
        chooseFile: findFileDialog(window),
        events: onEvent => watchAdobeEvents(cep, onEvent),
      });
    case 'aftereffects':
      return createAfterEffectsCepHost({
        ...shared,
        folder: folder('after-effects'),
        preset: remembered(window.localStorage, 'reverie.output-template'),
      });
    case undefined:
      return undefined;
  }
}
