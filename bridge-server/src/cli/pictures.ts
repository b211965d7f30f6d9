import type { Command } from 'commander';
import { AppError } from '#protocol/errors';
import { effectNames, type Effect, type EffectName } from '#protocol/effects';
import { presetSchema, type CodecName, type Preset } from '#protocol/preset';
import { parsePosition } from '#protocol/time';
import { action, addRenderFlags, collect, type RenderFlags } from './command';
import { addEffectFlags } from './effect-flags';
import { findPreset } from './job-spec';
import { withCore } from './open-core';
import { addPresetFlags, type PresetFlags } from './preset-flags';
import { runJob } from './run-job';

/** "clip.mov@00:00:05:12" is a frame of a clip; a name with no such end is a picture or a whole clip. */
function splitPosition(text: string): { path: string; position?: string } {
  const match = /^(.+)@([0-9:;.s]+)$/.exec(text);
  return match ? { path: match[1], position: match[2] } : { path: text };
}

/** A preset of one effect, for the commands that do one thing. */
function presetOf(
  effect: EffectName,
  params: Record<string, unknown>,
  codec: CodecName,
  rate: Preset['output']['rate'],
): Preset {
  const parsed = presetSchema.safeParse({
    version: 1,
    name: effect,
    title: effect,
    effects: [{ effect, params }],
    output: { codec, rate },
  });
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const name = String(issue.path[3] ?? effect);
  throw new AppError('PARAMETER_WRONG', { name, value: JSON.stringify(params[name] ?? null), problem: issue.message });
}

/** What a file name asks for: .png is pictures, .mp4 is H.264, everything else ProRes. */
function codecFor(path: string): CodecName {
  if (/\.(png)$/i.test(path) || !/\.[a-z0-9]{2,4}$/i.test(path)) return 'png';
  return /\.(mp4|m4v)$/i.test(path) ? 'h264' : 'prores422hq';
}

type PictureFlags = RenderFlags & { out: string };

export function addPictureCommands(program: Command): void {
  addStill(program);
  addDream(program);
  addZoom(program);
  addUpscale(program);
}

/** Effects that show in one frame, and have flags there. */
const shownInOne = effectNames.filter(effect => effect !== 'zoom' && effect !== 'retime');

/** No time is made; a zoom is as long as the range. */
function forOneFrame(effects: readonly Effect[]): Effect[] {
  return effects
    .filter(({ effect }) => effect !== 'retime')
    .map(each => (each.effect === 'zoom' ? { ...each, params: { ...each.params, frames: 0 } } : each));
}

function addStill(program: Command): void {
  const command = program
    .command('still')
    .description("Render one frame with a preset, as the panel's preview does.")
    .argument('<image|clip@timecode>')
    .requiredOption('--out <file.png>');
  const readPreset = addPresetFlags(addRenderFlags(command), shownInOne);
  command.action(
    action(async (output, target: string, flags: PresetFlags & PictureFlags) => {
      await withCore(async core => {
        const { path, position } = splitPosition(target);
        const preset = await findPreset(core, flags.preset);
        const clip = await core.addClip(path);
        const frame = position === undefined ? 0 : parsePosition(position, clip.rate);
        const wishes = {
          ...flags,
          ...readPreset(flags),
          preset: { ...preset, effects: forOneFrame(preset.effects) },
          codec: 'png',
          fps: 'source',
          range: `${frame}:${frame}`,
        };
        await runJob(core, clip, wishes, flags.out, flags.force === true, output);
      });
    }),
  );
}

function addDream(program: Command): void {
  const command = program
    .command('dream')
    .description('Dream into a picture.')
    .argument('<image>')
    .requiredOption('--out <file.png>')
    .option('--layer <name>', 'the layer that is raised (again for several)', collect, [])
    .option('--guide <image>', 'dream of what is in this picture')
    .option('--mask <image>', 'dream where this picture is white, not at all where it is black');
  const read = addEffectFlags(command, 'dream', '', new Set(['guide', 'mask', 'layer']));
  addRenderFlags(command).action(
    action(async (output, path: string, flags: PictureFlags & { layer: string[]; guide?: string; mask?: string }) => {
      await withCore(async core => {
        const objectives =
          flags.layer.length > 0 ? { objectives: flags.layer.map(layer => ({ layer, weight: 1 })) } : {};
        const preset = presetOf('dream', { ...read(flags), ...objectives }, 'png', 'source');
        const { provider, seed, guide, mask } = flags;
        await runJob(
          core,
          await core.addClip(path),
          { preset, provider, seed, guide, changes: { dream: mask === undefined ? {} : { mask } } },
          flags.out,
          flags.force === true,
          output,
        );
      });
    }),
  );
}

function addZoom(program: Command): void {
  const command = program
    .command('zoom')
    .description('The infinite zoom into a picture.')
    .argument('<image|clip@timecode>')
    .requiredOption('--out <file>', '.mov, .mp4 or a folder for pictures')
    .option('--layer <name>', 'the layer that is dreamt (again for several)', collect, [])
    .option('--fps <rate>', 'frames a second of the result', '50');
  const read = addEffectFlags(command, 'zoom', '', new Set(['dream']));
  const ofVideo = ['dream-strength-curve', 'dream-carry'];
  const readDream = addEffectFlags(
    command,
    'dream',
    'dream',
    new Set(['dream-guide', 'dream-mask', 'dream-objectives', ...ofVideo]),
  );
  addRenderFlags(command).action(
    action(async (output, target: string, flags: PictureFlags & { layer: string[]; fps: string }) => {
      await withCore(async core => {
        const { path, position } = splitPosition(target);
        const clip = await core.addClip(path);
        const frame = position === undefined ? 0 : parsePosition(position, clip.rate);
        const objectives =
          flags.layer.length > 0 ? { objectives: flags.layer.map(layer => ({ layer, weight: 1 })) } : {};
        const dream = { ...readDream(flags), ...objectives };
        const preset = presetOf('zoom', { frames: 50, ...read(flags), dream }, codecFor(flags.out), 'source');
        const { provider, seed, fps } = flags;
        await runJob(
          core,
          clip,
          { preset, provider, seed, fps, range: `${frame}:${frame}` },
          flags.out,
          flags.force === true,
          output,
        );
      });
    }),
  );
}

function addUpscale(program: Command): void {
  const command = program
    .command('upscale')
    .description('Enlarge a picture or a clip.')
    .argument('<image|clip>')
    .requiredOption('--out <file>')
    .option('--codec <name>', 'for clips: prores422hq, prores4444, dnxhr, h264 or png');
  const read = addEffectFlags(command, 'upscale', '');
  addRenderFlags(command).action(
    action(async (output, path: string, flags: PictureFlags & { codec?: string }) => {
      await withCore(async core => {
        const clip = await core.addClip(path);
        const preset = presetOf('upscale', read(flags), clip.isStill ? 'png' : codecFor(flags.out), 'source');
        const { provider, seed, codec } = flags;
        await runJob(
          core,
          clip,
          { preset, provider, seed, codec: clip.isStill ? 'png' : codec },
          flags.out,
          flags.force === true,
          output,
        );
      });
    }),
  );
}
