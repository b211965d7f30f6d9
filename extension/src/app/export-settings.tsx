import { useCallback, useEffect, useState } from 'react';
import { toAppError } from '#protocol/errors';
import { Button } from '../components/button';
import { Row, Select, Toggle } from '../components/fields';
import type { ExportPresets } from '../host/host';
import { useTexts } from '../i18n/context';
import { useApp, useSession } from './context';
import styles from './list.module.css';

const best = '';

/** What the host exports with, and whether it need export at all; only where a host can say. */
export function ExportSettings() {
  const { t } = useTexts();
  const session = useSession();
  const { host } = session;
  const readSources = useApp(state => state.settings.readSources);
  const [presets, setPresets] = useState<ExportPresets>();
  const load = useCallback(() => {
    // Without an open sequence a host may know none: the list comes with the next look.
    host.listExportPresets?.().then(setPresets, () => setPresets(undefined));
  }, [host]);
  useEffect(load, [load]);
  if (!host.listExportPresets && !host.capabilities.sources) return null;

  const browse = () => {
    host.browseExportPreset?.().then(load, thrown => session.say(toAppError(thrown).toJSON()));
  };
  return (
    <section className={styles.narrow} aria-label={t('setup.export')}>
      <h2 className={styles.heading}>{t('setup.export')}</h2>
      {presets && (
        <Row label={t('check.export-preset')}>
          {presets.found.length === 0 ? (
            <span className={styles.dim}>{t('setup.export.none')}</span>
          ) : (
            <Select
              label={t('check.export-preset')}
              value={presets.isChosen && presets.used !== undefined ? presets.used : best}
              options={[
                { value: best, label: t('setup.export.auto') },
                ...presets.found.map(({ id, label }) => ({ value: id, label })),
              ]}
              onChange={id => {
                host.chooseExportPreset?.(id === best ? undefined : id);
                load();
              }}
            />
          )}
          {host.browseExportPreset && <Button onClick={browse}>{t('setup.export.browse')}</Button>}
        </Row>
      )}
      {host.capabilities.sources && (
        <Toggle
          label={t('setup.sources')}
          title={t('setup.sources.help')}
          value={readSources}
          onChange={next => session.changeSettings({ readSources: next })}
          showLabel
        />
      )}
    </section>
  );
}
