import { Button } from '../components/button';
import { Trouble } from '../components/trouble';
import { useTexts } from '../i18n/context';
import { useApp, useSession } from './context';
import styles from './render.module.css';

/** What it will cost, and the button. */
export function Footer() {
  const { t, count, bytes, duration } = useTexts();
  const session = useSession();
  const quoted = useApp(state => state.quote);
  const ready = useApp(state => state.source.phase === 'ready');
  const canStart = useApp(
    state =>
      state.connection.status === 'open' &&
      state.draft !== undefined &&
      !state.submitting &&
      (state.source.phase === 'ready' ||
        (session.host.capabilities.range === 'timeline' && state.source.phase !== 'busy')),
  );
  const submitting = useApp(state => state.submitting);
  const quote = quoted.phase === 'known' ? quoted.quote : quoted.phase === 'asked' ? quoted.last : undefined;
  return (
    <div className={styles.footer}>
      {quoted.phase === 'failed' && ready ? (
        <div className={styles.quote}>
          <Trouble error={quoted.error} />
        </div>
      ) : (
        <dl className={`${styles.quote} ${quoted.phase === 'asked' ? styles.quoteOld : ''}`} aria-live="polite">
          {quote && ready ? (
            <>
              <div>
                <dt>{t('quote.size')}</dt>
                <dd>
                  {quote.width} × {quote.height}
                </dd>
              </div>
              <div>
                <dt>{t('quote.length')}</dt>
                <dd>{count('frames', quote.frames)}</dd>
              </div>
              <div title={`${t('quote.memory')} ${bytes(quote.estimate.memoryBytes)}`}>
                <dt>{t('quote.result')}</dt>
                <dd>{bytes(quote.resultBytes)}</dd>
              </div>
              <div>
                <dt>{t('quote.disk')}</dt>
                <dd>{bytes(quote.estimate.diskBytes)}</dd>
              </div>
              <div title={t(quote.estimate.basis === 'calibrated' ? 'quote.measured' : 'quote.rough')}>
                <dt>{t('quote.time')}</dt>
                <dd>
                  {quote.estimate.basis === 'calibrated'
                    ? duration(quote.estimate.seconds)
                    : t('time.about', { time: duration(quote.estimate.seconds) })}
                </dd>
              </div>
              {quote.smaller && (
                <div data-offer={quote.smaller.lines}>
                  <dt>{t('quote.fitsBadly')}</dt>
                  <dd>
                    <Button
                      title={t('quote.smaller.help', {
                        memory: bytes(quote.smaller.estimate.memoryBytes),
                        disk: bytes(quote.smaller.estimate.diskBytes),
                      })}
                      onClick={() => session.useSettings(quote.smaller!.preset)}
                    >
                      {t('quote.smaller', {
                        lines: quote.smaller.lines,
                        time: duration(quote.smaller.estimate.seconds),
                      })}
                    </Button>
                  </dd>
                </div>
              )}
            </>
          ) : (
            <div>
              <dt>{ready && quoted.phase === 'asked' ? t('quote.working') : '\u00a0'}</dt>
            </div>
          )}
        </dl>
      )}
      <Button
        look="primary"
        big
        icon="sparkle"
        disabled={!canStart}
        title={t('stylize.help')}
        onClick={session.stylize}
      >
        {t(submitting ? 'stylize.starting' : 'stylize')}
      </Button>
    </div>
  );
}
