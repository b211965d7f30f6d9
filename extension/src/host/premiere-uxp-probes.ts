import type { HostFiles } from './host-files';
import { expectThat, type Probe } from './host-probes';
import type { PlugIn } from './plug-in';
import { probeExportMs, type PremiereScratch } from './premiere-probes';

/** Asked of UXP only. */
export function uxpQuestions({ ask: call }: PlugIn, files: HostFiles, scratch: PremiereScratch): Probe[] {
  return [
    {
      question: 'calls',
      async ask() {
        const answer = await call('probeCalls', {});
        expectThat(answer.missing.length === 0, answer);
        return answer;
      },
    },
    {
      question: 'in-out',
      async ask() {
        const answer = await call('probePoints', { sequence: scratch.sequence() });
        expectThat(answer.taken && answer.unsetAgain, answer);
        return answer;
      },
    },
    {
      question: 'direct-export',
      async ask() {
        const [sequence, preset, path] = [scratch.sequence(), scratch.preset(), await scratch.exportPath('whole')];
        const answer = await call('probeFull', { sequence, preset, path }, probeExportMs);
        await files.remove(path);
        expectThat(answer.sizeBytes > 0, answer);
        return { ...answer, preset };
      },
    },
    {
      question: 'properties',
      async ask() {
        const answer = await call('probeProperties', { sequence: scratch.sequence() });
        expectThat(answer.kept && answer.cleared, answer);
        return answer;
      },
    },
    {
      question: 'events',
      async ask() {
        const answer = await call('probeEvents', { sequence: scratch.sequence() });
        expectThat(answer.events > 0, answer);
        return answer;
      },
    },
    {
      question: 'unknown-tracks',
      async ask() {
        const answer = await call('probeTracks', { sequence: scratch.sequence(), path: scratch.film });
        expectThat(answer.above.changed === '' && answer.soundNowhere.changed === '', answer);
        return answer;
      },
    },
  ];
}
