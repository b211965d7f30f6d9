import { readFile } from 'node:fs/promises';
import type { ClipInfo } from '#protocol/clip';
import { effectSchema, type Effect, type EffectName } from '#protocol/effects';
import { AppError } from '#protocol/errors';
import { jobSpecSchema, type JobSpec } from '#protocol/job';
import { codecNames, presetSchema, type CodecName, type Preset } from '#protocol/preset';
import { parseRange, parseRate } from '#protocol/time';
import type { BridgeCore } from '../server/core';
import { providerNames } from '../runtime/runtime';

/** What the flags of `render` and its relatives say, before it is checked. */
export type RenderWishes = {
  readonly preset: Preset;
  readonly styles?: readonly string[];
  readonly guide?: string;
  readonly changes?: Partial<Record<EffectName, Record<string, unknown>>>;
  readonly range?: string;
  readonly fps?: string;
  readonly size?: string;
  readonly codec?: string;
  readonly provider?: string;
  /** Take the smaller job that is offered when this one fits badly. */
  readonly fit?: boolean;
  readonly seed?: string;
};

/** A built-in or saved preset by its name, or a preset file. @throws AppError PRESET_NOT_FOUND, PRESET_INVALID */
export async function findPreset(core: Pick<BridgeCore, 'presets'>, name: string): Promise<Preset> {
  if (!/\.json$/i.test(name)) return core.presets.get(name);
  let document: unknown;
  try {
    document = JSON.parse(await readFile(name, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new AppError('FILE_NOT_FOUND', { path: name });
    throw new AppError('PRESET_INVALID', { problem: (error as Error).message });
  }
  return checkPreset(document);
}

export function checkPreset(document: unknown): Preset {
  const parsed = presetSchema.safeParse(document);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new AppError('PRESET_INVALID', { problem: `${issue.path.join('.') || 'the document'}: ${issue.message}` });
}

function changed(effect: Effect, changes: Record<string, unknown>): Effect {
  const parsed = effectSchema.safeParse({ effect: effect.effect, params: { ...effect.params, ...changes } });
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const name = String(issue.path[1] ?? issue.path[0] ?? effect.effect);
  throw new AppError('PARAMETER_WRONG', {
    name: `${effect.effect} ${name}`,
    value: JSON.stringify(changes[name] ?? null),
    problem: issue.message,
  });
}

/** On the command line a key's other clips and pictures are files. @throws AppError FILE_NOT_FOUND, NOT_MEDIA ... */
async function withStoredFiles(core: BridgeCore, key: Record<string, unknown>): Promise<Record<string, unknown>> {
  const stored = { ...key };
  for (const name of ['matteClip', 'plateClip'])
    if (typeof key[name] === 'string') stored[name] = (await core.addClip(key[name])).sha256;
  if (typeof key.plateImage === 'string') stored.plateImage = await core.addImage(key.plateImage);
  return stored;
}

/** Lays what the flags say over the preset: parameters of effects, pictures, rate, size and codec. */
async function applyWishes(core: BridgeCore, wishes: RenderWishes, clip: ClipInfo): Promise<Preset> {
  const changes: Partial<Record<EffectName, Record<string, unknown>>> = { ...wishes.changes };
  if (wishes.styles && wishes.styles.length > 0) {
    const styles = [];
    for (const path of wishes.styles) styles.push({ image: await core.addImage(path), weight: 1 });
    changes.style = { ...changes.style, styles };
  }
  if (changes.key) changes.key = await withStoredFiles(core, changes.key);
  if (wishes.guide) changes.dream = { ...changes.dream, guide: await core.addImage(wishes.guide) };
  if (typeof changes.dream?.mask === 'string')
    changes.dream = { ...changes.dream, mask: await core.addImage(changes.dream.mask) };
  const output = { ...wishes.preset.output };
  if (wishes.codec !== undefined) {
    if (!(codecNames as readonly string[]).includes(wishes.codec)) {
      throw new AppError('PARAMETER_WRONG', {
        name: 'codec',
        value: wishes.codec,
        problem: `choose one of ${codecNames.join(', ')}`,
      });
    }
    output.codec = wishes.codec as CodecName;
  }
  if (wishes.fps !== undefined) output.rate = wishes.fps === 'source' ? 'source' : parseRate(wishes.fps);
  const effects = [...wishes.preset.effects];
  if (wishes.size !== undefined) {
    const size = /^(\d{2,5})x(\d{2,5})$/.exec(wishes.size);
    const times = /^([124])x$/.exec(wishes.size);
    if (size) output.size = { width: Number(size[1]), height: Number(size[2]) };
    else if (times) {
      output.size = { width: clip.width * Number(times[1]), height: clip.height * Number(times[1]) };
      if (times[1] !== '1' && !effects.some(effect => effect.effect === 'upscale')) {
        const before = effects.findIndex(effect => effect.effect === 'retime');
        effects.splice(
          before < 0 ? effects.length : before,
          0,
          effectSchema.parse({ effect: 'upscale', params: { scale: times[1] } }),
        );
      }
    } else if (wishes.size === 'source') {
      output.size = { width: clip.width, height: clip.height };
    } else
      throw new AppError('PARAMETER_WRONG', {
        name: 'size',
        value: wishes.size,
        problem: 'write it like 1920x1080, source, 2x or 4x',
      });
  }
  for (const name of Object.keys(changes) as EffectName[]) {
    if (Object.keys(changes[name] ?? {}).length > 0 && !effects.some(effect => effect.effect === name)) {
      throw new AppError('PARAMETER_WRONG', {
        name,
        value: JSON.stringify(changes[name]),
        problem: `the preset ${wishes.preset.name} has no ${name} effect`,
      });
    }
  }
  return checkPreset({
    ...wishes.preset,
    effects: effects.map(effect => changed(effect, changes[effect.effect] ?? {})),
    output,
  });
}

/** @throws AppError for every wish that cannot be met */
export async function makeSpec(core: BridgeCore, clip: ClipInfo, wishes: RenderWishes): Promise<JobSpec> {
  const preset = await applyWishes(core, wishes, clip);
  const seed = Number(wishes.seed ?? 0);
  if (!Number.isInteger(seed) || seed < 0 || seed > 0x7fffffff) {
    throw new AppError('PARAMETER_WRONG', {
      name: 'seed',
      value: String(wishes.seed),
      problem: 'it is a whole number from 0 on',
    });
  }
  const provider = wishes.provider ?? 'auto';
  if (provider !== 'auto' && !(providerNames as readonly string[]).includes(provider)) {
    throw new AppError('PARAMETER_WRONG', {
      name: 'provider',
      value: provider,
      problem: `choose auto or one of ${providerNames.join(', ')}`,
    });
  }
  return jobSpecSchema.parse({
    clip: clip.sha256,
    clipName: clip.name,
    ...(wishes.range !== undefined ? { range: parseRange(wishes.range, clip.rate) } : {}),
    preset,
    seed,
    provider,
  });
}
