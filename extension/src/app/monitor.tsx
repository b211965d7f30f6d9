import { useEffect, useState } from 'react';
import { httpPaths } from '#protocol/http';
import { formatTimecode, frameCount } from '#protocol/time';
import { Button } from '../components/button';
import { Compare, type CompareMode } from '../components/compare';
import { Choice, Progress, Toggle, useRested } from '../components/fields';
import { fieldsClass, RangeStrip, TimeField } from '../components/range-strip';
import { Trouble } from '../components/trouble';
import { useTexts } from '../i18n/context';
import { useApp, useSession } from './context';
import { stillKey } from './preview';
import { ShapesOverlay } from './shapes';
import styles from './render.module.css';

/** While a hand moves the playhead, no picture is fetched for frames that it only passes. */
const scrubRestMs = 40;
const monitorWidth = 1280;

/** The frame under the playhead, before and after, and the strip to move in. */
export function Monitor() {
  const { t, count } = useTexts();
  const session = useSession();
  const source = useApp(state => state.source);
  const range = useApp(state => state.range);
  const playhead = useApp(state => state.playhead);
  const still = useApp(state => state.still);
  const live = useApp(state => state.settings.livePreview);
  const key = useApp(stillKey);
  const [mode, setMode] = useState<CompareMode>('compare');
  const [zoomed, setZoomed] = useState(false);
  const shownFrame = useRested(playhead, scrubRestMs);
  useEffect(() => {
    // As in every editing program: I and O mark in and out at the playhead, unless something is being typed.
    const onKeyDown = (event: KeyboardEvent) => {
      const typing =
        event.target instanceof Element && event.target.closest('input:not([type=file]), select, textarea');
      if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === 'i') session.setRange(playhead, Math.max(playhead, range.last));
      else if (event.key === 'o') session.setRange(Math.min(playhead, range.first), playhead);
    };
    window.addEventListener('keydown', onKeyDown);
    return () => window.removeEventListener('keydown', onKeyDown);
  }, [session, playhead, range]);
  if (source.phase !== 'ready') return null;
  const { clip } = source;

  const path = still.phase === 'done' || still.phase === 'asked' ? still.path : undefined;
  const pathKey = still.phase === 'done' ? still.key : still.phase === 'asked' ? still.pathKey : undefined;
  const old = path !== undefined && pathKey !== key;
  const coming = still.phase === 'asked';
  const frameUrl = session.url(httpPaths.clipFrame(clip.sha256, shownFrame), zoomed ? undefined : monitorWidth);

  return (
    <>
      <Compare
        className={styles.monitor}
        mode={mode}
        width={clip.width}
        height={clip.height}
        zoomed={zoomed}
        old={old}
        before={{ url: frameUrl, alt: t('view.frame', { frame: shownFrame }) }}
        after={path === undefined ? undefined : { url: session.url(path), alt: t('view.painted', { frame: playhead }) }}
        overlay={<ShapesOverlay />}
      >
        {coming && (
          <div className={styles.overlayState}>
            <Progress
              label={t('still.waiting')}
              done={still.done > 0 ? still.done / Math.max(1, still.total) : undefined}
            />
          </div>
        )}
      </Compare>
      {still.phase === 'failed' && still.key === key && <Trouble error={still.error} />}
      <div className={styles.tools}>
        <div className={styles.modes}>
          <Choice
            label={t('view.modes')}
            value={mode}
            options={[
              { value: 'source', label: t('view.source') },
              { value: 'compare', label: t('view.compare') },
              { value: 'result', label: t('view.result') },
            ]}
            onChange={setMode}
          />
        </div>
        <Button pressed={zoomed} onClick={() => setZoomed(!zoomed)} title={t('view.zoom.help')}>
          {t('view.zoom')}
        </Button>
        <Toggle
          showLabel
          label={t('still.live')}
          title={t('still.live.help')}
          value={live}
          onChange={livePreview => session.changeSettings({ livePreview })}
        />
        {!live && (
          <Button look="quiet" icon="refresh" onClick={session.paintStill}>
            {t('still.now')}
          </Button>
        )}
        <span className={styles.spring} />
        <span className={styles.stillState} role="status">
          {coming
            ? still.done > 0
              ? t('still.coming', { done: still.done, total: still.total })
              : t('still.waiting')
            : old
              ? t('still.old')
              : ''}
        </span>
      </div>
      <RangeStrip
        frames={clip.frames}
        rate={clip.rate}
        first={range.first}
        last={range.last}
        playhead={playhead}
        aspect={clip.width / clip.height}
        thumbnail={frame => session.url(httpPaths.clipFrame(clip.sha256, frame), 120)}
        onRange={session.setRange}
        onPlayhead={session.setPlayhead}
      />
      <div className={fieldsClass}>
        <TimeField label={t('range.playhead')} frame={playhead} rate={clip.rate} onChange={session.setPlayhead} />
        <span className={styles.spring} />
        <Button
          icon="setIn"
          look="quiet"
          title={t('range.setIn')}
          onClick={() => session.setRange(playhead, Math.max(playhead, range.last))}
        />
        <Button
          icon="setOut"
          look="quiet"
          title={t('range.setOut')}
          onClick={() => session.setRange(Math.min(playhead, range.first), playhead)}
        />
      </div>
      <div className={fieldsClass}>
        <TimeField
          label={t('range.in')}
          frame={range.first}
          rate={clip.rate}
          onChange={frame => session.setRange(frame, Math.max(frame, range.last))}
        />
        <TimeField
          label={t('range.out')}
          frame={range.last}
          rate={clip.rate}
          onChange={frame => session.setRange(Math.min(frame, range.first), frame)}
        />
        <span className={styles.spring} />
        <span className={styles.dim}>
          {t('range.length', {
            timecode: formatTimecode(frameCount({ ...range, rate: clip.rate }), clip.rate),
            frames: count('frames', frameCount({ ...range, rate: clip.rate })),
          })}
        </span>
        {(range.first > 0 || range.last < clip.frames - 1) && (
          <Button look="link" onClick={() => session.setRange(0, clip.frames - 1)}>
            {t('range.all')}
          </Button>
        )}
      </div>
    </>
  );
}
