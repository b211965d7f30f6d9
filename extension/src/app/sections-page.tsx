import { Button } from '../components/button';
import { Select } from '../components/fields';
import { Trouble } from '../components/trouble';
import { useTexts } from '../i18n/context';
import { useApp, useSession } from './context';
import { fractionDone } from './jobs';
import { usePresetTitle } from './preset-chooser';
import styles from './list.module.css';

/** Loudness over time as one closed outline around the middle. */
export function outline(waveform: readonly number[]): string {
  if (waveform.length === 0) return '';
  const top = Math.max(1e-6, ...waveform.map(Math.abs));
  const x = (index: number) => ((index / Math.max(1, waveform.length - 1)) * 1000).toFixed(1);
  const y = (value: number, sign: number) => (50 - sign * (Math.abs(value) / top) * 46).toFixed(1);
  const upper = waveform.map((value, index) => `${x(index)} ${y(value, 1)}`);
  const lower = waveform.map((value, index) => `${x(index)} ${y(value, -1)}`).reverse();
  return `M${[...upper, ...lower].join(' L')}Z`;
}

const clock = (seconds: number) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;

/** A song in parts, a preset for each, all rendered by one button. */
export function SectionsPage() {
  const { t, percent } = useTexts();
  const session = useSession();
  const source = useApp(state => state.source);
  const sections = useApp(state => state.sections);
  const presets = useApp(state => state.presets);
  const jobs = useApp(state => state.jobs);
  const title = usePresetTitle();
  if (source.phase !== 'ready') return <p className={`${styles.page} ${styles.dim}`}>{t('sections.none')}</p>;
  const mine = sections.phase !== 'none' && sections.clip === source.clip.sha256 ? sections : undefined;
  const song = mine?.phase === 'known' ? mine.song : undefined;
  const end = song ? Math.max(0.001, ...song.sections.map(each => each.endSeconds)) : 1;
  return (
    <div className={styles.page}>
      <div className={styles.bar}>
        <Button look={song ? undefined : 'primary'} onClick={session.findSections} disabled={!source.clip.hasAudio || mine?.phase === 'asked'}>
          {t(mine?.phase === 'asked' ? 'sections.finding' : 'sections.find')}
        </Button>
        {!source.clip.hasAudio && <span className={styles.dim}>{t('sections.silent')}</span>}
        <span className={styles.spring} />
        {song && (
          <Button look="primary" icon="sparkle" disabled={!song.sections.some(each => each.preset)} onClick={session.renderSections}>
            {t('sections.render')}
          </Button>
        )}
      </div>
      {mine?.phase === 'failed' && <Trouble error={mine.error} />}
      {song && (
        <>
          <div className={styles.wave} role="img" aria-label={t('sections.waveform')}>
            <svg viewBox="0 0 1000 100" preserveAspectRatio="none" aria-hidden="true">
              <path d={outline(song.waveform)} />
            </svg>
            {song.sections.map((section, index) => (
              <div
                key={index}
                className={styles.waveSection}
                style={{ left: `${(section.startSeconds / end) * 100}%`, width: `${((section.endSeconds - section.startSeconds) / end) * 100}%` }}
              >
                {section.label}
              </div>
            ))}
          </div>
          <ul className={styles.list} aria-label={t('page.sections')}>
            {song.sections.map((section, index) => {
              const entry = section.job ? jobs[section.job] : undefined;
              return (
                <li key={index} className={styles.item}>
                  <span className={styles.words}>
                    <span className={styles.name}>{section.label}</span>
                    <span className={styles.dim}>
                      {t('sections.at', { start: clock(section.startSeconds), end: clock(section.endSeconds) })}
                      {entry ? ` · ${t(`status.${entry.job.status}`)} ${entry.job.status === 'active' ? percent(fractionDone(entry.job)) : ''}` : ''}
                    </span>
                  </span>
                  <Select
                    label={t('sections.preset', { section: section.label })}
                    value={section.preset ?? ''}
                    options={[{ value: '', label: t('sections.skip') }, ...presets.map(each => ({ value: each.preset.name, label: title(each.preset, each.builtIn) }))]}
                    onChange={name => session.setSectionPreset(index, name || undefined)}
                  />
                </li>
              );
            })}
          </ul>
        </>
      )}
    </div>
  );
}
