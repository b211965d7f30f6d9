import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '#protocol/errors';
import { presetSchema, type Preset } from '#protocol/preset';
import { builtInPresets } from '../effects/presets';
import { writeFileSynced } from '../jobs/journal';

export type ListedPreset = { readonly preset: Preset; readonly builtIn: boolean };

/** How many presets a person may keep: a bound for what a client can write. */
const mostPresets = 500;

/** The built-in presets and those that people saved, one file each. */
export class PresetStore {
  constructor(private readonly folder: string) {}

  list(): ListedPreset[] {
    mkdirSync(this.folder, { recursive: true });
    const saved = readdirSync(this.folder)
      .filter(name => /^[a-z0-9][a-z0-9-]{0,59}\.json$/.test(name))
      .sort()
      .flatMap(name => this.read(name) ?? []);
    return [
      ...builtInPresets.map(preset => ({ preset, builtIn: true })),
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
  get(name: string): Preset {
    const all = this.list();
    const found = all.find(entry => entry.preset.name === name);
    if (!found)
      throw new AppError('PRESET_NOT_FOUND', {
        name: name.slice(0, 60),
        known: all.map(entry => entry.preset.name).join(', '),
      });
    return found.preset;
  }

  /** @throws AppError PRESET_INVALID for a built-in name, TOO_MANY */
  save(preset: Preset): void {
    if (builtInPresets.some(builtIn => builtIn.name === preset.name)) {
      throw new AppError('PRESET_INVALID', { problem: `"${preset.name}" is the name of a built-in preset.` });
    }
    const others = this.list().filter(entry => !entry.builtIn && entry.preset.name !== preset.name);
    if (others.length >= mostPresets) throw new AppError('TOO_MANY', { what: 'presets', limit: mostPresets });
    writeFileSynced(join(this.folder, `${preset.name}.json`), `${JSON.stringify(preset, null, 1)}\n`);
  }

  /** @throws AppError PRESET_NOT_FOUND, also for built-in ones */
  remove(name: string): void {
    const own = this.list().filter(entry => !entry.builtIn);
    if (!own.some(entry => entry.preset.name === name)) {
      throw new AppError('PRESET_NOT_FOUND', {
        name: name.slice(0, 60),
        known: own.map(entry => entry.preset.name).join(', '),
      });
    }
    rmSync(join(this.folder, `${name}.json`));
  }
}
