import { useState } from 'react';
import { toAppError } from '#protocol/errors';
import { Button } from '../components/button';
import { Icon } from '../components/icon';
import type { HostProbe, HostReport } from '../host/host';
import { useTexts } from '../i18n/context';
import { useSession } from './context';
import styles from './list.module.css';

function Probe({ question, answer, details }: HostProbe) {
  const { t } = useTexts();
  const isGood = answer === 'as-expected';
  return (
    <li className={styles.item} data-probe={question} data-answer={answer}>
      <span
        className={isGood ? styles.good : styles.bad}
        role="img"
        title={t(`setup.probe.${answer}`)}
        aria-label={t(`setup.probe.${answer}`)}
      >
        <Icon name={isGood ? 'check' : 'warn'} />
      </span>
      <span className={styles.words}>
        <span className={styles.name}>{t(`setup.probe.question.${question}`)}</span>
        {!isGood && <span className={`${styles.dim} ${styles.found}`}>{details}</span>}
      </span>
    </li>
  );
}

/** Asks the host what only it can answer. */
export function HostChecks() {
  const { t } = useTexts();
  const session = useSession();
  const { host } = session;
  const [isRunning, setRunning] = useState(false);
  const [report, setReport] = useState<HostReport>();
  if (!host.runHostChecks) return null;
  const run = () => {
    setRunning(true);
    const context = { signal: new AbortController().signal, report: () => undefined };
    host
      .runHostChecks?.(context)
      .then(setReport, thrown => session.say(toAppError(thrown).toJSON()))
      .finally(() => setRunning(false));
  };
  return (
    <section aria-label={t('setup.probe')}>
      <div className={styles.bar}>
        <Button onClick={run} disabled={isRunning} title={t('setup.probe.help')}>
          {isRunning ? t('setup.probe.running') : t('setup.probe')}
        </Button>
        <span className={styles.dim} role="status">
          {report && !isRunning ? t('setup.probe.saved', { path: report.path }) : ''}
        </span>
      </div>
      <p className={styles.dim}>{t('setup.probe.help')}</p>
      {report && (
        <ul className={styles.list}>
          {report.probes.map(probe => (
            <Probe key={probe.question} {...probe} />
          ))}
        </ul>
      )}
    </section>
  );
}
