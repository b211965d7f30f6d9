import { Button } from '../components/button';
import { useTexts } from '../i18n/context';
import { useApp, useSession } from './context';
import { JobCard } from './job-card';
import { listJobs } from './jobs';
import { bySequence, newestOfEachPlace } from './placement';
import styles from './jobs.module.css';

/** Every job that the bridge knows, newest first; by sequence, where there are sequences. */
export function JobsPage() {
  const { t } = useTexts();
  const session = useSession();
  const jobs = useApp(state => state.jobs);
  const known = useApp(state => state.jobsKnown);
  const entries = listJobs(jobs);
  const places = session.host.capabilities.result === 'place';
  const groups = places ? bySequence(entries) : [{ name: t('page.jobs'), entries }];
  return (
    <div className={styles.page}>
      {entries.length === 0 && <p className={styles.empty}>{t(known ? 'jobs.none' : 'jobs.loading')}</p>}
      {groups.map((group, order) => {
        const { sequence } = group;
        const title = group.name || t('jobs.elsewhere');
        const finished = newestOfEachPlace(group.entries.map(entry => entry.job)).length;
        return (
          <section key={sequence ?? ''} aria-label={title}>
            {places && (
              <div className={styles.bar}>
                <h2 className={styles.sequence}>{title}</h2>
                {sequence !== undefined && finished > 0 && (
                  <Button icon="place" look="primary" onClick={() => session.takeAllResults(sequence)}>
                    {t('jobs.takeAll.place')}
                  </Button>
                )}
              </div>
            )}
            {group.entries.length > 0 && (
              <ul className={styles.list} aria-label={title}>
                {group.entries.map((entry, index) => (
                  <JobCard key={entry.job.id} entry={entry} openAtFirst={order === 0 && index === 0} />
                ))}
              </ul>
            )}
          </section>
        );
      })}
    </div>
  );
}
