import type { HostHandshake, PremiereFacts, PremiereScriptCalls } from '#protocol/host-facts';
import { AppError } from '#protocol/errors';
import type { HostReport, TaskContext } from './host';
import type { HostFiles } from './host-files';
import { askAll, expectThat, saveReport, writeCheckFilm, type Probe } from './host-probes';
import { rateOfTimebase, toTicks } from './premiere-plan';

type Calls = PremiereScriptCalls & {
  handshake: { params: Record<string, never>; value: HostHandshake };
  readTimeline: { params: { sequence?: string }; value: PremiereFacts };
};
type Call = <Name extends keyof Calls>(
  method: Name,
  params: Calls[Name]['params'],
  timeoutMs?: number,
) => Promise<Calls[Name]['value']>;

export type PremiereProbeParts = {
  readonly call: Call;
  readonly files: HostFiles;
  /** Films, exports and the report are kept there. */
  readonly folder: string;
  readonly system: string;
  readonly findPreset: () => Promise<string | undefined>;
  readonly now?: () => Date;
};

const exportTimeoutMs = 10 * 60_000;

/** What only a real Premiere can answer, asked on a sequence that is made for it and taken away again. */
export async function probePremiere(
  { call, files, folder, system, findPreset, now = () => new Date() }: PremiereProbeParts,
  context: TaskContext,
): Promise<HostReport> {
  const at = now();
  const bin = `Reverie host check ${at.getTime().toString(36)}`;
  const hello = await call('handshake', {});
  const films = await Promise.all(['base', 'above', 'newer'].map(name => writeCheckFilm(files, folder, `${name}.avi`)));
  const [base, above, newer] = films;
  const preset = await findPreset();
  let scratch: { sequence: string; before: string } | undefined;
  let timebase = '';
  const label = 'host%20check';
  const opened = () => {
    if (!scratch) throw new AppError('NO_SEQUENCE');
    return scratch.sequence;
  };
  const ticks = (frame: number) => toTicks(frame, rateOfTimebase(timebase));
  const factsOf = () => call('readTimeline', { sequence: opened() });

  const questions: Probe[] = [
    { question: 'places', ask: () => call('probePlaces', {}) },
    {
      question: 'import',
      async ask() {
        const answer = await call('importFile', { path: base, bin, label, scale: false });
        expectThat(answer.labelled && answer.copies === 1, answer);
        return answer;
      },
    },
    {
      question: 'scratch',
      async ask() {
        scratch = await call('openScratch', { path: base, name: bin });
        const facts = await factsOf();
        ({ timebase } = facts.sequence);
        expectThat(facts.clips.length === 1, facts);
        return facts.sequence;
      },
    },
    {
      question: 'in-out',
      async ask() {
        const answer = await call('probeRange', { sequence: opened() });
        expectThat((answer.seconds || answer.time || answer.ticks) && answer.unset, answer);
        return answer;
      },
    },
    {
      question: 'direct-export',
      async ask() {
        if (!preset) throw new AppError('EXPORT_PRESET_MISSING', { tried: '' });
        const sequence = opened();
        const { extension } = await call('exportExtension', { sequence, preset });
        const path = files.join(folder, `whole-${at.getTime().toString(36)}.${extension || 'mp4'}`);
        const answer = await call('probeExport', { sequence, preset, path }, exportTimeoutMs);
        await files.remove(path);
        expectThat(answer.sizeBytes > 0, answer);
        return { ...answer, preset };
      },
    },
    {
      question: 'export-range',
      async ask() {
        if (!preset) throw new AppError('EXPORT_PRESET_MISSING', { tried: '' });
        const path = files.join(folder, `range-${at.getTime().toString(36)}.mp4`);
        const range = { start: ticks(5), end: ticks(15), mute: [0] };
        const answer = await call('exportRange', { sequence: opened(), preset, path, ...range }, exportTimeoutMs);
        await files.remove(path);
        expectThat(answer.restored, answer);
        return answer;
      },
    },
    {
      question: 'add-track',
      async ask() {
        const before = (await factsOf()).sequence.videoTracks;
        await call('importFile', { path: above, bin, label, scale: true });
        const answer = await call('addTrack', { sequence: opened(), path: above });
        expectThat(answer.videoTracks === before + 1, { before, ...answer });
        return answer;
      },
    },
    {
      question: 'place',
      async ask() {
        const track = (await factsOf()).sequence.videoTracks - 1;
        const [start, end, free] = [ticks(3), ticks(13), ticks(60)];
        const times = { start, end, free };
        const answer = await call('place', { sequence: opened(), path: above, track, label, scale: true, ...times });
        expectThat(answer.start === start && answer.end === end, { wanted: { start, end }, ...answer });
        return answer;
      },
    },
    {
      question: 'replace',
      async ask() {
        await call('replace', { from: above, to: newer, label });
        const clip = (await factsOf()).clips.find(each => each.mediaPath.includes('newer'));
        expectThat(clip?.start === ticks(3) && clip.end === ticks(13), clip ?? 'the clip is gone');
        return clip;
      },
    },
    {
      question: 'remove',
      ask: () => call('remove', { sequence: opened(), path: newer }),
    },
    {
      question: 'overwrite-forms',
      async ask() {
        const answer = await call('probeOverwrite', { sequence: opened(), path: base });
        expectThat(answer.time, answer);
        return answer;
      },
    },
    {
      question: 'markers',
      async ask() {
        const marker = { name: 'host check', comment: 'é', start: ticks(2), end: ticks(9), colour: 3 };
        await call('writeMarkers', { sequence: opened(), markers: [marker] });
        const [read] = (await factsOf()).markers;
        expectThat(read?.guid !== '' && read?.end === marker.end && read.comment === 'é', read ?? 'no marker');
        return read;
      },
    },
    {
      question: 'events',
      async ask() {
        const answer = await call('followEvents', {});
        expectThat(answer.events > 0, answer);
        return answer;
      },
    },
  ];
  const closing: Probe = {
    question: 'close',
    async ask() {
      if (!scratch) return 'nothing was opened';
      const answer = await call('closeScratch', { ...scratch, bin });
      await Promise.all(films.map(film => files.remove(film)));
      expectThat(answer.removed && answer.restored, answer);
      return answer;
    },
  };
  const probes = await askAll(questions, closing, context);
  return saveReport(files, folder, { host: 'premiere', version: hello.version, system, probes }, at);
}
