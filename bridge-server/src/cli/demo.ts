import { mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { rate } from '#protocol/time';
import { createEncoder } from '../media/encode';
import { probeClip } from '../media/probe';
import { writeComparisonSheet, writeSideBySide } from '../media/side-by-side';
import { testScene } from '../media/test-scene';
import { hashFile } from '../server/content-store';
import { action, addRenderFlags, type RenderFlags } from './command';
import { findPreset } from './job-spec';
import { withCore } from './open-core';
import { runJob } from './run-job';

/** Small enough for two processor cores in a few minutes, large enough to see strokes. */
const scene = { width: 320, height: 180, frames: 24, rate: rate(24) } as const;

async function drawScene(path: string): Promise<void> {
  const encoder = await createEncoder(path, {
    codec: 'h264',
    rate: scene.rate,
    width: scene.width,
    height: scene.height,
  });
  try {
    for await (const frame of testScene(scene)) await encoder.write(frame);
    await encoder.finish();
  } catch (error) {
    await encoder.abort();
    throw error;
  }
}

/** `npm run demo`: the main job on a clip, or on a short scene that Reverie draws itself. */
export function addDemoCommand(program: Command): void {
  const command = program
    .command('demo')
    .description(
      'Render a clip (or a short scene drawn on the spot) with a built-in style, and show it beside its source.',
    )
    .argument('[clip]')
    .option('--preset <name|file>', 'a built-in or saved preset, or a preset file', 'default')
    .option('--range <in:out>', 'first and last frame')
    .option('--to <folder>', 'where everything is put', 'demo-output');
  addRenderFlags(command).action(
    action(
      async (
        output,
        given: string | undefined,
        flags: RenderFlags & { preset: string; range?: string; to: string },
      ) => {
        await mkdir(flags.to, { recursive: true });
        const source = given ?? join(flags.to, 'scene.mp4');
        if (given === undefined) {
          output.event({ type: 'scene', path: source }, 'Drawing a short moving scene.');
          await rm(source, { force: true });
          await drawScene(source);
        }
        const result = join(flags.to, 'result.mov');
        const reportPath = await withCore(async core => {
          const clip = await core.addClip(source);
          const report = await runJob(
            core,
            clip,
            { ...flags, preset: await findPreset(core, flags.preset) },
            result,
            true,
            output,
          );
          const from = { path: source, info: clip, first: report.range.first };
          const to = {
            path: result,
            info: await probeClip(result, { sha256: await hashFile(result), name: 'result.mov' }),
          };
          await rm(join(flags.to, 'side-by-side.mp4'), { force: true });
          await writeSideBySide(from, to, join(flags.to, 'side-by-side.mp4'));
          await writeComparisonSheet(from, to, join(flags.to, 'side-by-side.png'));
          return join(core.engine.folder(report.job), 'report.json');
        });
        const at = (name: string) => resolve(flags.to, name);
        output.result(
          {
            type: 'demo',
            result: at('result.mov'),
            sideBySide: at('side-by-side.mp4'),
            sheet: at('side-by-side.png'),
            report: reportPath,
          },
          [
            `Result:       ${at('result.mov')}`,
            `Side by side: ${at('side-by-side.mp4')}`,
            `Picture:      ${at('side-by-side.png')}`,
            `Report:       ${reportPath}`,
          ].join('\n'),
        );
      },
    ),
  );
}
