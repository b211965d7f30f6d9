import {
  useEffect,
  useRef,
  useState,
  type CSSProperties,
  type KeyboardEvent,
  type MouseEvent,
  type ReactNode,
} from 'react';
import { useTexts } from '../i18n/context';
import { useBoxSize } from './box-size';
import { followMouse, snap, valueAfterKey } from './slider';
import styles from './compare.module.css';

export type CompareMode = 'source' | 'result' | 'compare';
export type Picture = { readonly url: string; readonly alt: string };

export type CompareProps = {
  readonly before?: Picture;
  readonly after?: Picture;
  readonly mode: CompareMode;
  /** Shape of the picture before anything was loaded, so that nothing moves when it comes. */
  readonly width: number;
  readonly height: number;
  /** `after` belongs to settings that were changed since. */
  readonly old?: boolean;
  /** Pixel for pixel; the picture is moved by dragging or by the arrow keys. */
  readonly zoomed?: boolean;
  readonly className?: string;
  readonly children?: ReactNode;
  /** Drawn over the picture, in its own box (shapes). */
  readonly overlay?: ReactNode;
};

/** Largest box of the picture's shape inside the room there is. */
export function fitInside(
  room: { width: number; height: number },
  shape: { width: number; height: number },
): { left: number; top: number; width: number; height: number } {
  const scale = Math.min(room.width / shape.width, room.height / shape.height);
  const [width, height] = [Math.round(shape.width * scale), Math.round(shape.height * scale)];
  return { left: Math.round((room.width - width) / 2), top: Math.round((room.height - height) / 2), width, height };
}

/** How far a picture larger than its room may be moved from the middle. */
export function clampPan(
  pan: { x: number; y: number },
  room: { width: number; height: number },
  size: { width: number; height: number },
): { x: number; y: number } {
  const reach = (inside: number, outside: number) => Math.max(0, (inside - outside) / 2);
  const clamp = (value: number, most: number) => Math.max(-most, Math.min(most, value));
  return { x: clamp(pan.x, reach(size.width, room.width)), y: clamp(pan.y, reach(size.height, room.height)) };
}

/** A picture that stays until the next one is there, so that nothing flashes in between. */
export function useLoaded(url: string | undefined): {
  readonly url?: string;
  readonly width: number;
  readonly height: number;
  readonly failed: boolean;
} {
  const [shown, setShown] = useState<{ url?: string; width: number; height: number; failed: boolean }>({
    width: 0,
    height: 0,
    failed: false,
  });
  useEffect(() => {
    if (url === undefined) {
      setShown({ width: 0, height: 0, failed: false });
      return undefined;
    }
    const image = new Image();
    image.onload = () => setShown({ url, width: image.naturalWidth, height: image.naturalHeight, failed: false });
    image.onerror = () => setShown(old => ({ ...old, failed: true }));
    image.src = url;
    return () => {
      image.onload = null;
      image.onerror = null;
    };
  }, [url]);
  return shown;
}

