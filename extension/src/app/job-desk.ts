import { AppError, toAppError } from '#protocol/errors';
import type { Job, JobId, JobSpec } from '#protocol/job';
import type { Preset } from '#protocol/preset';
import type { Bridge } from '../bridge/client';
import type { Host, WantedRange } from '../host/host';
import type { ClipReader } from './clip-reader';
import { listJobs } from './jobs';
import { fromLabels, newestOfEachPlace, toLabels } from './placement';
import type { Store } from './store';
import { toSequenceRange } from './timeline-map';

export type JobVerb = 'cancel' | 'pause' | 'resume' | 'delete';

type Parts = {
  readonly store: Store;
  readonly bridge: Bridge;
  readonly host: Host;
  readonly reader: ClipReader;
  readonly fail: (thrown: unknown) => void;
};

/** What is to be made of a clip or marker of the timeline. */
export type TimelinePart = { readonly wanted: WantedRange; readonly preset: Preset };

/** From a preset and a range to a job, and from a finished job to a file or a clip on the track. */
export function createJobDesk({ store, bridge, host, reader, fail }: Parts) {
  const { connection } = bridge;

  /** What is to be made of frames `first` to `last` of the clip; undefined while there is no clip. */
  function specOf(preset: Preset, first: number, last: number, section?: string): JobSpec | undefined {
    const { source, settings } = store.get();
    if (source.phase !== 'ready') return undefined;
    const { clip } = source;
    const whole = first === 0 && last === clip.frames - 1;
    return {
      clip: clip.sha256,
      clipName: source.name.slice(0, 255),
      range: whole ? undefined : { first, last, rate: clip.rate },
      preset,
      seed: settings.seed,
      provider: 'auto',
      priority: 5,
      labels: labelsFor(first, last, section),
    };
  }

  function labelsFor(first: number, last: number, section?: string): Record<string, string> {
    const { source } = store.get();
    if (source.phase !== 'ready') return {};
    if (host.capabilities.result !== 'place') return section ? { section } : {};
    return toLabels({ ...source.timeline, range: toSequenceRange(source, first, last) }, section);
  }

  async function submit(spec: JobSpec): Promise<Job> {
    const { job } = await connection.request('submit', { spec });
    // The bridge tells every panel of the job before it answers: what came since then is newer than the answer.
    if (!store.get().jobs[job.id]) store.dispatch({ type: 'job', job });
    return job;
  }

  function stylize() {
    const { source, draft, range, submitting } = store.get();
    if (submitting || !draft) return;
    if (source.phase !== 'ready') {
      if (source.phase !== 'busy') stylizeSelection();
      return;
    }
    const spec = specOf(draft, range.first, range.last);
    if (!spec) return;
    store.dispatch({ type: 'submitting', submitting: true });
    submit(spec)
      .then(() => store.dispatch({ type: 'page', page: 'jobs' }))
      .catch(fail)
      .finally(() => store.dispatch({ type: 'submitting', submitting: false }));
  }

  function stylizeSelection() {
    if (host.capabilities.range !== 'timeline') {
      if (store.get().source.phase === 'ready') stylize();
      return;
    }
    void reader.readTimeline().then(isReady => isReady && stylize());
  }

  /** Parts of the timeline one after the other, each as it is now; one that fails is said and left out. */
  async function stylizeParts(parts: readonly TimelinePart[]) {
    if (store.get().submitting) return;
    store.dispatch({ type: 'submitting', submitting: true });
    try {
      for (const { wanted, preset } of parts) {
        if (await reader.readTimeline(wanted)) {
          const { source } = store.get();
          if (source.phase !== 'ready') return;
          const { first, last } = source.exported.range ?? { first: 0, last: source.clip.frames - 1 };
          // A part of a clip does not stand for a result of the whole clip: each is told by its marker.
          const spec = specOf(preset, first, last, 'marker' in wanted ? `stylize: ${preset.name}` : undefined);
          if (spec) await submit(spec).then(() => store.dispatch({ type: 'page', page: 'jobs' }), fail);
        } else {
          const { source } = store.get();
          if (source.phase !== 'failed') return;
          if (parts.length > 1) fail(AppError.from(source.error));
        }
      }
    } finally {
      store.dispatch({ type: 'submitting', submitting: false });
    }
  }

  async function takeResult(id: JobId) {
    const entry = store.get().jobs[id];
    const result = entry?.job.result;
    if (!entry || !result || entry.fetching !== undefined) return;
    const controller = new AbortController();
    const context = { signal: controller.signal, report: () => undefined };
    try {
      const place = fromLabels(entry.job.spec.labels);
      // What lies on the timeline already is not fetched a second time.
      const there = place && (await host.findResult?.(id, place));
      if (there) {
        store.dispatch({ type: 'job-placed', job: id, placed: there });
        return;
      }
      let path = '';
      if (host.capabilities.disk && host.openSink) {
        store.dispatch({ type: 'job-fetching', job: id, done: 0 });
        const sink = await host.openSink(result.fileName);
        try {
          await bridge.download(id, sink, {
            onProgress: (done, total) =>
              store.dispatch({ type: 'job-fetching', job: id, done: total > 0 ? done / total : 0 }),
          });
          path = await sink.finish();
        } catch (thrown) {
          await sink.discard();
          throw thrown;
        }
      }
      const { job } = entry;
      const output = job.spec.preset.output;
      const rendered = {
        job: id,
        path,
        name: result.fileName,
        frames: result.frames,
        rate: output.rate === 'source' ? job.clip.rate : output.rate,
        width: result.width,
        height: result.height,
        labels: job.spec.labels,
      };
      const whole = { first: 0, last: job.clip.frames - 1, rate: job.clip.rate };
      const at = place ?? {
        sequence: job.clip.sha256,
        range: job.spec.range ?? whole,
        sourceTrack: 0,
      };
      const placed = await host.importClip(rendered, at, context);
      store.dispatch({ type: 'job-placed', job: id, placed });
    } catch (thrown) {
      store.dispatch({ type: 'job-problem', job: id, problem: toAppError(thrown).toJSON() });
    }
  }

  async function removeResult(id: JobId) {
    const at = fromLabels(store.get().jobs[id]?.job.spec.labels ?? {});
    if (!at || !host.removeResult) return;
    try {
      await host.removeResult(id, at);
      store.dispatch({ type: 'job-placed', job: id, placed: undefined });
    } catch (thrown) {
      store.dispatch({ type: 'job-problem', job: id, problem: toAppError(thrown).toJSON() });
    }
  }

  /** @param sequence only what belongs to it */
  function takeAllResults(sequence?: string) {
    const jobs = listJobs(store.get().jobs).map(entry => entry.job);
    const finished = newestOfEachPlace(jobs).filter(({ spec }) => !sequence || spec.labels.sequence === sequence);
    // One after the other: a host's timeline is not changed from two sides at once.
    void finished.reduce((before, job) => before.then(() => takeResult(job.id)), Promise.resolve());
  }

  function askJob(verb: JobVerb, id: JobId) {
    connection
      .request(verb, { job: id })
      .then(() =>
        store.dispatch(
          verb === 'delete' ? { type: 'job-gone', job: id } : { type: 'job-problem', job: id, problem: undefined },
        ),
      )
      .catch(thrown => {
        const problem = toAppError(thrown).toJSON();
        if (problem.code === 'JOB_NOT_FOUND' && verb === 'delete') store.dispatch({ type: 'job-gone', job: id });
        else store.dispatch({ type: 'job-problem', job: id, problem });
      });
  }

  return {
    specOf,
    submit,
    stylize,
    stylizeSelection,
    stylizeParts,
    takeResult,
    removeResult,
    takeAllResults,
    ask: askJob,
  };
}
export type JobDesk = ReturnType<typeof createJobDesk>;
