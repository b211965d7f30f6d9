import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { AppError } from '#protocol/errors';
import { probeProviders } from '../runtime/choose';
import { examine } from '../server/doctor';
import { makeSupportZip } from '../server/support-zip';
import { action } from './command';
import { checkDestination } from './deliver-result';
import { withCore } from './open-core';

export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('What is installed, what is missing, and what to do about it.')
    .option('--zip <file>', 'also write a report that can be sent: without private names, paths or pictures')
    .option('--force', 'overwrite what is there')
    .option('--json', 'one JSON object a line')
    .action(
      action(async (output, flags: { zip?: string; force?: boolean }) => {
        if (flags.zip !== undefined) await checkDestination(flags.zip, flags.force === true);
        const checks = await withCore(core => examine(core));
        for (const check of checks) {
          output.result(
            { type: 'check', ...check },
            `${check.ok ? 'ok     ' : 'MISSING'} ${check.what}: ${check.found}${check.remedy ? `\n        ${check.remedy}` : ''}`,
          );
        }
        for (const { provider, ok, reason, half } of await probeProviders()) {
          output.result(
            { type: 'provider', provider, ok, reason, half },
            `${ok ? 'ok     ' : 'no     '} provider ${provider}${ok ? (half ? ': works, half precision too' : ': works') : `: ${reason ?? 'no reason was given'}`}`,
          );
        }
        if (flags.zip === undefined) return;
        const bytes = await withCore(core => makeSupportZip(core));
        await writeFile(flags.zip, bytes).catch((error: Error) => {
          throw new AppError('OUTPUT_UNWRITABLE', { path: flags.zip!, problem: error.message }, { cause: error });
        });
        output.result(
          { type: 'zip', path: resolve(flags.zip), sizeBytes: bytes.length },
          `${flags.zip}: a report to send. It is plain text: read it first if you like.`,
        );
      }),
    );
}
