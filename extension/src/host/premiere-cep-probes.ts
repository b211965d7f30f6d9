import type { PremiereScriptCalls } from '#protocol/host-facts';
import type { HostFiles } from './host-files';
import { expectThat, type Probe } from './host-probes';
import { probeExportMs, type PremiereScratch } from './premiere-probes';
import type { CallOf } from './script-call';

/** Asked of ExtendScript only. */
export function cepQuestions(call: CallOf<PremiereScriptCalls>, files: HostFiles, scratch: PremiereScratch): Probe[] {
  return [
    { question: 'places', ask: () => call('probePlaces', {}) },
    {
      question: 'in-out',
      async ask() {
        const answer = await call('probeRange', { sequence: scratch.sequence() });
        expectThat((answer.seconds || answer.time || answer.ticks) && answer.unset, answer);
        return answer;
      },
    },
    {
      question: 'direct-export',
      async ask() {
        const [sequence, preset, path] = [scratch.sequence(), scratch.preset(), await scratch.exportPath('whole')];
        const answer = await call('probeExport', { sequence, preset, path }, probeExportMs);
        await files.remove(path);
        expectThat(answer.sizeBytes > 0, answer);
        return { ...answer, preset };
      },
    },
    {
      question: 'overwrite-forms',
      async ask() {
        const answer = await call('probeOverwrite', { sequence: scratch.sequence(), path: scratch.film });
        expectThat(answer.time, answer);
        return answer;
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
}
