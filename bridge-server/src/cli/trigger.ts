import { Option, type Command } from 'commander';
import { AppError, type ErrorJson } from '#protocol/errors';
import { bridgeUrl, httpPaths } from '#protocol/http';
import { triggerHostSchema, type TriggerHost } from '#protocol/messages';
import { findRunningBridge } from '../main';
import { openHome } from '../server/home';
import { action } from './command';

const actions = { stylize: 'stylize-selection', place: 'place-finished' } as const;
type TriggerFlags = { preset?: string; host?: string; showCommand?: boolean };
const hostNames: Readonly<Record<TriggerHost, string>> = {
  premiere: 'Premiere Pro',
  aftereffects: 'After Effects',
  browser: 'the browser',
};

/** The line to paste into a hotkey tool: programs that start from a dock know neither `npx` nor this folder. */
function commandLine(args: readonly string[]): string {
  return [process.execPath, process.argv[1], 'trigger', ...args]
    .map(word => (/^[\w./:\\-]+$/.test(word) ? word : `"${word}"`))
    .join(' ');
}

export function addTriggerCommand(program: Command): void {
  program
    .command('trigger')
    .description(
      'Ask the open panel to act, as a hotkey or a button of another program would. Of several panels one acts.',
    )
    .argument('<action>', 'stylize: the selection of the timeline; place: every finished result')
    .option('--preset <name>', 'stylize with this preset instead of the one that is chosen in the panel')
    .addOption(
      new Option(
        '--host <application>',
        'only the panel in this application; the one that was used last otherwise',
      ).choices(triggerHostSchema.options),
    )
    .addOption(new Option('--show-command', 'print the line for a hotkey tool and do nothing'))
    .option('--json', 'one JSON object')
    .action(
      action(async (output, name: string, flags: TriggerFlags) => {
        if (!(name in actions))
          throw new AppError('USAGE', { problem: `There is no action "${name}"; choose stylize or place.` });
        const { preset, host: wantedHost } = flags;
        const wanted = Object.entries({
          ...(preset === undefined ? {} : { preset }),
          ...(wantedHost === undefined ? {} : { host: wantedHost }),
        });
        if (flags.showCommand) {
          const line = commandLine([name, ...wanted.flatMap(([key, value]) => [`--${key}`, value])]);
          output.result({ type: 'trigger-command', command: line }, line);
          return;
        }
        const bridge = findRunningBridge(openHome());
        if (!bridge) throw new AppError('BRIDGE_UNREACHABLE');
        const path = httpPaths.trigger(actions[name as keyof typeof actions]);
        const query = wanted.length > 0 ? `?${new URLSearchParams(wanted).toString()}` : '';
        const host = await post(bridgeUrl(bridge.address, `${path}${query}`, ''), bridge.token);
        output.result({ type: 'triggered', action: name, host }, `The panel in ${hostNames[host]} was told.`);
      }),
    );
}

/** @returns where it is acted upon @throws AppError BRIDGE_UNREACHABLE, and what the bridge answers */
async function post(url: string, token: string): Promise<TriggerHost> {
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
  return (answer as { host: TriggerHost }).host;
}
