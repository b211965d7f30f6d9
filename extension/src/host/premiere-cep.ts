import { findPreset } from './export-preset';
import type { Host } from './host';
import { nodeFiles, type NodeParts } from './node-parts';
import { createPremiereHost, type PremiereCall, type PremiereChoices } from './premiere';
import { createScriptCaller, type EvalScript } from './script-call';

export type PremiereCepOptions = PremiereChoices & {
  readonly evalScript: EvalScript;
  readonly node: NodeParts;
  /** Exports and results are kept in its folders `exports` and `results`. */
  readonly folder: string;
  readonly timeoutMs?: number;
};

/** Premiere Pro through CEP: the script is ExtendScript, the files are Node's. */
export function createPremiereCepHost({ evalScript, node, timeoutMs, ...rest }: PremiereCepOptions): Host {
  const { call, isBusy } = createScriptCaller(evalScript, timeoutMs);
  const files = nodeFiles(node);
  return createPremiereHost({
    ...rest,
    name: 'premiere-cep',
    script: { call: call as PremiereCall, isBusy },
    files,
    findPreset: (applicationPath, remembered) => findPreset(files, node.platform, applicationPath, remembered),
  });
}
