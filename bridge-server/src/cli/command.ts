import type { Command } from 'commander';
import { createOutput, type Output } from './output';

/** Makes an action that gets its output first: commander appends the options and the command to the arguments. */
export function action<T extends unknown[]>(work: (output: Output, ...args: T) => Promise<void>) {
  return async (...args: [...T, Command]): Promise<void> => {
    const command = args[args.length - 1] as Command;
    await work(createOutput(command.optsWithGlobals().json === true), ...(args.slice(0, -1) as T));
  };
}

/** The flags that every command which renders has. */
export function addRenderFlags(command: Command): Command {
  return command
    .option('--provider <name>', 'what computes: auto, cpu, webgpu, cuda, tensorrt, dml or coreml', 'auto')
    .option('--seed <number>', 'another seed gives another, equally good result', '0')
    .option('--fit', 'take the smaller working size that is offered when a job fits badly')
    .option('--force', 'overwrite what is there')
    .option('--json', 'one JSON object a line instead of sentences');
}

export type RenderFlags = {
  readonly provider: string;
  readonly seed: string;
  readonly force?: boolean;
  readonly fit?: boolean;
  readonly json?: boolean;
  readonly [flag: string]: unknown;
};

export function collect(value: string, before: string[]): string[] {
  return [...before, value];
}
