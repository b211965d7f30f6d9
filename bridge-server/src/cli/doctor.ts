import type { Command } from 'commander';
import { probeProviders } from '../runtime/choose';
import { examine } from '../server/doctor';
import { action } from './command';
import { withCore } from './open-core';

export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('What is installed, what is missing, and what to do about it.')
    .option('--json', 'one JSON object a line')
    .action(
      action(async output => {
        const checks = await withCore(core => examine(core));
        for (const check of checks) {
          output.result({ type: 'check', ...check }, `${check.ok ? 'ok     ' : 'MISSING'} ${check.what}: ${check.found}${check.remedy ? `\n        ${check.remedy}` : ''}`);
        }
        for (const { provider, ok, reason, half } of await probeProviders()) {
          output.result(
            { type: 'provider', provider, ok, reason, half },
            `${ok ? 'ok     ' : 'no     '} provider ${provider}${ok ? (half ? ': works, half precision too' : ': works') : `: ${reason ?? 'no reason was given'}`}`,
          );
        }
      }),
    );
}
