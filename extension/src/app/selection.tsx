import { formatTimecode } from '#protocol/time';
import { Button } from '../components/button';
import { Icon } from '../components/icon';
import { useTexts } from '../i18n/context';
import { useApp, useSession } from './context';
import styles from './render.module.css';

/** The host's selection, mirrored; a right-click or the button takes it through the preset. */
export function Selection() {
  const { t } = useTexts();
  const session = useSession();
  const selection = useApp(state => state.selection);
  return (
    <section className={styles.selection} aria-label={t('selection')}>
      <div className={styles.presetHead}>
        <h2 className={styles.presetTitle}>{t('selection')}</h2>
        <Button onClick={session.readTimeline}>{t('clip.timeline.read')}</Button>
      </div>
      {selection.clips.length === 0 && <span className={styles.dim}>{t('selection.none')}</span>}
      <ul>
        {selection.clips.map(clip => (
          <li key={clip.key} className={styles.selected} title={clip.reasons.join('\n')}>
            <Icon name={clip.kind === 'refused' ? 'warn' : 'film'} />
            <span className={styles.clipName}>
              <span className={styles.name}>{clip.name}</span>
              <span className={styles.dim}>
                {formatTimecode(clip.range.first, clip.range.rate)} – {formatTimecode(clip.range.last, clip.range.rate)}
                {clip.kind === 'plain' ? '' : ` · ${t(`selection.${clip.kind}`)}`}
              </span>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
