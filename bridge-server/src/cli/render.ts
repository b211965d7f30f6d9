import type { Command } from 'commander';
import { effectNames, type EffectName } from '#protocol/effects';
import { action, addRenderFlags, collect, type RenderFlags } from './command';
import { addEffectFlags } from './effect-flags';
import { findPreset } from './job-spec';
import { withCore } from './open-core';
import { runJob } from './run-job';

/** `--style` takes pictures and `--style-styles` would mean the same; the rest of each table becomes flags. */
const takenByRender = new Set(['style-styles', 'dream-guide', 'zoom-dream', 'retime-rate']);

export function addRenderCommand(program: Command): void {
  const command = program
    .command('render')
    .description('Render a clip with a preset.')
    .argument('<clip>', 'a video file')
    .requiredOption('--out <file>', 'where the result goes (a folder for --codec png)')
    .option('--preset <name|file>', 'a built-in or saved preset, or a preset file', 'default')
    .option('--style <image>', 'paint like this picture (again for more pictures)', collect, [])
    .option('--guide <image>', 'dream of what is in this picture')
    .option('--range <in:out>', 'first and last frame (0:49), or two timecodes with ".." between them')
    .option('--fps <rate>', 'constant rate of the result: 50, 29.97, 30000/1001 or source')
    .option('--size <size>', 'WxH, source, 2x or 4x')
    .option('--codec <name>', 'prores422hq, prores4444, dnxhr, h264 or png');
  addRenderFlags(command);
  const readers = effectNames.map(effect => [effect, addEffectFlags(command, effect, effect, takenByRender)] as const);
  command.action(
    action(
      async (
        output,
        clipPath: string,
        flags: RenderFlags & {
          preset: string;
          style: string[];
          out: string;
          guide?: string;
          range?: string;
          fps?: string;
          size?: string;
          codec?: string;
        },
      ) => {
        await withCore(async core => {
          const preset = await findPreset(core, flags.preset);
          const changes = Object.fromEntries(readers.map(([effect, read]) => [effect, read(flags)])) as Partial<
            Record<EffectName, Record<string, unknown>>
          >;
          const clip = await core.addClip(clipPath);
          await runJob(
            core,
            clip,
            { ...flags, preset, styles: flags.style, changes },
            flags.out,
            flags.force === true,
            output,
          );
        });
      },
    ),
  );
}
