import type { Command } from 'commander';
import { action, addRenderFlags } from './command';
import { findPreset } from './job-spec';
import { withCore } from './open-core';
import { addPresetFlags, type PresetFlags } from './preset-flags';
import { runJob } from './run-job';

export function addRenderCommand(program: Command): void {
  const command = program
    .command('render')
    .description('Render a clip with a preset.')
    .argument('<clip>', 'a video file')
    .requiredOption('--out <file>', 'where the result goes (a folder for --codec png)')
    .option('--range <in:out>', 'first and last frame (0:49), or two timecodes with ".." between them')
    .option('--fps <rate>', 'constant rate of the result: 50, 29.97, 30000/1001 or source')
    .option('--codec <name>', 'prores422hq, prores4444, dnxhr, h264 or png');
  addRenderFlags(command);
  const readPreset = addPresetFlags(command);
  command.action(
    action(
      async (
        output,
        clipPath: string,
        flags: PresetFlags & { out: string; range?: string; fps?: string; codec?: string },
      ) => {
        await withCore(async core => {
          const preset = await findPreset(core, flags.preset);
          const clip = await core.addClip(clipPath);
          await runJob(core, clip, { ...flags, ...readPreset(flags), preset }, flags.out, flags.force === true, output);
        });
      },
    ),
  );
}
