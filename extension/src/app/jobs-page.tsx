import { Button } from '../components/button';
import { useTexts } from '../i18n/context';
import { useApp, useSession } from './context';
import { JobCard } from './job-card';
import { listJobs } from './jobs';
import styles from './jobs.module.css';

/** Every job that the bridge knows, newest first. */
export function JobsPage() {
  const { t } = useTexts();
  const session = useSession();
  const jobs = useApp(state => state.jobs);
  const known = useApp(state => state.jobsKnown);
  const entries = listJobs(jobs);
  const places = session.host.capabilities.result === 'place';
  return (
    <div className={styles.page}>
      {places && entries.some(entry => entry.job.status === 'done') && (
        <div className={styles.bar}>
          <Button icon="place" look="primary" onClick={session.takeAllResults}>
            {t('jobs.takeAll.place')}
          </Button>
        </div>
      )}
      {entries.length === 0 ? (
        <p className={styles.empty}>{t(known ? 'jobs.none' : 'jobs.loading')}</p>
      ) : (
        <ul className={styles.list} aria-label={t('page.jobs')}>
          {entries.map((entry, index) => (
            <JobCard key={entry.job.id} entry={entry} openAtFirst={index === 0} />
          ))}
        </ul>
      )}
    </div>
  );
}
