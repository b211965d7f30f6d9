import type { MouseEvent } from 'react';
import { toAppError } from '#protocol/errors';
import { formatTimecode } from '#protocol/time';
import type { TimelineClip } from '#protocol/timeline';
import { Button } from '../components/button';
import { Icon } from '../components/icon';
import { useMenu } from '../components/menu';
import type { MenuItem } from '../host/host';
import { useTexts } from '../i18n/context';
import { useApp, useSession } from './context';
import { usePresetTitle } from './preset-chooser';
import styles from './render.module.css';

const stylizeItem = 'stylize';
const presetItem = 'preset:';

/** The host's selection, mirrored. A right-click on a clip (or the menu key) offers Stylize, with the preset or another. */
export function Selection() {
  const { t } = useTexts();
  const session = useSession();
  const selection = useApp(state => state.selection);
  const presets = useApp(state => state.presets);
  const title = usePresetTitle();
  const { open, menu } = useMenu();

  const pick = (id: string | undefined) => {
    if (id?.startsWith(presetItem)) session.choosePreset(id.slice(presetItem.length));
    if (id !== undefined) session.stylizeSelection();
  };
  const onContextMenu = (event: MouseEvent, clip: TimelineClip) => {
    event.preventDefault();
    if (clip.kind === 'refused') return;
    const items: readonly MenuItem[] = [
      { id: stylizeItem, label: t('stylize') },
      {
        id: 'with',
        label: t('selection.stylizeWith'),
        items: presets.map(({ preset, builtIn }) => ({ id: presetItem + preset.name, label: title(preset, builtIn) })),
      },
    ];
    const { host } = session;
    if (host.capabilities.nativeMenu && host.showMenu) {
      host.showMenu(items).then(pick, thrown => session.say(toAppError(thrown).toJSON()));
    } else {
      const box = event.currentTarget.getBoundingClientRect();
      // The menu key and Shift+F10 bring no place of their own.
      const at =
        event.clientX === 0 && event.clientY === 0
          ? { x: box.left + 20, y: box.bottom }
          : { x: event.clientX, y: event.clientY };
      open(at, t('selection.menu', { name: clip.name }), items, pick);
    }
  };

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
            title={clip.reasons.join('\n')}
            tabIndex={0}
            aria-haspopup="menu"
            data-clip={clip.key}
            onContextMenu={event => onContextMenu(event, clip)}
          >
            <Icon name={clip.kind === 'refused' ? 'warn' : 'film'} />
            <span className={styles.clipName}>
              <span className={styles.name}>{clip.name}</span>
              <span className={styles.dim}>
                {formatTimecode(clip.range.first, clip.range.rate)} – {formatTimecode(clip.range.last, clip.range.rate)}
                {clip.kind === 'plain' ? '' : ` · ${t(`selection.${clip.kind}`)}`}
              </span>
            </span>
          </li>
        ))}
      </ul>
      {menu}
    </section>
  );
}
