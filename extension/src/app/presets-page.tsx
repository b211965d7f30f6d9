import { useState } from 'react';
import { toAppError } from '#protocol/errors';
import type { Preset } from '#protocol/preset';
import { Button, SureButton } from '../components/button';
import { DropArea, TextField, useFileChooser } from '../components/fields';
import { saveText } from '../components/save-text';
import { useTexts } from '../i18n/context';
import { useApp, useSession } from './context';
import { presetName, readPresetFile, samePicture } from './draft';
import { PresetSwatch, usePresetDescription, usePresetTitle } from './preset-chooser';
import styles from './list.module.css';

export function PresetsPage() {
  const { t } = useTexts();
  const session = useSession();
  const presets = useApp(state => state.presets);
  const draft = useApp(state => state.draft);
  const chosen = useApp(state => state.chosen);
  const title = usePresetTitle();
  const description = usePresetDescription();
  const base = presets.find(each => each.preset.name === chosen);
  const changed = base !== undefined && draft !== undefined && !samePicture(base.preset, draft);
  const [typed, setTyped] = useState<string>();
  const words = typed ?? (base && !base.builtIn ? base.preset.title : '');
  const name = presetName(words);
  const clash = presets.find(each => each.preset.name === name);
  const canSave = draft !== undefined && words.trim() !== '' && !clash?.builtIn;
  const save = () => {
    if (!canSave) return;
    session.savePreset(name, words.trim().slice(0, 80));
    setTyped(undefined);
  };
  const read = async (files: File[]) => {
    const all: Preset[] = [];
    for (const file of files) {
      try {
        const found = readPresetFile(await file.text());
        if ('problem' in found)
          session.say({ code: 'PRESET_INVALID', details: { problem: `${file.name}: ${found.problem}` } });
        else all.push(...found.presets);
      } catch (thrown) {
        session.say(toAppError(thrown).toJSON());
      }
    }
    if (all.length > 0) session.importPresets(all);
  };
  const chooser = useFileChooser('application/json,.json', true, files => void read(files));
  return (
    <DropArea hint={t('preset.import.drop')} onFiles={files => void read(files)} className={styles.page}>
      {chooser.input}
      <section className={styles.bar} aria-label={t('preset.saveAs')}>
        <TextField
          label={t('preset.title')}
          placeholder={t('preset.title')}
          value={words}
          onChange={setTyped}
          onEnter={save}
        />
        <Button look={changed ? 'primary' : undefined} icon="save" disabled={!canSave} onClick={save}>
          {t('preset.save')}
        </Button>
        <Button onClick={chooser.open}>{t('preset.import')}</Button>
        {words.trim() !== '' && clash && (
          <span className={styles.dim} role="status">
            {t(clash.builtIn ? 'preset.builtInName' : 'preset.exists')}
          </span>
        )}
      </section>
      {!presets.some(each => !each.builtIn) && <p className={styles.dim}>{t('preset.none')}</p>}
      <ul className={styles.list} aria-label={t('page.presets')}>
        {[...presets]
          .sort((a, b) => Number(a.builtIn) - Number(b.builtIn))
          .map(({ preset, builtIn }) => (
            <li key={preset.name} className={styles.item} data-preset={preset.name}>
              <span className={styles.swatch}>
                <PresetSwatch preset={preset} />
              </span>
              <span className={styles.words}>
                <span className={`${styles.name} ${styles.clamp}`}>{title(preset, builtIn)}</span>
                <span className={`${styles.dim} ${styles.clamp}`} title={description(preset, builtIn)}>
                  {t(builtIn ? 'preset.builtIn' : 'preset.own')}
                  {description(preset, builtIn) ? ` · ${description(preset, builtIn)}` : ''}
                </span>
              </span>
              <Button
                onClick={() => {
                  session.choosePreset(preset.name);
                  session.go('render');
                }}
              >
                {t('preset.use')}
              </Button>
              <Button
                look="quiet"
                icon="save"
                title={t('preset.export')}
                onClick={() => saveText(`${preset.name}.json`, `${JSON.stringify(preset, null, 2)}\n`)}
              />
              {!builtIn && (
                <SureButton
                  look="quiet"
                  icon="trash"
                  title={t('preset.delete')}
                  question={t('preset.delete.sure')}
                  onClick={() => session.deletePreset(preset.name)}
                />
              )}
            </li>
          ))}
      </ul>
    </DropArea>
  );
}
