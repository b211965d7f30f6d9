import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '#protocol/errors';
import { presetSchema, type Preset } from '#protocol/preset';
import { classicDreams, classicNames, type DreamingNet } from '../effects/classic-dreams';
import { builtInPresets } from '../effects/presets';
import { writeFileSynced } from '../jobs/journal';

export type ListedPreset = { readonly preset: Preset; readonly builtIn: boolean };

/** How many presets a person may keep: a bound for what a client can write. */
const mostPresets = 500;

/** Whether a name belongs to Reverie: its preset is no person's own. */
export function isBuiltIn(name: string): boolean {
  return classicNames.includes(name) || builtInPresets.some(preset => preset.name === name);
}

/** The built-in presets and those that people saved, one file each. */
export class PresetStore {
  /** @param nets some presets come with a net */
  constructor(
    private readonly folder: string,
    private readonly nets: { list(): Promise<readonly DreamingNet[]> },
  ) {}

  async list(): Promise<ListedPreset[]> {
    mkdirSync(this.folder, { recursive: true });
    const saved = readdirSync(this.folder)
      .filter(name => /^[a-z0-9][a-z0-9-]{0,59}\.json$/.test(name))
      .sort()
      .flatMap(name => this.read(name) ?? []);
    return [
      ...[...builtInPresets, ...classicDreams(await this.nets.list())].map(preset => ({ preset, builtIn: true })),
      ...saved.map(preset => ({ preset, builtIn: false })),
    ];
  }

  /** A file that somebody edited wrongly is left out of the list rather than ending it. */
  private read(name: string): Preset | undefined {
    try {
      const parsed = presetSchema.safeParse(JSON.parse(readFileSync(join(this.folder, name), 'utf8')));
      return parsed.success && `${parsed.data.name}.json` === name ? parsed.data : undefined;
    } catch {
      return undefined;
    }
  }

  /** @throws AppError PRESET_NOT_FOUND */
  async get(name: string): Promise<Preset> {
    const all = await this.list();
    const found = all.find(entry => entry.preset.name === name);
    if (!found)
      throw new AppError('PRESET_NOT_FOUND', {
        name: name.slice(0, 60),
        known: all.map(entry => entry.preset.name).join(', '),
      });
    return found.preset;
  }

  /** @throws AppError PRESET_INVALID for a built-in name, TOO_MANY */
  async save(preset: Preset): Promise<void> {
    if (isBuiltIn(preset.name)) {
      throw new AppError('PRESET_INVALID', { problem: `"${preset.name}" is the name of a built-in preset.` });
    }
    const others = (await this.list()).filter(entry => !entry.builtIn && entry.preset.name !== preset.name);
    if (others.length >= mostPresets) throw new AppError('TOO_MANY', { what: 'presets', limit: mostPresets });
    writeFileSynced(join(this.folder, `${preset.name}.json`), `${JSON.stringify(preset, null, 1)}\n`);
  }

  /** @throws AppError PRESET_NOT_FOUND, also for built-in ones */
  async remove(name: string): Promise<void> {
    const own = (await this.list()).filter(entry => !entry.builtIn);
    if (!own.some(entry => entry.preset.name === name)) {
      throw new AppError('PRESET_NOT_FOUND', {
        name: name.slice(0, 60),
        known: own.map(entry => entry.preset.name).join(', '),
      });
    }
    rmSync(join(this.folder, `${name}.json`));
  }
}
