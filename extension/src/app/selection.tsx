import { useEffect, useRef, useState, type KeyboardEvent, type MouseEvent } from 'react';
import { formatTimecode } from '#protocol/time';
import type { TimelineClip } from '#protocol/timeline';
import { useMenu } from '../components/menu';
import { Picture } from '../components/picture';
import type { Unsubscribe } from '../host/host';
import { useTexts } from '../i18n/context';
import { clipMenu, presetOfItem } from './clip-menu';
import { useApp, useSession } from './context';
import { usePresetTitle } from './preset-chooser';
import { Wishes } from './wishes';
import styles from './selection.module.css';

/**
 * The host's selection, mirrored, or what lies under its playhead. A right-click on a clip (the menu key, Enter, a
 * click) offers what can be made of it.
 */
export function Selection() {
  const { t } = useTexts();
  const session = useSession();
  const { host } = session;
  const { clips, range } = useApp(state => state.selection);
  const presets = useApp(state => state.presets);
  const title = usePresetTitle();
  const { open, menu } = useMenu();
  const offered = useRef<Unsubscribe>(undefined);
  const list = useRef<HTMLUListElement>(null);
  const [current, setCurrent] = useState<string>();
  const reached = clips.some(clip => clip.key === current) ? current : clips[0]?.key;
  const isSelection = clips.some(clip => clip.selected);

  const pickFor = (clip: TimelineClip) => (id: string) => {
    const preset = presetOfItem(id);
    if (preset) session.choosePreset(preset);
    // Clips that are selected and follow one another are one piece; any other clip is meant alone.
    if (clip.selected && range?.origin === 'selection') session.stylizeSelection();
    else session.stylizePart({ clip: clip.key });
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
    if (clip.kind !== 'refused') offered.current = host.offerMenu?.(items(), pickFor(clip));
  };
  const withdraw = () => {
    offered.current?.();
    offered.current = undefined;
  };
  useEffect(() => withdraw, []);
  /** The panel's own menu: at the pointer, or below the clip where a key was pressed, which brings no place of its own. */
  const openMenu = (event: MouseEvent, clip: TimelineClip) => {
    event.preventDefault();
    if (clip.kind === 'refused') return;
    const box = event.currentTarget.getBoundingClientRect();
    const isKey = event.clientX === 0 && event.clientY === 0;
    const at = isKey ? { x: box.left + 20, y: box.bottom } : { x: event.clientX, y: event.clientY };
    open(at, t('selection.menu', { name: clip.name }), items(), pickFor(clip));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const rows = [...(list.current?.querySelectorAll<HTMLElement>('[data-clip]') ?? [])];
    const at = rows.findIndex(row => row.dataset.clip === reached);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    rows[Math.max(0, Math.min(rows.length - 1, next))]?.focus();
  };
  const heading = t(clips.length > 0 && !isSelection ? 'selection.playhead' : 'selection');

  return (
    <section className={styles.selection} aria-label={heading}>
      <h2 className={styles.heading}>{heading}</h2>
      {clips.length === 0 && <p className={styles.dim}>{t('selection.none')}</p>}
      <ul ref={list} className={styles.clips} aria-label={heading} onKeyDown={onKeyDown}>
        {clips.map(clip => (
          <li key={clip.key}>
            <button
              type="button"
              className={styles.clip}
              data-clip={clip.key}
              tabIndex={clip.key === reached ? 0 : -1}
              aria-haspopup={clip.kind === 'refused' ? undefined : 'menu'}
              aria-disabled={clip.kind === 'refused'}
              onMouseEnter={() => offer(clip)}
              onMouseLeave={withdraw}
              onFocus={() => {
                setCurrent(clip.key);
                offer(clip);
              }}
              onBlur={withdraw}
              onContextMenu={event => {
                if (!offered.current) openMenu(event, clip);
              }}
              onClick={event => openMenu(event, clip)}
            >
              <ClipLine clip={clip} />
            </button>
          </li>
        ))}
      </ul>
      {clips.length > 0 && <p className={styles.dim}>{t('selection.help')}</p>}
      <Wishes />
      {menu}
    </section>
  );
}

function ClipLine({ clip }: { clip: TimelineClip }) {
  const { t, find } = useTexts();
  const { first, last, rate } = clip.range;
  const reasons = clip.reasons.map(reason => find(`selection.reason.${reason}`, reason)).join(' ');
  return (
    <>
      <Glimpse clip={clip} />
      <span className={styles.words} title={reasons}>
        <span className={styles.name}>{clip.name}</span>
        <span className={styles.dim}>
          {formatTimecode(first, rate)} – {formatTimecode(last, rate)}
        </span>
        {clip.kind !== 'plain' && (
          <span className={clip.kind === 'refused' ? styles.refused : styles.dim}>
            {t(`selection.${clip.kind}`)}
            {reasons && ` · ${reasons}`}
          </span>
        )}
      </span>
    </>
  );
}

/** How the clip begins; a sign where there is no file, or none that can be read. */
function Glimpse({ clip }: { clip: TimelineClip }) {
  const session = useSession();
  const path = useApp(state => state.glimpses[clip.key]);
  return (
    <span className={styles.picture}>
      <Picture url={path && session.url(path)} sign={clip.kind === 'refused' ? 'warn' : 'film'} />
    </span>
  );
}
