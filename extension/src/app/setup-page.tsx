import { useEffect } from 'react';
import { httpPaths } from '#protocol/http';
import type { Check } from '#protocol/messages';
import { Button } from '../components/button';
import { Progress, Row, Select, useFileChooser } from '../components/fields';
import { Icon } from '../components/icon';
import { saveFrom } from '../components/save-text';
import { Trouble } from '../components/trouble';
import { useTexts } from '../i18n/context';
import { useApp, useSession } from './context';
import { ExportSettings } from './export-settings';
import { HostChecks } from './host-checks';
import type { Settings } from './state';
import styles from './list.module.css';

function Checks({ heading, checks }: { heading: string; checks: readonly Check[] }) {
  const { t, find } = useTexts();
  if (checks.length === 0) return null;
  return (
    <section aria-label={heading}>
      <h2 className={styles.heading}>{heading}</h2>
      <ul className={styles.list}>
        {checks.map(check => (
          <li key={check.what} className={styles.item} data-check={check.what} data-ok={check.ok}>
            <span
              className={check.ok ? styles.good : styles.bad}
              title={t(check.ok ? 'setup.good' : 'setup.bad')}
              role="img"
              aria-label={t(check.ok ? 'setup.good' : 'setup.bad')}
            >
              <Icon name={check.ok ? 'check' : 'warn'} />
            </span>
            <span className={styles.words}>
              <span className={styles.name}>{find(`check.${check.what}`, check.what)}</span>
              <span className={`${styles.dim} ${styles.found}`}>{check.found}</span>
              {!check.ok && check.remedy && <span className={styles.found}>{check.remedy}</span>}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

const netFiles = '.onnx,.caffemodel,.param,.bin,.tflite,.pth';

function Nets() {
  const { t, bytes } = useTexts();
  const session = useSession();
  const nets = useApp(state => state.nets);
  const coming = useApp(state => state.netComing);
  const connected = useApp(state => state.connection.status === 'open');
  const chooser = useFileChooser(netFiles, true, session.importNet);
  return (
    <section aria-label={t('setup.nets')}>
      {chooser.input}
      <div className={styles.bar}>
        <h2 className={styles.heading}>{t('setup.nets')}</h2>
        <span className={styles.spring} />
        <Button
          title={t('setup.nets.import.help')}
          onClick={chooser.open}
          disabled={!connected || coming !== undefined}
        >
          {t('setup.nets.import')}
        </Button>
      </div>
      {coming && <Progress label={t('setup.nets.importing', { name: coming.name })} done={coming.done} />}
      <ul className={styles.list}>
        {nets.map(net => (
          <li key={net.name} className={styles.item} data-net={net.name}>
            <span className={net.installed ? styles.good : styles.dim}>
              <Icon name={net.installed ? 'check' : 'dot'} />
            </span>
            <span className={styles.words}>
              <span className={`${styles.name} ${styles.clamp}`}>{net.title}</span>
              <span className={`${styles.dim} ${styles.clamp}`} title={net.origin}>
                {net.installed ? t(`net.${net.kind}`) : t('net.missing')} ·{' '}
                {t('net.size', { size: bytes(net.sizeBytes), licence: net.licence })}
              </span>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** What is there, what is missing, what to do; and the panel's own few settings. */
export function SetupPage() {
  const { t, count } = useTexts();
  const session = useSession();
  const setup = useApp(state => state.setup);
  const connection = useApp(state => state.connection);
  const language = useApp(state => state.settings.language);
  const connected = connection.status === 'open';
  const untouched = setup.phase === 'none';
  useEffect(() => {
    if (connected && untouched) session.checkSetup();
  }, [connected, untouched, session]);
  const last = setup.phase === 'known' || setup.phase === 'asked' ? setup.last : undefined;
  const problems = last ? [...last.bridge, ...last.host].filter(check => !check.ok).length : 0;
  return (
    <div className={styles.page}>
      <div className={styles.bar}>
        <Button
          look="primary"
          icon="refresh"
          onClick={session.checkSetup}
          disabled={!connected || setup.phase === 'asked'}
        >
          {t('setup.check')}
        </Button>
        <Button
          icon="save"
          title={t('setup.sendReport.help')}
          disabled={!connected}
          onClick={() => saveFrom(session.url(httpPaths.support))}
        >
          {t('setup.sendReport')}
        </Button>
        <span className={styles.dim} role="status">
          {setup.phase === 'asked'
            ? t('setup.checking')
            : last && connected
              ? problems === 0
                ? t('setup.allGood')
                : count('setup.problems', problems)
              : ''}
        </span>
      </div>
      {setup.phase === 'failed' && <Trouble error={setup.error} />}
      {last && <Checks heading={t('setup.host')} checks={last.host} />}
      {connected && (
        <Checks
          heading={t('setup.bridge')}
          checks={[
            {
              what: 'connection',
              ok: true,
              found: t('connection.open', { bridge: connection.bridge, provider: connection.provider }),
            },
            ...(last?.bridge ?? []),
          ]}
        />
      )}
      <ExportSettings />
      <HostChecks />
      <section className={styles.narrow} aria-label={t('setup.panel')}>
        <h2 className={styles.heading}>{t('setup.panel')}</h2>
        <Row label={t('setup.language')}>
          <Select<Settings['language']>
            label={t('setup.language')}
            value={language}
            options={[
              { value: 'auto', label: t('setup.language.auto') },
              { value: 'en', label: t('setup.language.en') },
              { value: 'fr', label: t('setup.language.fr') },
            ]}
            onChange={next => session.changeSettings({ language: next })}
          />
        </Row>
      </section>
      <Nets />
    </div>
  );
}
