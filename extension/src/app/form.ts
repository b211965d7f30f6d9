import type { z } from 'zod';
import type { ParameterMeta } from '#protocol/effects/parameter';

export type Control = NonNullable<ParameterMeta['control']> | 'group';

/** One parameter of an effect, as its form shows it. Everything comes from the table in `protocol/effects`. */
export type Field = {
  readonly key: string;
  /** Key of the text catalogue; its help is `<label>.help`, its choices `<label>.<choice>`. */
  readonly label: string;
  /** English help, for catalogues that have none. */
  readonly help: string;
  readonly unit?: string;
  readonly level: 'simple' | 'more' | 'hidden';
  readonly control: Control;
  readonly optional: boolean;
  readonly initial: unknown;
  readonly min?: number;
  readonly max?: number;
  readonly step: number;
  readonly choices: readonly string[];
  /** Parameters inside this one (`zoom.dream`). */
  readonly fields: readonly Field[];
};

type AnySchema = z.ZodType & {
  readonly def: { readonly type: string; readonly innerType?: AnySchema; readonly defaultValue?: unknown };
  readonly minValue?: number | null;
  readonly maxValue?: number | null;
  readonly isInt?: boolean;
  readonly options?: readonly unknown[];
  readonly shape?: Record<string, AnySchema>;
};

/** A step that a hand can set: a hundredth of the span, rounded to 1, 2 or 5 of a power of ten. */
export function handyStep(min: number, max: number): number {
  const raw = (max - min) / 100;
  if (!(raw > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const digit = raw / power;
  const chosen = digit >= 5 ? 5 : digit >= 2 ? 2 : 1;
  return Number((chosen * power).toPrecision(1));
}

const wrappers = ['default', 'prefault', 'optional', 'nullable'];

function fieldOf(key: string, schema: AnySchema): Field {
  const meta = (schema.meta() ?? {}) as Partial<ParameterMeta>;
  let inner = schema;
  let optional = false;
  let initial: unknown;
  while (wrappers.includes(inner.def.type) && inner.def.innerType) {
    if (inner.def.type === 'optional') optional = true;
    if (inner.def.type === 'default') initial = inner.def.defaultValue;
    inner = inner.def.innerType;
  }
  const isGroup = inner.def.type === 'object' && meta.control === undefined;
  const min = inner.minValue ?? undefined;
  const max = inner.maxValue ?? undefined;
  return {
    key,
    label: meta.label ?? key,
    help: meta.help ?? '',
    unit: meta.unit,
    level: meta.level ?? 'more',
    control: isGroup ? 'group' : (meta.control ?? controlOf(inner)),
    optional,
    initial,
    min,
    max,
    step: meta.step ?? (inner.isInt ? 1 : min !== undefined && max !== undefined ? handyStep(min, max) : 1),
    choices: inner.def.type === 'enum' ? (inner.options ?? []).map(String) : [],
    fields: isGroup ? Object.entries(inner.shape ?? {}).map(([name, child]) => fieldOf(name, child)) : [],
  };
}

function controlOf(schema: AnySchema): Control {
  if (schema.def.type === 'number') return 'number';
  if (schema.def.type === 'boolean') return 'toggle';
  if (schema.def.type === 'enum') return 'choice';
  return 'text';
}

const known = new WeakMap<object, readonly Field[]>();

/** The fields of an effect's parameters, in the table's order. */
export function fieldsOf(schema: z.ZodObject): readonly Field[] {
  const found = known.get(schema);
  if (found) return found;
  const fields = Object.entries(schema.shape).map(([key, child]) => fieldOf(key, child as unknown as AnySchema));
  known.set(schema, fields);
  return fields;
}

/** The field's own value, or its default where the preset says nothing. */
export function valueOf(field: Field, params: Readonly<Record<string, unknown>>): unknown {
  return params[field.key] ?? field.initial;
}

/** Digits after the point that a step needs: 0.005 needs 3. */
export function digitsOf(step: number): number {
  const text = String(step);
  if (text.includes('e-')) return Number(text.split('e-')[1]);
  return text.includes('.') ? text.split('.')[1].length : 0;
}
