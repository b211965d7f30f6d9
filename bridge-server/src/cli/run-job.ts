import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { ClipInfo } from '#protocol/clip';
import type { Job, JobId } from '#protocol/job';
import type { Report } from '#protocol/report';
import { formatRate, seconds } from '#protocol/time';
import { checkOutput } from '../media/encode';
import type { BridgeCore } from '../server/core';
import { checkDestination, deliverResult } from './deliver-result';
import { followJob } from './follow-job';
import { makeSpec, type RenderWishes } from './job-spec';
import { formatBytes, formatSeconds, type Output } from './output';

/** Shorter jobs are done before a measurement would be. */
const worthMeasuring = 60;

/** Remembers in the job's folder where its result was asked for, so that `jobs resume` can put it there. */
const destinationName = 'destination.txt';

async function finish(core: BridgeCore, job: Job, out: string | undefined, output: Output): Promise<Report> {
  const report = await core.engine.report(job.id);
  if (out) await deliverResult(core, job, out);
  const { result } = job;
  output.result(
    { type: 'report', out: out ? resolve(out) : undefined, report },
    [
      `${out ?? job.id}: ${result?.frames} frames, ${result?.width}x${result?.height}, ${report.output.rate} fps, ${formatBytes(result?.sizeBytes ?? 0)}, in ${formatSeconds(report.seconds)} on ${report.provider}.`,
      ...(report.notices.length > 0
        ? [`${report.notices.length} notices; see the report: ${join(core.engine.folder(job.id), 'report.json')}`]
        : []),
    ].join('\n'),
  );
  return report;
}

/** Renders a clip and puts the result at `out`. @throws AppError for everything that can go wrong */
export async function runJob(
  core: BridgeCore,
  clip: ClipInfo,
  wishes: RenderWishes,
  out: string,
  force: boolean,
  output: Output,
): Promise<Report> {
  await checkDestination(out, force);
  let spec = await makeSpec(core, clip, wishes);
  let plan = await core.estimate(spec);
  if (plan.estimate.basis === 'table' && plan.estimate.seconds > worthMeasuring) {
    output.event({ type: 'calibrating' }, 'Measuring how fast this machine is; this is done once.');
    await core.calibrate(spec);
    plan = await core.estimate(spec);
  }
  const { smaller } = plan;
  if (smaller) {
    const { seconds: time, memoryBytes } = smaller.estimate;
    output.event(
      { type: 'offer', lines: smaller.lines, estimate: smaller.estimate },
      `This fits badly here. With ${smaller.lines} painted lines it takes about ${formatSeconds(time)} and ${formatBytes(memoryBytes)} of memory${wishes.fit ? '; that is done.' : ': add --fit.'}`,
    );
    if (wishes.fit) {
      spec = { ...spec, preset: smaller.preset };
      plan = await core.estimate(spec);
    }
  }
  checkOutput(out, { ...plan, codec: spec.preset.output.codec });
  output.event(
    { type: 'estimate', ...plan },
    `${clip.width}x${clip.height}, ${formatRate(clip.rate)} fps -> ${plan.width}x${plan.height}, ${plan.frames} frames (${seconds(plan.frames, spec.preset.output.rate === 'source' ? clip.rate : spec.preset.output.rate).toFixed(2)} s). ` +
      `About ${formatSeconds(plan.estimate.seconds)}, ${formatBytes(plan.estimate.memoryBytes)} of memory, ${formatBytes(plan.estimate.diskBytes)} of disk${plan.estimate.basis === 'table' ? ' (a guess: this machine was not measured yet)' : ''}.`,
  );
  const job = await core.submit(spec);
  await writeFile(join(core.engine.folder(job.id), destinationName), resolve(out));
  output.event({ type: 'submitted', job: job.id }, `Job ${job.id}`);
  return finish(core, await followJob(core, job.id, output), out, output);
}

/** Goes on with a stopped or failed job and puts its result where it was first asked for. */
export async function resumeJob(
  core: BridgeCore,
  id: JobId,
  wanted: string | undefined,
  output: Output,
): Promise<Report> {
  const [job] = await core.engine.list({ id });
  const out = wanted ?? (await readFile(join(core.engine.folder(id), destinationName), 'utf8').catch(() => undefined));
  if (job?.status !== 'done') await core.engine.resume(id);
  return finish(core, await followJob(core, id, output), out, output);
}
