import { AppError } from '#protocol/errors';
import type { PremiereCalls, PremiereScratchCalls } from '#protocol/host-facts';
import { fromBase64, toBase64 } from './base64';
import type { Host } from './host';
import type { HostFiles } from './host-files';
import type { PlugIn } from './plug-in';
import { createPremiereHost, type PremiereChoices } from './premiere';
import { probePremiere } from './premiere-probes';
import { uxpQuestions } from './premiere-uxp-probes';
import type { CallOf } from './script-call';
import type { ValueOf } from './uxp-messages';

export type Hello = ValueOf<'hello'>;
/** Read and written at once, as `localStorage` is, which local pages of a web view do not have. */
export type Remembered = { getItem(key: string): string | null; setItem(key: string, value: string): void };

export function createRemembered(
  plugIn: PlugIn,
  { remembered }: Hello,
  onFailure: (thrown: unknown) => void,
): Remembered {
  const known = new Map(Object.entries(remembered));
  return {
    getItem: key => known.get(key) ?? null,
    setItem(key, value) {
      if (known.get(key) === value) return;
      known.set(key, value);
      plugIn.ask('remember', { key, value }).catch(onFailure);
    },
  };
}

const presetKey = 'reverie.export-preset';

export const rememberedPreset = (remembered: Remembered): NonNullable<PremiereChoices['preset']> => ({
  get: () => remembered.getItem(presetKey) || undefined,
  set: path => remembered.setItem(presetKey, path ?? ''),
});

/** The disk, through the plug-in, which opens only what lies in the folder that it named. */
function plugInFiles({ ask }: PlugIn, platform: string): HostFiles {
  const separator = platform.startsWith('win') ? '\\' : '/';
  const nameOf = (path: string) => path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
  return {
    join: (...parts) => parts.join(separator),
    nameOf,
    sizeOf: async path => (await ask('sizeOf', { path })).sizeBytes,
    readText: async path => (await ask('readText', { path })).text,
    writeText: async (path, text) => void (await ask('writeText', { path, text })),
    remove: async path => void (await ask('removeFile', { path })),
    makeFolder: async path => void (await ask('makeFolder', { path })),
    async open(path) {
      const { sizeBytes } = await ask('sizeOf', { path });
      if (sizeBytes === undefined) throw new AppError('FILE_NOT_FOUND', { path });
      return {
        name: nameOf(path),
        sizeBytes,
        async read(offset, length) {
          const wanted = Math.max(0, Math.min(length, sizeBytes - offset));
          return fromBase64((await ask('readBytes', { path, offset, length: wanted })).bytes);
        },
      };
    },
    async openSink(folder, fileName) {
      const { sink } = await ask('openSink', { folder, fileName });
      return {
        write: async bytes => void (await ask('writeSink', { sink, bytes: toBase64(bytes) })),
        finish: async () => (await ask('finishSink', { sink })).path,
        discard: async () => void (await ask('discardSink', { sink })),
      };
    },
  };
}

/** A person may take their time in a dialog. */
const dialogMs = 10 * 60_000;

/** Premiere Pro through UXP: the plug-in calls Premiere, this page decides, as it does in CEP. */
export function createPremiereUxpHost(plugIn: PlugIn, hello: Hello, choices: PremiereChoices = {}): Host {
  let { theme } = hello;
  plugIn.onEvent(told => told.event === 'theme' && (theme = told.theme));
  const files = plugInFiles(plugIn, hello.platform);
  const host = createPremiereHost({
    ...choices,
    name: 'premiere-uxp',
    script: { call: plugIn.ask as CallOf<PremiereCalls>, isBusy: plugIn.isBusy },
    files,
    folder: hello.folder,
    findPreset: async (_application, remembered) => (await plugIn.ask('findPreset', { remembered })).path,
    listPresets: async () => (await plugIn.ask('listPresets', {})).paths,
    checkPreset: async path => void (await plugIn.ask('checkPreset', { path })),
    chooseFile: async extensions => (await plugIn.ask('chooseFile', { extensions }, dialogMs)).path,
    events: onEvent => plugIn.onEvent(told => told.event === 'changed' && onEvent()),
    watchTheme(onChange) {
      onChange(theme);
      return plugIn.onEvent(told => told.event === 'theme' && onChange(told.theme));
    },
    ...(hello.canStartBridge ? { startBridge: async () => void (await plugIn.ask('startBridge', {})) } : {}),
  });
  return {
    ...host,
    runHostChecks: context =>
      probePremiere(
        {
          call: plugIn.ask as CallOf<PremiereCalls & PremiereScratchCalls>,
          files,
          folder: files.join(hello.folder, 'checks'),
          system: `${hello.platform}, UXP`,
          findPreset: async () => (await host.listExportPresets?.())?.used,
          ownQuestions: scratch => uxpQuestions(plugIn, files, scratch),
        },
        context,
      ),
  };
}
