import { useRef, useState, type KeyboardEvent } from 'react';
import { formatTimecode, parsePosition, type Rate } from '#protocol/time';
import { useTexts } from '../i18n/context';
import { useBoxSize } from './box-size';
import { followMouse, valueAfterKey } from './slider';
import styles from './range-strip.module.css';

export type RangeStripProps = {
  readonly frames: number;
  readonly rate: Rate;
  readonly first: number;
  readonly last: number;
  readonly playhead: number;
  readonly aspect: number;
  readonly thumbnail: (frame: number) => string;
  readonly onRange: (first: number, last: number) => void;
  readonly onPlayhead: (frame: number) => void;
};

const filmHeight = 36;
const mostThumbnails = 16;

/** The clip as a strip of pictures, with in, out and playhead; each is a slider that the keyboard moves too. */
export function RangeStrip({
  frames,
  rate,
  first,
  last,
  playhead,
  aspect,
  thumbnail,
  onRange,
  onPlayhead,
}: RangeStripProps) {
  const { t } = useTexts();
  const ref = useRef<HTMLDivElement>(null);
  const { width } = useBoxSize(ref);
  const count = Math.max(1, Math.min(mostThumbnails, frames, Math.round(width / (filmHeight * aspect))));
  /** Left edge of a frame in per cent; the out point lies at the right edge of its frame. */
  const left = (frame: number) => (frame / frames) * 100;
  const frameAtShare = (share: number) => Math.max(0, Math.min(frames - 1, Math.floor(share * frames)));
  const follow = (onMove: (share: number) => void) => (event: React.MouseEvent<HTMLElement>) => {
    event.stopPropagation();
    event.preventDefault();
    event.currentTarget.focus();
    if (ref.current) followMouse(ref.current, onMove)(event);
  };
  const handle = (name: string, value: number, low: number, high: number, set: (frame: number) => void) => ({
    role: 'slider',
    tabIndex: 0,
    'aria-label': name,
    'aria-valuemin': low,
    'aria-valuemax': high,
    'aria-valuenow': value,
    'aria-valuetext': t('range.position', { timecode: formatTimecode(value, rate), frame: value }),
    onKeyDown(event: KeyboardEvent) {
      const next = valueAfterKey(event.key, event.shiftKey, value, low, high, 1);
      if (next === undefined) return;
      event.preventDefault();
      set(Math.max(low, Math.min(high, Math.round(next))));
    },
  });
  return (
    <div
      ref={ref}
      className={styles.strip}
      role="group"
      aria-label={t('range')}
      onMouseDown={follow(share => onPlayhead(frameAtShare(share)))}
    >
      <div className={styles.film}>
        {width > 0 &&
          Array.from({ length: count }, (_, index) => {
            const frame = Math.min(frames - 1, Math.floor(((index + 0.5) / count) * frames));
            return <img key={index} className={styles.thumb} src={thumbnail(frame)} alt="" draggable={false} />;
          })}
      </div>
      <div className={styles.outside} style={{ left: 0, width: `${left(first)}%` }} />
      <div className={styles.outside} style={{ left: `${left(last + 1)}%`, right: 0 }} />
      <div className={styles.inside} style={{ left: `${left(first)}%`, width: `${left(last + 1 - first)}%` }} />
      <div
        {...handle(t('range.in'), first, 0, last, frame => onRange(frame, last))}
        className={`${styles.edge} ${styles.edgeIn}`}
        style={{ left: `${left(first)}%` }}
        onMouseDown={follow(share => onRange(Math.min(last, Math.round(share * frames)), last))}
      />
      <div
        {...handle(t('range.out'), last, first, frames - 1, frame => onRange(first, frame))}
        className={`${styles.edge} ${styles.edgeOut}`}
        style={{ left: `${left(last + 1)}%` }}
        onMouseDown={follow(share => onRange(first, Math.max(first, Math.round(share * frames) - 1)))}
      />
      <div
        {...handle(t('range.playhead'), playhead, 0, frames - 1, onPlayhead)}
        className={styles.playhead}
        style={{ left: `${left(playhead + 0.5)}%` }}
        onMouseDown={follow(share => onPlayhead(frameAtShare(share)))}
      />
    </div>
  );
}

/** A position as timecode, typed as timecode, frame number or seconds ("2.5s"). */
export function TimeField({
  label,
  frame,
  rate,
  onChange,
}: {
  label: string;
  frame: number;
  rate: Rate;
  onChange: (frame: number) => void;
}) {
  const [typed, setTyped] = useState<string>();
  const read = (text: string): number | undefined => {
    try {
      return parsePosition(text, rate);
    } catch {
      return undefined;
    }
  };
  const wrong = typed !== undefined && read(typed) === undefined;
  const commit = () => {
    const next = typed === undefined ? undefined : read(typed);
    setTyped(undefined);
    if (next !== undefined && next !== frame) onChange(next);
  };
  return (
    <label className={styles.field}>
      <span>{label}</span>
      <input
        className={`${styles.time} ${wrong ? styles.wrong : ''}`}
        type="text"
        value={typed ?? formatTimecode(frame, rate)}
        aria-invalid={wrong}
        onFocus={event => event.target.select()}
        onChange={event => setTyped(event.target.value)}
        onBlur={commit}
        onKeyDown={event => {
          if (event.key === 'Enter') commit();
          else if (event.key === 'Escape') setTyped(undefined);
          else if (event.key === 'ArrowUp' || event.key === 'ArrowDown') {
            event.preventDefault();
            setTyped(undefined);
            onChange(Math.max(0, frame + (event.key === 'ArrowUp' ? 1 : -1) * (event.shiftKey ? 10 : 1)));
          }
        }}
        spellCheck={false}
        autoComplete="off"
      />
      <span className={styles.frames}>{frame}</span>
    </label>
  );
}

export const fieldsClass = styles.fields;
