import type { KeyboardEvent } from 'react';
import { imagePath } from '#protocol/http';
import type { EffectName } from '#protocol/effects';
import type { Preset } from '#protocol/preset';
import { Button } from '../components/button';
import type { IconName } from '../components/icon';
import { Picture } from '../components/picture';
import { useTexts } from '../i18n/context';
import { useApp, useSession } from './context';
import { samePicture, swatchOf } from './draft';
import styles from './render.module.css';

const effectIcons: Readonly<Record<EffectName, IconName>> = {
  key: 'key',
  style: 'picture',
  dream: 'sparkle',
  zoom: 'zoom',
  upscale: 'grow',
  retime: 'clock',
};

/** Built-in presets are told in the panel's language, own ones as they were written. */
export function usePresetTitle(): (preset: Preset, builtIn: boolean) => string {
  const { find } = useTexts();
  return (preset, builtIn) => (builtIn ? find(`builtIn.${preset.name}`, preset.title) : preset.title);
}

export function usePresetDescription(): (preset: Preset, builtIn: boolean) => string {
  const { find } = useTexts();
  return (preset, builtIn) =>
    builtIn ? find(`builtIn.${preset.name}.description`, preset.description) : preset.description;
}

/** The picture that stands for a preset: its painter's, or a sign of its first effect. */
export function PresetSwatch({ preset }: { preset: Preset }) {
  const session = useSession();
  const image = swatchOf(preset);
  return (
    <span className={styles.presetSwatch}>
      <Picture url={image && session.url(imagePath(image), 160)} sign={effectIcons[preset.effects[0].effect]} />
    </span>
  );
}

export function PresetChooser() {
  const { t } = useTexts();
  const session = useSession();
  const presets = useApp(state => state.presets);
  const chosen = useApp(state => state.chosen);
  const draft = useApp(state => state.draft);
  const title = usePresetTitle();
  const description = usePresetDescription();
  const entry = presets.find(each => each.preset.name === chosen);
  const changed = entry !== undefined && draft !== undefined && !samePicture(entry.preset, draft);
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step || presets.length === 0) return;
    event.preventDefault();
    const at = presets.findIndex(each => each.preset.name === chosen);
    const next = (at + step + presets.length) % presets.length;
    session.choosePreset(presets[next].preset.name);
    event.currentTarget.querySelectorAll<HTMLElement>('[role=radio]')[next]?.focus();
  };
  return (
    <section aria-label={t('preset')}>
      <div className={styles.presetHead}>
        <h2 className={styles.presetTitle} title={entry && description(entry.preset, entry.builtIn)}>
          <span className={styles.dim}>{t('preset')}</span> {entry ? title(entry.preset, entry.builtIn) : ''}
          {changed && <span className={styles.dim}> · {t('preset.changed')}</span>}
        </h2>
        {changed && (
          <>
            <Button icon="undo" look="quiet" title={t('preset.reset')} onClick={() => session.choosePreset(chosen)} />
            <Button look="quiet" onClick={() => session.go('presets')}>
              {t('preset.saveAs')}
            </Button>
          </>
        )}
      </div>
      <div className={styles.presets} role="radiogroup" aria-label={t('preset')} onKeyDown={onKeyDown}>
        {presets.map(({ preset, builtIn }) => (
          <button
            key={preset.name}
            type="button"
            role="radio"
            aria-checked={preset.name === chosen}
            tabIndex={preset.name === chosen ? 0 : -1}
            className={`${styles.preset} ${preset.name === chosen ? styles.presetOn : ''}`}
            title={[title(preset, builtIn), description(preset, builtIn)].filter(Boolean).join('\n')}
            onClick={() => session.choosePreset(preset.name)}
          >
            <PresetSwatch preset={preset} />
            <span className={styles.presetName}>{title(preset, builtIn)}</span>
          </button>
        ))}
      </div>
    </section>
  );
}
