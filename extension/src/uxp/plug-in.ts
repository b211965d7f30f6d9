import { AppError, toAppError } from '#protocol/errors';
import { findStarter, homeFolder, readBridgeFile } from './bridge-file';
import { createDesk } from './desk';
import { createPlugInFiles } from './files';
import { hostTimes, type HostTimes, type Premiere, type Uxp, type UxpFs, type UxpOs } from './modules';
import { openRemembered } from './remembered';
import { followTheme, type ThemedDocument } from './theme';
import { watchHost } from './watch-host';
import { createWebView, type WebView, type WebViewElement } from './web-view';

/** As the manifest names them. */
export const entryIds = { panel: 'reverie.panel', stylize: 'reverie.stylize' };

export type PlugInWorld = {
  readonly uxp: Uxp;
  readonly premiere: Premiere;
  readonly fs: UxpFs;
  readonly os: UxpOs;
  readonly window: Pick<Window, 'addEventListener'>;
  readonly document: Pick<Document, 'createElement'> & ThemedDocument;
  readonly times?: HostTimes;
};

/** The panel with its web view, and the command, which works on the open panel or on the next one that is opened. */
export function createPlugIn({ uxp, premiere, fs, os, window, document, times = hostTimes }: PlugInWorld) {
  const platform = os.platform();
  const userHome = os.homedir();
  const files = createPlugInFiles(fs, platform);
  const home = homeFolder(files, platform, userHome);
  const folder = files.join(home, 'premiere');
  let view: WebViewElement | undefined;
  let webView: WebView | undefined;
  let isPending = false;
  let timer: ReturnType<typeof setInterval> | undefined;

  async function open(root: HTMLElement): Promise<void> {
    await files.makeFolder(folder);
    const remembered = await openRemembered(files, files.join(folder, 'panel.json'));
    const starter = await findStarter(files, platform, userHome);
    let bridge = await readBridgeFile(files, home);
    const desk = createDesk({
      premiere,
      files,
      platform,
      userHome,
      folder,
      version: uxp.host.version,
      applicationPath: uxp.host.applicationPath ?? '',
      theme: followTheme(document, uxp, theme => webView?.tell({ event: 'theme', theme })),
      bridge: () => bridge,
      remembered,
      async chooseFile(extensions) {
        const file = await uxp.storage.localFileSystem.getFileForOpening({ types: extensions });
        return file?.nativePath;
      },
      takeCommand() {
        const wanted = isPending;
        isPending = false;
        return wanted;
      },
      times,
      ...(starter
        ? {
            async startBridge() {
              const problem = await uxp.shell.openPath(
                starter,
                'Starts the Reverie bridge, which renders on this computer.',
              );
              if (problem) throw new AppError('BRIDGE_NOT_STARTED', { problem });
            },
          }
        : {}),
    });
    view = document.createElement('webview') as unknown as WebViewElement;
    view.setAttribute('style', 'width: 100%; height: 100%');
    root.appendChild(view);
    webView = createWebView(view, window, desk.answer);
    webView.follow(bridge);
    watchHost(premiere, () => webView?.tell({ event: 'changed' }));
    timer = setInterval(() => {
      void readBridgeFile(files, home).then(next => {
        bridge = next;
        webView?.follow(next);
      });
    }, times.followMs);
  }

  uxp.entrypoints.setup({
    panels: {
      [entryIds.panel]: {
        // The host waits 300 ms for this, so nothing is waited for here.
        create(root) {
          if (view) root.appendChild(view);
          else open(root).catch(thrown => (root.textContent = toAppError(thrown).message));
        },
      },
    },
    commands: {
      [entryIds.stylize]: {
        run() {
          if (webView?.isOpen()) webView.tell({ event: 'command', command: 'stylize-selection' });
          else isPending = true;
        },
      },
    },
  });

  return { close: () => clearInterval(timer) };
}
