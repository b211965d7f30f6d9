import type { Job } from '#protocol/job';
import type { Figures, Notice, Report } from '#protocol/report';
import { formatRate } from '#protocol/time';
import { rangeOf } from './plan';
import type { Task, TaskFacts } from './task';

const means = ['warpingError', 'warpingErrorSource', 'stabilityError', 'styleLossRatio', 'sharpnessRatio'] as const;

/** Figures of several tasks: means weighted by sampled frames, sums of counts; what nobody measured stays absent. */
function mergeFigures(all: readonly Figures[]): Figures {
  const merged: { -readonly [K in keyof Figures]: Figures[K] } = {};
  for (const name of means) {
    const parts = all.filter(figures => figures[name] !== undefined);
    const weight = parts.reduce((sum, figures) => sum + (figures.sampledFrames ?? 1), 0);
    if (weight > 0)
      merged[name] = parts.reduce((sum, figures) => sum + figures[name]! * (figures.sampledFrames ?? 1), 0) / weight;
  }
  for (const name of ['defectTiles', 'sampledFrames'] as const) {
    const parts = all.filter(figures => figures[name] !== undefined);
    if (parts.length > 0) merged[name] = parts.reduce((sum, figures) => sum + figures[name]!, 0);
  }
  return merged;
}

/** The report of a finished job, put together from what each task said. */
export function buildReport(
  job: Job,
  tasks: readonly Task[],
  done: readonly { readonly task: Task; readonly facts: TaskFacts; readonly reused: boolean }[],
  notices: readonly Notice[],
  about: { readonly version: string; readonly finishedAt: string },
): Report {
  const join = tasks.find(task => task.kind === 'join');
  const result = done.find(entry => entry.facts.result)?.facts.result as NonNullable<TaskFacts['result']>;
  const nets = new Map(
    done.flatMap(({ facts }) => (facts.nets ?? []).map(net => [`${net.name} ${net.sha256}`, net] as const)),
  );
  const refused = new Map(done.flatMap(({ facts }) => (facts.refused ?? []).map(row => [row.provider, row] as const)));
  const range = rangeOf(job.spec, job.clip);
  const startedAt = job.startedAt ?? job.createdAt;
  const painting =
    done.find(({ task }) => task.kind === 'paint') ?? done.find(({ task }) => task.kind === 'deliver') ?? done[0];
  return {
    version: 1,
    job: job.id,
    reverie: about.version,
    preset: job.spec.preset.name,
    clip: {
      sha256: job.clip.sha256,
      name: job.spec.clipName,
      frames: job.clip.frames,
      rate: formatRate(job.clip.rate),
      width: job.clip.width,
      height: job.clip.height,
    },
    range,
    seed: job.spec.seed,
    output: {
      file: result.fileName,
      frames: result.frames,
      rate: join?.kind === 'join' ? formatRate(join.rate) : '',
      width: result.width,
      height: result.height,
      codec: job.spec.preset.output.codec,
      sizeBytes: result.sizeBytes,
      verified: result.verified,
    },
    provider: painting?.facts.provider ?? job.spec.provider,
    providersRefused: [...refused.values()],
    nets: [...nets.values()].map(({ name, sha256, licence }) => ({ name, sha256, licence })),
    stages: done.flatMap(({ task, facts, reused }) =>
      facts.stages.map(row => ({
        stage: row.stage,
        task: task.id,
        frames: row.frames,
        seconds: row.seconds,
        provider: facts.provider,
        host: facts.host,
        reused,
      })),
    ),
    notices: [...notices],
    figures: mergeFigures(done.flatMap(({ facts }) => (facts.figures ? [facts.figures] : []))),
    startedAt,
    finishedAt: about.finishedAt,
    seconds: Math.max(0, (Date.parse(about.finishedAt) - Date.parse(startedAt)) / 1000),
  };
}
