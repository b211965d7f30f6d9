import type { z } from 'zod';
import { fieldsOf, type Field } from '../app/form';

/** Texts that the parameter tables ask for, by key; which they are is known only by reading the tables. */
export type ParameterTexts = Readonly<Record<string, string>>;

export type EffectTable = Readonly<Record<string, z.ZodObject>>;

function each(fields: readonly Field[], visit: (field: Field) => void) {
  for (const field of fields) {
    visit(field);
    each(field.fields, visit);
  }
}

/** English help as it stands in the tables, under `<label>.help`. */
export function helpTexts(table: EffectTable): ParameterTexts {
  const texts: Record<string, string> = {};
  for (const schema of Object.values(table))
    each(fieldsOf(schema), field => (texts[`${field.label}.help`] = field.help));
  return texts;
}

/** Every key that a form made from the tables looks up. */
export function parameterKeys(table: EffectTable): readonly string[] {
  const keys = new Set<string>();
  for (const [name, schema] of Object.entries(table)) {
    keys.add(`effect.${name}`);
    each(fieldsOf(schema), field => {
      keys.add(field.label);
      keys.add(`${field.label}.help`);
      for (const choice of field.choices) keys.add(`${field.label}.${choice}`);
      if (field.unit) keys.add(`unit.${field.unit}`);
    });
  }
  return [...keys];
}
