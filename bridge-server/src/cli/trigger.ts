import { Option, type Command } from 'commander';
import { AppError, type ErrorJson } from '#protocol/errors';
import { bridgeUrl, httpPaths } from '#protocol/http';
import { findRunningBridge } from '../main';
import { openHome } from '../server/home';
import { action } from './command';

const actions = { stylize: 'stylize-selection', place: 'place-finished' } as const;
type TriggerFlags = { preset?: string; showCommand?: boolean };

/** The line to paste into a hotkey tool: programs that start from a dock know neither `npx` nor this folder. */
function commandLine(args: readonly string[]): string {
  return [process.execPath, process.argv[1], 'trigger', ...args]
    .map(word => (/^[\w./:\\-]+$/.test(word) ? word : `"${word}"`))
    .join(' ');
}

export function addTriggerCommand(program: Command): void {
  program
    .command('trigger')
    .description('Ask the open panel to act, as a hotkey or a button of another program would.')
    .argument('<action>', 'stylize: the selection of the timeline; place: every finished result')
    .option('--preset <name>', 'stylize with this preset instead of the one that is chosen in the panel')
    .addOption(new Option('--show-command', 'print the line for a hotkey tool and do nothing'))
    .option('--json', 'one JSON object')
    .action(
      action(async (output, name: string, flags: TriggerFlags) => {
        if (!(name in actions))
          throw new AppError('USAGE', { problem: `There is no action "${name}"; choose stylize or place.` });
        const preset = flags.preset === undefined ? [] : ['--preset', flags.preset];
        if (flags.showCommand) {
          const line = commandLine([name, ...preset]);
          output.result({ type: 'trigger-command', command: line }, line);
          return;
        }
        const bridge = findRunningBridge(openHome());
        if (!bridge) throw new AppError('BRIDGE_UNREACHABLE');
        const path = httpPaths.trigger(actions[name as keyof typeof actions]);
        const query = flags.preset === undefined ? '' : `?preset=${encodeURIComponent(flags.preset)}`;
        const panels = await post(bridgeUrl(bridge.address, `${path}${query}`, ''), bridge.token);
        output.result(
          { type: 'triggered', action: name, panels },
          `${panels === 1 ? 'The panel was' : `${panels} panels were`} told.`,
        );
      }),
    );
}

/** @returns how many panels were told @throws AppError BRIDGE_UNREACHABLE, and what the bridge answers */
async function post(url: string, token: string): Promise<number> {
  let response: Response;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(5000),
    });
  } catch (cause) {
    throw new AppError('BRIDGE_UNREACHABLE', {}, { cause });
  }
  const answer: unknown = await response.json();
  if (!response.ok) throw AppError.from(answer as ErrorJson);
  return (answer as { panels: number }).panels;
}