/** Source and result over one another, with a divider that is dragged, and a 1:1 view. */
export function Compare({
  before,
  after,
  mode,
  width,
  height,
  old,
  zoomed,
  className,
  children,
  overlay,
}: CompareProps) {
  const { t } = useTexts();
  const box = useRef<HTMLDivElement>(null);
  const picture = useRef<HTMLDivElement>(null);
  const room = useBoxSize(box);
  const [divider, setDivider] = useState(50);
  const [pan, setPan] = useState({ x: 0, y: 0 });
  const [grabbing, setGrabbing] = useState(false);
  const source = useLoaded(before?.url);
  const result = useLoaded(after?.url);

  const ratio = window.devicePixelRatio || 1;
  const pixels = Math.max(source.width, result.width, width) / ratio;
  const full = { width: pixels, height: (pixels * height) / width };
  const at = clampPan(pan, room, full);
  const fitted = fitInside(room, { width, height });
  const place: CSSProperties = zoomed
    ? {
        left: (room.width - full.width) / 2 + at.x,
        top: (room.height - full.height) / 2 + at.y,
        width: full.width,
        height: full.height,
      }
    : fitted;

  const showsResult = mode !== 'source' && result.url !== undefined;
  const showsSource = source.url !== undefined && (mode !== 'result' || !showsResult);
  const splits = mode === 'compare' && showsResult && source.url !== undefined;

  const startPan = (event: MouseEvent) => {
    if (!zoomed || event.button !== 0) return;
    const from = { x: event.clientX - at.x, y: event.clientY - at.y };
    setGrabbing(true);
    const move = (next: { clientX: number; clientY: number }) =>
      setPan(clampPan({ x: next.clientX - from.x, y: next.clientY - from.y }, room, full));
    const stop = () => {
      setGrabbing(false);
      window.removeEventListener('mousemove', move);
      window.removeEventListener('mouseup', stop);
    };
    window.addEventListener('mousemove', move);
    window.addEventListener('mouseup', stop);
  };
  const onPanKey = (event: KeyboardEvent) => {
    if (!zoomed || event.target !== event.currentTarget) return;
    const by = { ArrowLeft: [40, 0], ArrowRight: [-40, 0], ArrowUp: [0, 40], ArrowDown: [0, -40] }[event.key];
    if (!by) return;
    event.preventDefault();
    setPan(clampPan({ x: at.x + by[0], y: at.y + by[1] }, room, full));
  };
  const onDividerKey = (event: KeyboardEvent) => {
    const next = valueAfterKey(event.key, event.shiftKey, divider, 0, 100, 1);
    if (next === undefined) return;
    event.preventDefault();
    setDivider(snap(next, 0, 100, 1));
  };

  return (
    <div
      ref={box}
      className={`${styles.box} ${zoomed ? (grabbing ? styles.grabbing : styles.grab) : ''} ${className ?? ''}`}
      onMouseDown={startPan}
      onKeyDown={onPanKey}
      tabIndex={zoomed ? 0 : -1}
      role="group"
      aria-label={zoomed ? t('view.zoom.help') : t('monitor')}
    >
      {(showsSource || showsResult) && (
        <div ref={picture} className={`${styles.picture} ${showsResult ? styles.checks : ''}`} style={place}>
          {showsSource && (
            <img
              className={`${styles.layer} ${zoomed ? styles.sharp : ''}`}
              src={source.url}
              alt={before?.alt ?? ''}
              draggable={false}
              style={splits ? { clipPath: `inset(0 ${100 - divider}% 0 0)` } : undefined}
            />
          )}
          {showsResult && (
            <img
              className={`${styles.layer} ${old ? styles.old : ''} ${zoomed ? styles.sharp : ''}`}
              src={result.url}
              alt={after?.alt ?? ''}
              draggable={false}
              style={splits ? { clipPath: `inset(0 0 0 ${divider}%)` } : undefined}
            />
          )}
          {overlay}
        </div>
      )}
      {splits && (
        <div className={styles.over} style={zoomed ? undefined : { ...fitted, right: 'auto', bottom: 'auto' }}>
          <div
            className={styles.divider}
            style={{ left: `${zoomed ? dividerInRoom(divider, place, room.width) : divider}%` }}
            role="slider"
            tabIndex={0}
            aria-label={t('view.divider')}
            aria-valuemin={0}
            aria-valuemax={100}
            aria-valuenow={divider}
            onKeyDown={onDividerKey}
            onMouseDown={event => {
              event.stopPropagation();
              event.preventDefault();
              event.currentTarget.focus();
              if (picture.current)
                followMouse(picture.current, fraction => setDivider(Math.round(fraction * 1000) / 10))(event);
            }}
          />
          <span className={`${styles.tag} ${styles.tagBefore}`}>{t('view.before')}</span>
          <span className={`${styles.tag} ${styles.tagAfter}`}>{t('view.after')}</span>
        </div>
      )}
      {children}
    </div>
  );
}

function dividerInRoom(divider: number, place: CSSProperties, roomWidth: number): number {
  const x = Number(place.left) + (Number(place.width) * divider) / 100;
  return roomWidth > 0 ? (Math.max(0, Math.min(roomWidth, x)) / roomWidth) * 100 : 50;
}
