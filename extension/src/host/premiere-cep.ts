import type { PremiereCalls, PremiereScratchCalls, PremiereScriptCalls } from '#protocol/host-facts';
import { checkPreset, findPreset, listPresets } from './export-preset';
import type { Host, Unsubscribe } from './host';
import { nodeFiles, type NodeParts } from './node-parts';
import { createPremiereHost, type PremiereChoices } from './premiere';
import { cepQuestions } from './premiere-cep-probes';
import { probePremiere } from './premiere-probes';
import { createScriptCaller, type CallOf, type EvalScript } from './script-call';

export type PremiereCepOptions = PremiereChoices & {
  readonly evalScript: EvalScript;
  readonly node: NodeParts;
  /** Exports and results are kept in its folders `exports` and `results`. */
  readonly folder: string;
  readonly timeoutMs?: number;
  /** Events that the script sends to the panel once it was asked to. */
  readonly events?: (onEvent: () => void) => Unsubscribe;
};

/** Premiere Pro through CEP: the script is ExtendScript, the files are Node's. */
export function createPremiereCepHost({ evalScript, node, timeoutMs, events, ...rest }: PremiereCepOptions): Host {
  const { call, isBusy } = createScriptCaller(evalScript, timeoutMs);
  const files = nodeFiles(node);
  const host = createPremiereHost({
    ...rest,
    name: 'premiere-cep',
    script: { call: call as CallOf<PremiereCalls>, isBusy },
    files,
    findPreset: (applicationPath, remembered) => findPreset(files, node.platform, applicationPath, remembered),
    listPresets: applicationPath => listPresets(files, node.platform, applicationPath, node.os.homedir()),
    checkPreset: path => checkPreset(files, path),
    ...(events
      ? {
          events(onEvent) {
            // Where it fails there are no events, and asking every second goes on.
            call('followEvents', {}).catch(() => undefined);
            return events(onEvent);
          },
        }
      : {}),
  });
  return {
    ...host,
    runHostChecks: context =>
      probePremiere(
        {
          call: call as CallOf<PremiereCalls & PremiereScratchCalls>,
          files,
          folder: files.join(rest.folder, 'checks'),
          system: `${node.platform} ${node.os.release()}`,
          findPreset: async () => (await host.listExportPresets?.())?.used,
          ownQuestions: scratch => cepQuestions(call as CallOf<PremiereScriptCalls>, files, scratch),
        },
        context,
      ),
  };
}
