import { Button } from '../components/button';
import { Progress, useFileChooser } from '../components/fields';
import { Icon } from '../components/icon';
import { Trouble } from '../components/trouble';
import { useTexts } from '../i18n/context';
import { useApp, useSession } from './context';
import styles from './render.module.css';

const clipFiles = 'video/*,image/*,.mov,.mp4,.mxf,.mkv,.avi,.webm,.m4v,.png,.tif,.tiff';

function useClipButton() {
  const session = useSession();
  const chooser = useFileChooser(clipFiles, false, files => session.openFile(files[0]));
  const timeline = session.host.capabilities.range === 'timeline';
  const isInOut = useApp(state => state.selection.range?.origin === 'in-out');
  return {
    input: timeline ? null : chooser.input,
    choose: timeline ? () => session.readTimeline() : chooser.open,
    timeline,
    readText: isInOut ? 'clip.timeline.readInOut' : 'clip.timeline.read',
  } as const;
}

/** Name and figures of the clip, and the way to another. */
export function ClipBar() {
  const { t, count, rate } = useTexts();
  const source = useApp(state => state.source);
  const { input, choose, timeline, readText } = useClipButton();
  if (source.phase !== 'ready') return null;
  const { clip, name } = source;
  const details = t('clip.details', {
    width: clip.width,
    height: clip.height,
    rate: rate(clip.rate),
    frames: count('frames', clip.frames),
  });
  const variable = clip.variableRate ? t('clip.variableRate', { rate: rate(clip.rate) }) : undefined;
  return (
    <div className={styles.clipBar}>
      {input}
      <Icon name="film" />
      <div className={styles.clipName} title={[name, details, variable].filter(Boolean).join('\n')}>
        <span className={styles.name}>{name}</span>
        <span className={styles.dim}>
          {details}
          {variable ? ` · ${variable}` : ''}
        </span>
      </div>
      <Button onClick={choose}>{t(timeline ? readText : 'clip.change')}</Button>
    </div>
  );
}

/** In the monitor's place until there is a clip: the invitation, the way of the bytes, or what went wrong. */
export function ClipStage() {
  const { t, bytes } = useTexts();
  const session = useSession();
  const source = useApp(state => state.source);
  const connected = useApp(state => state.connection.status === 'open');
  const { input, choose, timeline, readText } = useClipButton();
  return (
    <div className={`${styles.monitor} ${styles.empty}`}>
      {input}
      {source.phase === 'busy' && (
        <div className={styles.busy} role="status">
          <div className={styles.busyLine}>
            <span className={styles.presetTitle}>{t(`step.${source.step}`, { name: source.name })}</span>
            <Button look="link" onClick={session.stopReading}>
              {t('clip.stop')}
            </Button>
          </div>
          <Progress label={t(`step.${source.step}`, { name: source.name })} done={source.done} />
          <span className={styles.dim}>
            {source.doneBytes !== undefined && source.totalBytes !== undefined
              ? t('step.bytes', { done: bytes(source.doneBytes), total: bytes(source.totalBytes) })
              : '\u00a0'}
          </span>
        </div>
      )}
      {source.phase === 'failed' && (
        <div className={styles.busy}>
          <Trouble error={source.error} />
        </div>
      )}
      {source.phase === 'none' && (
        <>
          <Icon name="film" />
          <span className={styles.emptyTitle}>{t(timeline ? 'clip.timeline.none' : 'clip.none')}</span>
          {!timeline && <span className={styles.dim}>{t('clip.none.hint')}</span>}
        </>
      )}
      {source.phase !== 'busy' && (
        <Button look="primary" onClick={choose} disabled={!connected}>
          {t(timeline ? readText : 'clip.choose')}
        </Button>
      )}
    </div>
  );
}
