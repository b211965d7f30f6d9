import { useEffect, useRef, type MouseEvent } from 'react';
import { formatTimecode } from '#protocol/time';
import type { TimelineClip } from '#protocol/timeline';
import { Button } from '../components/button';
import { Icon } from '../components/icon';
import { useMenu } from '../components/menu';
import type { Unsubscribe } from '../host/host';
import { useTexts } from '../i18n/context';
import { clipMenu, presetOfItem } from './clip-menu';
import { useApp, useSession } from './context';
import { usePresetTitle } from './preset-chooser';
import styles from './render.module.css';

/** The host's selection, mirrored. A right-click on a clip (or the menu key) offers what can be made of it. */
export function Selection() {
  const { t, find } = useTexts();
  const session = useSession();
  const { host } = session;
  const selection = useApp(state => state.selection);
  const presets = useApp(state => state.presets);
  const title = usePresetTitle();
  const { open, menu } = useMenu();
  const offered = useRef<Unsubscribe>(undefined);

  const pick = (id: string) => {
    const preset = presetOfItem(id);
    if (preset) session.choosePreset(preset);
    session.stylizeSelection();
  };
  const items = () => {
    const labels = {
      stylize: t('stylize'),
      stylizeWith: t('selection.stylizeWith'),
      dream: t('selection.dream'),
      upscale: t('selection.upscale'),
      zoom: t('selection.zoom'),
    };
    return clipMenu(presets, labels, ({ preset, builtIn }) => title(preset, builtIn));
  };
  /** The host's menu cannot be opened from here, only laid ready: it lies ready while the pointer or the focus is on a clip. */
  const offer = (clip: TimelineClip) => {
    withdraw();
    if (clip.kind !== 'refused') offered.current = host.offerMenu?.(items(), pick);
  };
  const withdraw = () => {
    offered.current?.();
    offered.current = undefined;
  };
  useEffect(() => withdraw, []);
  const onContextMenu = (event: MouseEvent, clip: TimelineClip) => {
    if (offered.current) return;
    event.preventDefault();
    if (clip.kind === 'refused') return;
    const box = event.currentTarget.getBoundingClientRect();
    // The menu key and Shift+F10 bring no place of their own.
    const at =
      event.clientX === 0 && event.clientY === 0
        ? { x: box.left + 20, y: box.bottom }
        : { x: event.clientX, y: event.clientY };
    open(at, t('selection.menu', { name: clip.name }), items(), pick);
  };
  const reasons = (clip: TimelineClip) => clip.reasons.map(reason => find(`selection.reason.${reason}`, reason));

  return (
    <section className={styles.selection} aria-label={t('selection')}>
      <div className={styles.presetHead}>
        <h2 className={styles.presetTitle}>{t('selection')}</h2>
        <Button onClick={session.readTimeline}>{t('clip.timeline.read')}</Button>
      </div>
      {selection.clips.length === 0 && <span className={styles.dim}>{t('selection.none')}</span>}
      <ul>
        {selection.clips.map(clip => (
          <li
            key={clip.key}
            className={styles.selected}
            title={reasons(clip).join('\n')}
            tabIndex={0}
            aria-haspopup="menu"
            data-clip={clip.key}
            onMouseEnter={() => offer(clip)}
            onMouseLeave={withdraw}
            onFocus={() => offer(clip)}
            onBlur={withdraw}
            onContextMenu={event => onContextMenu(event, clip)}
          >
            <Icon name={clip.kind === 'refused' ? 'warn' : 'film'} />
            <span className={styles.clipName}>
              <span className={styles.name}>{clip.name}</span>
              <span className={styles.dim}>
                {formatTimecode(clip.range.first, clip.range.rate)} – {formatTimecode(clip.range.last, clip.range.rate)}
                {clip.kind === 'plain' ? '' : ` · ${t(`selection.${clip.kind}`)}`}
              </span>
              {clip.kind !== 'plain' && clip.reasons.length > 0 && (
                <span className={styles.dim}>{reasons(clip).join(' ')}</span>
              )}
            </span>
          </li>
        ))}
      </ul>
      {menu}
    </section>
  );
}
