import { useEffect } from 'react';
import { httpPaths } from '#protocol/http';
import type { Notice } from '#protocol/report';
import { Icon } from '../components/icon';
import { useTexts } from '../i18n/context';
import { useSession } from './context';
import type { JobEntry } from './jobs';
import controls from '../components/controls.module.css';
import styles from './jobs.module.css';

function Notices({ notices }: { notices: readonly Notice[] }) {
  const { t } = useTexts();
  return (
    <ul className={styles.notices}>
      {notices.map((notice, index) => (
        <li key={index} className={styles.notice}>
          <Icon name={notice.kind === 'cut' || notice.kind === 'note' ? 'dot' : 'warn'} />
          <span>
            {t(`notice.${notice.kind}`)}{' '}
            <span className={styles.dim}>
              {[notice.frame === undefined ? '' : t('report.frame', { frame: notice.frame }), notice.text]
                .filter(Boolean)
                .join(': ')}
            </span>
          </span>
        </li>
      ))}
    </ul>
  );
}

/** The report in plain words; while the job runs, what was noticed so far. */
export function ReportView({ entry }: { entry: JobEntry }) {
  const { t, find, duration, number, bytes, count } = useTexts();
  const session = useSession();
  const { job, report } = entry;
  const wanted = job.status === 'done' && report === undefined;
  useEffect(() => {
    if (wanted) session.loadReport(job.id);
  }, [wanted, session, job.id]);
  if (!report) {
    if (entry.notices.length === 0) return null;
    return (
      <div>
        <h4 className={styles.heading}>{t('report.notices')}</h4>
        <Notices notices={entry.notices} />
      </div>
    );
  }
  const { output, figures } = report;
  const stages = new Map<string, number>();
  for (const stage of report.stages) stages.set(stage.stage, (stages.get(stage.stage) ?? 0) + stage.seconds);
  return (
    <>
      <dl className={styles.reportGrid}>
        <dt>{t('report.file')}</dt>
        <dd>
          {output.file} · {bytes(output.sizeBytes)}
        </dd>
        <dt>{t('report.picture')}</dt>
        <dd>
          {output.width} × {output.height} · {count('frames', output.frames)} ·{' '}
          {t('output.rate.fps', { rate: output.rate })} · {t(output.verified ? 'report.verified' : 'report.unverified')}
        </dd>
        <dt>{t('report.provider')}</dt>
        <dd>
          {report.provider}
          {report.providersRefused.map(refused => (
            <div key={refused.provider} className={styles.dim}>
              {t('report.refused', refused)}
            </div>
          ))}
        </dd>
        {report.nets.length > 0 && (
          <>
            <dt>{t('report.nets')}</dt>
            <dd>{report.nets.map(net => `${net.name} (${net.licence})`).join(', ')}</dd>
          </>
        )}
        <dt>{t('report.time')}</dt>
        <dd>
          {duration(report.seconds)}
          {stages.size > 0 && (
            <span className={styles.dim}>
              {' '}
              {[...stages].map(([stage, spent]) => `${find(`stage.${stage}`, stage)} ${duration(spent)}`).join(' · ')}
            </span>
          )}
        </dd>
        {Object.entries(figures).length > 0 && (
          <>
            <dt>{t('report.figures')}</dt>
            <dd>
              {Object.entries(figures).map(([name, value]) => (
                <div key={name}>
                  <span className={styles.dim}>{find(`figure.${name}`, name)}</span> {number(Number(value), 4)}
                </div>
              ))}
            </dd>
          </>
        )}
        <dt>{t('report.seed')}</dt>
        <dd>{report.seed}</dd>
      </dl>
      <h4 className={styles.heading}>{t('report.notices')}</h4>
      {report.notices.length === 0 ? (
        <span className={styles.dim}>{t('report.notices.none')}</span>
      ) : (
        <Notices notices={report.notices} />
      )}
      <div>
        <a className={controls.link} href={session.url(httpPaths.report(job.id))} download={`${job.id}.json`}>
          {t('report.save')}
        </a>
      </div>
    </>
  );
}
