import { formatTimecode } from '#protocol/time';
import type { StylizeMarker } from '#protocol/timeline';
import { Button } from '../components/button';
import { useTexts } from '../i18n/context';
import { useApp, useSession } from './context';
import type { TimelinePart } from './job-desk';
import type { JobEntry } from './jobs';
import { jobOfMarker } from './marked';
import { nearestPreset, type PresetMatch } from './nearest-preset';
import { usePresetTitle } from './preset-chooser';
import styles from './selection.module.css';

type Wish = { readonly marker: StylizeMarker; readonly match?: PresetMatch; readonly job?: JobEntry };

const partOf = (marker: StylizeMarker, { entry }: PresetMatch): TimelinePart => ({
  wanted: { marker: marker.id },
  preset: entry.preset,
});

/** Markers named "stylize: <preset>", each with its preset; what is neither done nor under way is rendered by one click. */
export function Wishes() {
  const { t } = useTexts();
  const session = useSession();
  const markers = useApp(state => state.selection.markers);
  const presets = useApp(state => state.presets);
  const jobs = useApp(state => state.jobs);
  const busy = useApp(state => state.submitting || state.connection.status !== 'open');
  const presetTitle = usePresetTitle();
  if (markers.length === 0) return null;
  const wishes: Wish[] = markers.map(marker => {
    const match = nearestPreset(marker.preset, presets, each => presetTitle(each.preset, each.builtIn));
    return { marker, match, job: match && jobOfMarker(jobs, marker, match.entry.preset) };
  });
  const open = wishes.flatMap(({ marker, match, job }) => {
    const isSettled = job && job.job.status !== 'failed' && job.job.status !== 'cancelled';
    return match?.isExact && !isSettled ? [partOf(marker, match)] : [];
  });
  return (
    <section aria-label={t('markers')}>
      <div className={styles.head}>
        <h2 className={styles.heading}>{t('markers')}</h2>
        <Button icon="sparkle" disabled={busy || open.length === 0} onClick={() => session.stylizeParts(open)}>
          {t('markers.renderAll')}
        </Button>
      </div>
      <ul className={styles.wishes} aria-label={t('markers')}>
        {wishes.map(wish => (
          <WishLine key={wish.marker.id} {...wish} busy={busy} />
        ))}
      </ul>
    </section>
  );
}

function WishLine({ marker, match, job, busy }: Wish & { readonly busy: boolean }) {
  const { t } = useTexts();
  const session = useSession();
  const presetTitle = usePresetTitle();
  const { first, last, rate } = marker.range;
  const title = match && presetTitle(match.entry.preset, match.entry.builtIn);
  return (
    <li className={styles.wish} data-wish={marker.preset}>
      <span className={styles.words}>
        <span className={styles.name}>{match?.isExact ? title : marker.preset}</span>
        <span className={styles.dim}>
          {formatTimecode(first, rate)} – {formatTimecode(last, rate)}
          {marker.clip && ` · ${marker.clip.name}`}
          {job && ` · ${t(`status.${job.job.status}`)}`}
        </span>
        {!match?.isExact && <span className={styles.refused}>{t('markers.unknown', { name: marker.preset })}</span>}
      </span>
      {match && (
        <Button disabled={busy} onClick={() => session.stylizeParts([partOf(marker, match)])}>
          {t('markers.stylizeWith', { preset: title ?? '' })}
        </Button>
      )}
    </li>
  );
}
