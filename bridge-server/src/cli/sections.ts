import type { Command } from 'commander';
import { runSections } from '../worker/run-sections';
import { action } from './command';

/** 83.46 seconds are 1:23.5. */
function formatClock(seconds: number): string {
  const tenths = Math.round(seconds * 10);
  return `${Math.floor(tenths / 600)}:${String(Math.floor(tenths / 10) % 60).padStart(2, '0')}.${tenths % 10}`;
}

export function addSectionsCommand(program: Command): void {
  program
    .command('sections')
    .description('Find the sections and beats of a song, in a clip or a file of sound.')
    .argument('<clip|sound>')
    .option('--json', 'one JSON object, with beats and waveform')
    .action(
      action(async (output, path: string) => {
        const control = new AbortController();
        const stop = () => control.abort();
        process.once('SIGINT', stop);
        try {
          const song = await runSections(path, { signal: control.signal });
          const lines = song.sections.map(
            ({ label, startSeconds, endSeconds }) =>
              `${label.padEnd(3)} ${formatClock(startSeconds)} to ${formatClock(endSeconds)}`,
          );
          output.result({ type: 'sections', ...song }, [...lines, `${song.beats.length} beats`].join('\n'));
        } finally {
          process.off('SIGINT', stop);
        }
      }),
    );
}
