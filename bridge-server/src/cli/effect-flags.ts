import type { Command } from 'commander';
import { Option } from 'commander';
import { z } from 'zod';
import { AppError } from '#protocol/errors';
import { effectTable, type EffectName } from '#protocol/effects';

type Property = {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: unknown;
  readonly help?: string;
  readonly unit?: string;
};

/** The parameter table of an effect as plain data: one entry a parameter, in the table's order. */
export function effectProperties(effect: EffectName): Record<string, Property> {
  const schema = z.toJSONSchema(effectTable[effect], { io: 'input', unrepresentable: 'any' });
  return (schema.properties ?? {}) as Record<string, Property>;
}

const kebab = (name: string) => name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`);
const camel = (name: string) => name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

function describe(property: Property): string {
  const range =
    property.minimum !== undefined && property.maximum !== undefined && property.maximum < 1e9
      ? `${property.minimum} to ${property.maximum}`
      : '';
  const initial =
    property.default !== undefined && typeof property.default !== 'object' ? `default ${String(property.default)}` : '';
  const notes = [range, property.unit ?? '', initial].filter(Boolean).join(', ');
  return `${property.help ?? ''}${notes ? ` (${notes})` : ''}`;
}

function parseValue(name: string, text: string, property: Property): unknown {
  if (property.type === 'number' || property.type === 'integer') {
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value)) {
      throw new AppError('PARAMETER_WRONG', { name, value: text, problem: 'it is not a number' });
    }
    return value;
  }
  if (property.type === 'boolean') {
    if (text === 'true' || text === 'false') return text === 'true';
    throw new AppError('PARAMETER_WRONG', { name, value: text, problem: 'it is neither true nor false' });
  }
  if (property.type === 'string' || property.enum) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text; // a plain word where the table also takes a structure ("auto")
  }
}

/**
 * Adds one flag for each parameter of `effect`. With a prefix the flags are `--style-strength`, without one `--strength`.
 * @returns a function that reads the given flags back as parameters, leaving out what was not given
 */
export function addEffectFlags(
  command: Command,
  effect: EffectName,
  prefix: string,
  taken: ReadonlySet<string> = new Set(),
): (options: Record<string, unknown>) => Record<string, unknown> {
  const properties = effectProperties(effect);
  const flags = new Map<string, string>();
  for (const [name, property] of Object.entries(properties)) {
    const flag = prefix ? `${prefix}-${kebab(name)}` : kebab(name);
    if (taken.has(flag)) continue;
    flags.set(name, camel(flag));
    const option = new Option(
      property.type === 'boolean' ? `--${flag} [value]` : `--${flag} <value>`,
      describe(property),
    );
    if (property.enum) option.choices([...property.enum]);
    command.addOption(option);
  }
  return options => {
    const given: Record<string, unknown> = {};
    for (const [name, key] of flags) {
      const value = options[key];
      if (value === undefined) continue;
      given[name] = value === true ? true : parseValue(name, String(value), properties[name]);
    }
    return given;
  };
}
