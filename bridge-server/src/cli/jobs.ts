import type { Command } from 'commander';
import { errors, fillText, type ErrorCode, type ErrorDetails } from '#protocol/errors';
import type { Job } from '#protocol/job';
import { action } from './command';
import { withCore } from './open-core';
import { resumeJob } from './run-job';

function describe(job: Job): string {
  const share = `${Math.round((100 * job.progress.done) / job.progress.total)} %`;
  const what = `${job.spec.clipName}, ${job.spec.preset.name}`;
  const error = job.error
    ? `: ${fillText(errors[job.error.code as ErrorCode]?.cause ?? job.error.code, job.error.details as ErrorDetails)}`
    : '';
  return `${job.id}  ${job.status.padEnd(9)} ${share.padStart(5)}  ${what}${error}`;
}

export function addJobsCommand(program: Command): void {
  const jobs = program.command('jobs').description('Jobs of this machine: list, show, resume, cancel, delete.');
  jobs
    .command('list')
    .option('--json', 'one JSON object a line')
    .action(
      action(async output => {
        await withCore(async core => {
          const all = await core.engine.list();
          if (all.length === 0) output.event({ type: 'jobs', count: 0 }, 'There are no jobs.');
          for (const job of all) output.result({ type: 'job', job }, describe(job));
        });
      }),
    );
  jobs
    .command('show')
    .argument('<id>')
    .option('--json', 'one JSON object')
    .action(
      action(async (output, id: string) => {
        await withCore(async core => {
          const folder = core.engine.folder(id);
          const [job] = await core.engine.list({ id });
          output.result({ type: 'job', job, folder }, `${describe(job)}\n${folder}`);
        });
      }),
    );
  jobs
    .command('resume')
    .argument('<id>')
    .option('--out <file>', 'put the result here instead of where it was first asked for')
    .option('--json', 'one JSON object a line instead of sentences')
    .action(
      action(
        async (output, id: string, flags: { out?: string }) =>
          void (await withCore(core => resumeJob(core, id, flags.out, output))),
      ),
    );
  jobs
    .command('cancel')
    .argument('<id>')
    .option('--json', 'one JSON object')
    .action(
      action(async (output, id: string) => {
        await withCore(core => core.engine.cancel(id));
        output.result(
          { type: 'cancelled', job: id },
          `${id} is cancelled. What was finished stays: reverie jobs resume ${id}`,
        );
      }),
    );
  jobs
    .command('delete')
    .argument('<id>')
    .option('--json', 'one JSON object')
    .action(
      action(async (output, id: string) => {
        await withCore(core => core.engine.remove(id));
        output.result({ type: 'deleted', job: id }, `${id} is deleted.`);
      }),
    );
}
