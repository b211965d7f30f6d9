import { useEffect, useMemo, type KeyboardEvent } from 'react';
import type { ErrorJson } from '#protocol/errors';
import { Button } from '../components/button';
import { Icon } from '../components/icon';
import { Trouble } from '../components/trouble';
import { TextsContext, useTexts } from '../i18n/context';
import { chooseLanguage, createTexts } from '../i18n/texts';
import { useApp, useSession } from './context';
import { DreamPage } from './dream-page';
import { isUnderWay } from './jobs';
import { JobsPage } from './jobs-page';
import { PresetsPage } from './presets-page';
import { RenderPage } from './render-page';
import { SectionsPage } from './sections-page';
import { SetupPage } from './setup-page';
import { pages, type Page } from './state';
import { applyTheme } from './theme';
import styles from './app.module.css';

const screens: Readonly<Record<Page, () => React.JSX.Element>> = {
  render: RenderPage,
  jobs: JobsPage,
  presets: PresetsPage,
  dream: DreamPage,
  sections: SectionsPage,
  setup: SetupPage,
};

export function App({ languages }: { languages: readonly string[] }) {
  const setting = useApp(state => state.settings.language);
  const theme = useApp(state => state.theme);
  const language = chooseLanguage(setting, languages);
  const texts = useMemo(() => createTexts(language), [language]);
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  useEffect(() => {
    if (theme) applyTheme(theme, document.documentElement);
  }, [theme]);
  return (
    <TextsContext.Provider value={texts}>
      <Frame />
    </TextsContext.Provider>
  );
}

function Frame() {
  const { t } = useTexts();
  const session = useSession();
  const page = useApp(state => state.page);
  const underWay = useApp(state => Object.values(state.jobs).filter(entry => isUnderWay(entry.job.status)).length);
  const Screen = screens[page];
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = pages[(pages.indexOf(page) + step + pages.length) % pages.length];
    session.go(next);
    event.currentTarget.querySelector<HTMLElement>(`[data-page=${next}]`)?.focus();
  };
  return (
    <div className={styles.app}>
      <header className={styles.top}>
        <span className={styles.brand}>Reverie</span>
        <div className={styles.tabs} role="tablist" aria-label={t('pages')} onKeyDown={onKeyDown}>
          {pages.map(each => (
            <button
              key={each}
              type="button"
              role="tab"
              id={`tab-${each}`}
              data-page={each}
              aria-selected={each === page}
              aria-controls="page"
              tabIndex={each === page ? 0 : -1}
              aria-label={each === 'setup' ? t('page.setup') : undefined}
              title={t(`page.${each}`)}
              className={[
                styles.tab,
                each === page ? styles.tabOn : '',
                each === 'setup' ? styles.tabLast : '',
                each === 'jobs' && underWay > 0 ? styles.tabCounted : '',
              ].join(' ')}
              onClick={() => session.go(each)}
            >
              {each === 'setup' ? <Icon name="gear" /> : t(`page.${each}`)}
              {each === 'jobs' && underWay > 0 && <span className={styles.badge}>{underWay}</span>}
            </button>
          ))}
        </div>
        <Lamp />
      </header>
      <ConnectionLine />
      <main className={styles.main} id="page" role="tabpanel" aria-labelledby={`tab-${page}`}>
        <Screen />
      </main>
      <Messages />
    </div>
  );
}

function Lamp() {
  const { t } = useTexts();
  const connection = useApp(state => state.connection);
  const words =
    connection.status === 'open'
      ? t('connection.open', { bridge: connection.bridge, provider: connection.provider })
      : t(`connection.${connection.status}`);
  const look =
    connection.status === 'open'
      ? styles.lampOn
      : connection.status === 'refused' || connection.status === 'closed'
        ? styles.lampOff
        : '';
  return (
    <div className={styles.light} title={words} role="status" aria-label={words} data-connection={connection.status}>
      <span className={`${styles.lamp} ${look}`} />
    </div>
  );
}

/** Only while something is wrong with the connection. */
function ConnectionLine() {
  const { t } = useTexts();
  const session = useSession();
  const connection = useApp(state => state.connection);
  if (connection.status !== 'lost' && connection.status !== 'refused') return null;
  const isGone = connection.error.code === 'BRIDGE_UNREACHABLE';
  return (
    <div className={styles.line}>
      <Trouble
        error={connection.error.toJSON()}
        remedy={isGone && !session.canStartBridge ? t('connection.startByHand') : undefined}
      >
        {session.canStartBridge && isGone ? (
          <Button onClick={session.startBridge}>{t('connection.start')}</Button>
        ) : (
          <Button onClick={session.retryConnection}>{t('connection.retry')}</Button>
        )}
      </Trouble>
    </div>
  );
}

function Messages() {
  const { t } = useTexts();
  const session = useSession();
  const messages = useApp(state => state.messages);
  if (messages.length === 0) return null;
  return (
    <div className={styles.messages} role="region" aria-label={t('messages')}>
      {messages.map(message => (
        <div key={message.id}>
          {message.error && (
            <Trouble error={message.error as ErrorJson}>
              <Button icon="close" look="quiet" title={t('dismiss')} onClick={() => session.dismiss(message.id)} />
            </Trouble>
          )}
        </div>
      ))}
    </div>
  );
}
