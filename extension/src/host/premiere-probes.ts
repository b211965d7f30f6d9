import type { PremiereCalls, PremiereScratchCalls } from '#protocol/host-facts';
import { AppError } from '#protocol/errors';
import type { HostReport, TaskContext } from './host';
import type { HostFiles } from './host-files';
import { askAll, expectThat, saveReport, writeCheckFilm, type Probe } from './host-probes';
import { rateOfTimebase, toTicks } from './premiere-plan';
import type { CallOf } from './script-call';

/** The sequence that the checks made, and what lies beside it. Each throws where there is none. */
export type PremiereScratch = {
  sequence(): string;
  /** An imported film of 50 frames. */
  readonly film: string;
  /** The export preset that is at hand. */
  preset(): string;
  /** A file that an export may write; whoever asks removes it. */
  exportPath(name: string): Promise<string>;
};

export type PremiereProbeParts = {
  readonly call: CallOf<PremiereCalls & PremiereScratchCalls>;
  readonly files: HostFiles;
  /** Films, exports and the report are kept there. */
  readonly folder: string;
  readonly system: string;
  readonly findPreset: () => Promise<string | undefined>;
  /** What is asked of one way into Premiere only: ExtendScript, or UXP. */
  readonly ownQuestions: (scratch: PremiereScratch) => readonly Probe[];
  readonly now?: () => Date;
};

export const probeExportMs = 10 * 60_000;

/** What only a real Premiere can answer, asked on a sequence that is made for it and taken away again. */
export async function probePremiere(
  { call, files, folder, system, findPreset, ownQuestions, now = () => new Date() }: PremiereProbeParts,
  context: TaskContext,
): Promise<HostReport> {
  const at = now();
  const bin = `Reverie host check ${at.getTime().toString(36)}`;
  const hello = await call('handshake', {});
  const films = await Promise.all(['base', 'above', 'newer'].map(name => writeCheckFilm(files, folder, `${name}.avi`)));
  const [base, above, newer] = films;
  const preset = await findPreset();
  let opened: { sequence: string; before: string } | undefined;
  let timebase = '';
  const label = 'host%20check';
  const scratch: PremiereScratch = {
    sequence() {
      if (!opened) throw new AppError('NO_SEQUENCE');
      return opened.sequence;
    },
    film: base,
    preset() {
      if (!preset) throw new AppError('EXPORT_PRESET_MISSING', { tried: '' });
      return preset;
    },
    async exportPath(name) {
      const wanted = { sequence: scratch.sequence(), preset: scratch.preset() };
      const { extension } = await call('exportExtension', wanted);
      return files.join(folder, `${name}-${at.getTime().toString(36)}.${extension || 'mp4'}`);
    },
  };
  const ticks = (frame: number) => toTicks(frame, rateOfTimebase(timebase));
  const factsOf = () => call('readTimeline', { sequence: scratch.sequence() });

  const questions: Probe[] = [
    {
      question: 'import',
      async ask() {
        const answer = await call('importFile', { path: base, bin, label, scale: false });
        expectThat(answer.copies === 1, answer);
        return answer;
      },
    },
    {
      question: 'scratch',
      async ask() {
        opened = await call('openScratch', { path: base, name: bin });
        const facts = await factsOf();
        ({ timebase } = facts.sequence);
        expectThat(facts.clips.length === 1, facts);
        return facts.sequence;
      },
    },
    {
      question: 'export-range',
      async ask() {
        const path = await scratch.exportPath('range');
        const range = { start: ticks(5), end: ticks(15), mute: [0] };
        const wanted = { sequence: scratch.sequence(), preset: scratch.preset(), path, ...range };
        const answer = await call('exportRange', wanted, probeExportMs);
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
        const answer = await call('addTrack', { sequence: scratch.sequence(), path: above });
        expectThat(answer.videoTracks === before + 1, { before, ...answer });
        return answer;
      },
    },
    {
      question: 'place',
      async ask() {
        const track = (await factsOf()).sequence.videoTracks - 1;
        const [start, end, free] = [ticks(3), ticks(13), ticks(60)];
        const where = { sequence: scratch.sequence(), track, start, end, free };
        const answer = await call('place', { ...where, path: above, label, scale: true });
        expectThat(answer.start === start && answer.end === end, { wanted: { start, end }, ...answer });
        return answer;
      },
    },
    {
      question: 'label',
      async ask() {
        const { placed } = await call('findPlaced', { sequence: scratch.sequence(), folder });
        const found = placed.find(each => each.path.includes('above'));
        expectThat(found?.label === label, found ?? 'the clip is not found');
        return found;
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
      ask: () => call('remove', { sequence: scratch.sequence(), path: newer }),
    },
    {
      question: 'markers',
      async ask() {
        const marker = { name: 'host check', comment: 'é', start: ticks(2), end: ticks(9), colour: 3 };
        await call('writeMarkers', { sequence: scratch.sequence(), markers: [marker] });
        const [read] = (await factsOf()).markers;
        expectThat(read?.guid !== '' && read?.end === marker.end && read.comment === 'é', read ?? 'no marker');
        return read;
      },
    },
    ...ownQuestions(scratch),
  ];
  const closing: Probe = {
    question: 'close',
    async ask() {
      if (!opened) return 'nothing was opened';
      const answer = await call('closeScratch', { ...opened, bin });
      await Promise.all(films.map(film => files.remove(film)));
      expectThat(answer.removed && answer.restored, answer);
      return answer;
    },
  };
  const probes = await askAll(questions, closing, context);
  return saveReport(files, folder, { host: 'premiere', version: hello.version, system, probes }, at);
}
