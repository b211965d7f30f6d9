import { useRef, type KeyboardEvent, type MouseEvent } from 'react';
import { digitsOf } from '../app/form';
import styles from './controls.module.css';

export type SliderProps = {
  readonly label: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly onChange: (value: number) => void;
  /** What a screen reader says instead of the bare number. */
  readonly valueText?: string;
  /** Double-click goes back to it. */
  readonly initial?: number;
  readonly disabled?: boolean;
};

/** The nearest value that the step allows, counted from the smallest. */
export function snap(value: number, min: number, max: number, step: number): number {
  const snapped = min + Math.round((value - min) / step) * step;
  return Number(Math.max(min, Math.min(max, snapped)).toFixed(digitsOf(step)));
}

/** Where a key leads, or undefined for a key that is not for sliders. */
export function valueAfterKey(
  key: string,
  shift: boolean,
  value: number,
  min: number,
  max: number,
  step: number,
): number | undefined {
  const far = shift ? 10 : 1;
  const page = Math.max(step, (max - min) / 10);
  switch (key) {
    case 'ArrowRight':
    case 'ArrowUp':
      return value + step * far;
    case 'ArrowLeft':
    case 'ArrowDown':
      return value - step * far;
    case 'PageUp':
      return value + page;
    case 'PageDown':
      return value - page;
    case 'Home':
      return min;
    case 'End':
      return max;
    default:
      return undefined;
  }
}

/** Follows the mouse until its button is let go, wherever it goes; calls with 0 to 1 across `element`. */
export function followMouse(element: HTMLElement, onMove: (fraction: number) => void): (event: MouseEvent) => void {
  return event => {
    if (event.button !== 0) return;
    const move = (at: { clientX: number }) => {
      const box = element.getBoundingClientRect();
      if (box.width > 0) onMove(Math.max(0, Math.min(1, (at.clientX - box.left) / box.width)));
    };
    const stop = () => {
      window.removeEventListener('mousemove', move);
      window.removeEventListener('mouseup', stop);
    };
    window.addEventListener('mousemove', move);
    window.addEventListener('mouseup', stop);
    move(event);
  };
}

export function Slider({ label, value, min, max, step, onChange, valueText, initial, disabled }: SliderProps) {
  const ref = useRef<HTMLDivElement>(null);
  const share = max > min ? ((Math.max(min, Math.min(max, value)) - min) / (max - min)) * 100 : 0;
  const zero = min < 0 && max > 0 ? (-min / (max - min)) * 100 : 0;
  const set = (next: number) => {
    const snapped = snap(next, min, max, step);
    if (snapped !== value) onChange(snapped);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const next = valueAfterKey(event.key, event.shiftKey, value, min, max, step);
    if (next === undefined || disabled) return;
    event.preventDefault();
    set(next);
  };
  return (
    <div
      ref={ref}
      className={`${styles.slider} ${disabled ? styles.disabled : ''}`}
      role="slider"
      tabIndex={disabled ? -1 : 0}
      aria-label={label}
      aria-valuemin={min}
      aria-valuemax={max}
      aria-valuenow={value}
      aria-valuetext={valueText}
      aria-disabled={disabled}
      onKeyDown={onKeyDown}
      onMouseDown={event => {
        if (!disabled && ref.current) followMouse(ref.current, fraction => set(min + fraction * (max - min)))(event);
      }}
      onDoubleClick={() => initial !== undefined && !disabled && set(initial)}
    >
      <div className={styles.sliderTrack}>
        <div
          className={styles.sliderFill}
          style={{ left: `${Math.min(share, zero)}%`, width: `${Math.abs(share - zero)}%` }}
        />
      </div>
      <div className={styles.sliderThumb} style={{ left: `${share}%` }} />
    </div>
  );
}
