import { useId } from 'react';
import { effectNames, effectTable, type Effect, type EffectName } from '#protocol/effects';
import type { Preset } from '#protocol/preset';
import { Button } from '../components/button';
import { Icon } from '../components/icon';
import { useTexts } from '../i18n/context';
import { useApp, useSession } from './context';
import { addEffect, removeEffect, setParam, type Path } from './draft';
import { fieldsOf, valueOf, type Field } from './form';
import { FieldControl } from './field-control';
import styles from './form.module.css';

/** Rules that only a form needs: what cannot matter now is not shown. */
export function isShown(effect: EffectName, field: Field, params: Readonly<Record<string, unknown>>): boolean {
  if (field.level === 'hidden') return false;
  if (effect === 'key') {
    const colour = params.source !== 'matte';
    if (['colour', 'tolerance', 'softness', 'spill'].includes(field.key)) return colour;
    if (field.key === 'matteClip') return !colour;
    if (field.key === 'plateColour') return params.over === 'colour';
    if (field.key === 'plateImage') return params.over === 'image';
    if (field.key === 'plateClip') return params.over === 'clip';
  }
  if (effect === 'style' && params.method === 'fast') {
    return ![
      'iterations',
      'iterationsNext',
      'scales',
      'loss',
      'optimiser',
      'picture',
      'contentWeight',
      'tvWeight',
      'colourWeight',
      'passes',
      'longTerm',
    ].includes(field.key);
  }
  return true;
}

/** The fields of one effect: the simple ones at once, the rest behind "More". */
function Fields({
  effect,
  fields,
  params,
  path,
  onChange,
}: {
  effect: EffectName;
  fields: readonly Field[];
  params: Readonly<Record<string, unknown>>;
  path: Path;
  onChange: (path: Path, value: unknown) => void;
}) {
  const { t, find } = useTexts();
  const session = useSession();
  const id = useId();
  const place = [effect, ...path].join('.');
  const open = useApp(state => state.settings.openMore[place] ?? false);
  const openMore = useApp(state => state.settings.openMore);
  const shown = fields.filter(field => isShown(effect, field, params));
  const control = (field: Field) => {
    const value = valueOf(field, params);
    const at = [...path, field.key];
    if (field.control === 'group') {
      return (
        <div key={field.key} className={styles.group} role="group" aria-label={find(field.label, field.key)}>
          <div className={styles.head}>{find(field.label, field.key)}</div>
          <Fields
            effect={effect}
            fields={field.fields}
            params={(value ?? {}) as Record<string, unknown>}
            path={at}
            onChange={onChange}
          />
        </div>
      );
    }
    return (
      <FieldControl key={field.key} field={field} value={value} params={params} onChange={next => onChange(at, next)} />
    );
  };
  const simple = shown.filter(field => field.level === 'simple');
  const rest = shown.filter(field => field.level === 'more');
  return (
    <>
      {simple.map(control)}
      {rest.length > 0 && (
        <button
          type="button"
          className={styles.more}
          aria-expanded={open}
          aria-controls={id}
          aria-label={t('form.more.named', { effect: find(`effect.${effect}`, effect) })}
          onClick={() => session.changeSettings({ openMore: { ...openMore, [place]: !open } })}
        >
          <Icon name={open ? 'down' : 'right'} />
          {t(open ? 'form.less' : 'form.more')}
        </button>
      )}
      <div id={id} hidden={!open}>
        {open && rest.map(control)}
      </div>
    </>
  );
}

/** What changes the preset as it is at that moment. */
export type ChangePreset = (change: (preset: Preset) => Preset) => void;

export function EffectForm({ preset, onChange, only }: { preset: Preset; onChange: ChangePreset; only?: EffectName }) {
  const { t, find } = useTexts();
  const missing = effectNames.filter(name => !preset.effects.some(effect => effect.effect === name));
  return (
    <>
      {preset.effects.map((effect: Effect, index) =>
        only && effect.effect !== only ? null : (
          <section
            key={`${effect.effect}-${index}`}
            className={styles.section}
            aria-label={find(`effect.${effect.effect}`, effect.effect)}
          >
            <div className={styles.head}>
              <h3 className={styles.title}>{find(`effect.${effect.effect}`, effect.effect)}</h3>
              {preset.effects.length > 1 && !only && (
                <Button
                  icon="close"
                  look="quiet"
                  title={t('effect.remove', { effect: find(`effect.${effect.effect}`, effect.effect) })}
                  onClick={() => onChange(now => removeEffect(now, index))}
                />
              )}
            </div>
            <div className={styles.body}>
              <Fields
                effect={effect.effect}
                fields={fieldsOf(effectTable[effect.effect])}
                params={effect.params as Record<string, unknown>}
                path={[]}
                onChange={(path, value) =>
                  onChange(now =>
                    now.effects[index]?.effect === effect.effect ? setParam(now, index, path, value) : now,
                  )
                }
              />
            </div>
          </section>
        ),
      )}
      {!only && missing.length > 0 && (
        <div className={styles.addRow} role="group" aria-label={t('effect.add')}>
          {missing.map(name => (
            <Button
              key={name}
              icon="plus"
              look="quiet"
              title={t('effect.add')}
              onClick={() => onChange(now => addEffect(now, name))}
            >
              {find(`effect.${name}`, name)}
            </Button>
          ))}
        </div>
      )}
    </>
  );
}
