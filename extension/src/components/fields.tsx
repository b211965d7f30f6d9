import { useEffect, useId, useRef, useState, type DragEvent, type KeyboardEvent, type ReactNode } from 'react';
import { digitsOf } from '../app/form';
import { useTexts } from '../i18n/context';
import { Icon } from './icon';
import { snap } from './slider';
import styles from './controls.module.css';

/** A line of a form: name on the left, control on the right; the sentence about it as a tooltip and for screen readers. */
export function Row({
  label,
  help,
  children,
  tall,
}: {
  label: string;
  help?: string;
  children: ReactNode;
  tall?: boolean;
}) {
  return (
    <div className={`${styles.row} ${tall ? styles.rowTall : ''}`} title={help} role="group" aria-label={label}>
      <span className={styles.rowLabel} aria-hidden="true">
        {label}
      </span>
      <div className={styles.rowValue}>{children}</div>
    </div>
  );
}

export type NumberFieldProps = {
  readonly label: string;
  readonly value: number;
  readonly min?: number;
  readonly max?: number;
  readonly step: number;
  readonly onChange: (value: number) => void;
  readonly disabled?: boolean;
};

/** Both "1.5" and "1,5"; undefined for what is not a number. */
export function readNumber(text: string): number | undefined {
  const plain = text
    .trim()
    .replace(/[\s\u00a0\u202f]/g, '')
    .replace(',', '.');
  if (!/^[+-]?(\d+\.?\d*|\.\d+)$/.test(plain)) return undefined;
  return Number(plain);
}

/** A number that is typed; the arrow keys step it, Escape takes the typing back. */
export function NumberField({
  label,
  value,
  min = -Infinity,
  max = Infinity,
  step,
  onChange,
  disabled,
}: NumberFieldProps) {
  const { plain } = useTexts();
  const shown = plain(value, digitsOf(step));
  const [typed, setTyped] = useState<string>();
  const commit = () => {
    const next = typed === undefined ? undefined : readNumber(typed);
    setTyped(undefined);
    if (next === undefined) return;
    const low = Number.isFinite(min) ? min : 0;
    const snapped =
      Number.isFinite(min) || Number.isFinite(max)
        ? snap(Math.max(min, Math.min(max, next)), low, Number.isFinite(max) ? max : Infinity, step)
        : next;
    if (snapped !== value) onChange(snapped);
  };
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.key === 'Enter') commit();
    else if (event.key === 'Escape') setTyped(undefined);
    else if (event.key === 'ArrowUp' || event.key === 'ArrowDown') {
      event.preventDefault();
      const by = step * (event.shiftKey ? 10 : 1) * (event.key === 'ArrowUp' ? 1 : -1);
      setTyped(undefined);
      onChange(snap(Math.max(min, Math.min(max, value + by)), Number.isFinite(min) ? min : 0, max, step));
    }
  };
  return (
    <input
      className={styles.number}
      type="text"
      inputMode="decimal"
      aria-label={label}
      value={typed ?? shown}
      disabled={disabled}
      onFocus={event => event.target.select()}
      onChange={event => setTyped(event.target.value)}
      onBlur={commit}
      onKeyDown={onKeyDown}
      spellCheck={false}
      autoComplete="off"
    />
  );
}

export type Option<T extends string> = { readonly value: T; readonly label: string; readonly disabled?: boolean };

/** Two or three short words stand side by side; anything longer is a list. */
export function Choice<T extends string>({
  label,
  value,
  options,
  onChange,
  asList,
}: {
  label: string;
  value: T;
  options: readonly Option<T>[];
  onChange: (value: T) => void;
  asList?: boolean;
}) {
  const letters = options.reduce((sum, option) => sum + option.label.length, 0);
  if (asList || options.length > 4 || letters + options.length * 3 > 32)
    return <Select label={label} value={value} options={options} onChange={onChange} />;
  const onKeyDown = (event: KeyboardEvent) => {
    const step =
      event.key === 'ArrowRight' || event.key === 'ArrowDown'
        ? 1
        : event.key === 'ArrowLeft' || event.key === 'ArrowUp'
          ? -1
          : 0;
    if (step === 0) return;
    event.preventDefault();
    const at = options.findIndex(option => option.value === value);
    const next = options[(at + step + options.length) % options.length];
    onChange(next.value);
    const buttons = event.currentTarget.querySelectorAll<HTMLElement>('[role=radio]');
    buttons[options.indexOf(next)]?.focus();
  };
  const chosen = options.some(option => option.value === value);
  return (
    <div className={styles.segments} role="radiogroup" aria-label={label} onKeyDown={onKeyDown}>
      {options.map((option, index) => (
        <button
          key={option.value}
          type="button"
          role="radio"
          aria-checked={option.value === value}
          tabIndex={option.value === value || (!chosen && index === 0) ? 0 : -1}
          className={`${styles.segment} ${option.value === value ? styles.segmentOn : ''}`}
          disabled={option.disabled}
          onClick={() => onChange(option.value)}
          title={option.label}
        >
          {option.label}
        </button>
      ))}
    </div>
  );
}

export function Select<T extends string>({
  label,
  value,
  options,
  onChange,
}: {
  label: string;
  value: T;
  options: readonly Option<T>[];
  onChange: (value: T) => void;
}) {
  return (
    <span className={styles.selectBox}>
      <select
        className={styles.select}
        aria-label={label}
        value={value}
        onChange={event => onChange(event.target.value as T)}
      >
        {options.map(option => (
          <option key={option.value} value={option.value} disabled={option.disabled}>
            {option.label}
          </option>
        ))}
      </select>
      <Icon name="down" className={styles.selectArrow} />
    </span>
  );
}

export function Toggle({
  label,
  value,
  onChange,
  showLabel,
  title,
}: {
  label: string;
  value: boolean;
  onChange: (value: boolean) => void;
  showLabel?: boolean;
  title?: string;
}) {
  const id = useId();
  const knob = (
    <button
      type="button"
      role="switch"
      aria-checked={value}
      aria-label={showLabel ? undefined : label}
      aria-labelledby={showLabel ? id : undefined}
      className={`${styles.switch} ${value ? styles.switchOn : ''}`}
      onClick={() => onChange(!value)}
    />
  );
  if (!showLabel) return knob;
  return (
    <span className={styles.switchLabel} title={title}>
      {knob}
      <span id={id} onClick={() => onChange(!value)}>
        {label}
      </span>
    </span>
  );
}

/** Typed words that count when Enter is pressed or the field is left. */
export function TextField({
  label,
  value,
  onChange,
  onEnter,
  placeholder,
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  onEnter?: () => void;
  placeholder?: string;
}) {
  return (
    <input
      className={styles.text}
      type="text"
      aria-label={label}
      placeholder={placeholder}
      value={value}
      onChange={event => onChange(event.target.value)}
      onKeyDown={event => event.key === 'Enter' && onEnter?.()}
      spellCheck={false}
      autoComplete="off"
    />
  );
}

export function Progress({ label, done }: { label: string; done: number | undefined }) {
  return (
    <div
      className={styles.progress}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={done === undefined ? undefined : Math.round(done * 100)}
    >
      <div
        className={`${styles.progressFill} ${done === undefined ? styles.progressUnknown : ''}`}
        style={done === undefined ? undefined : { width: `${done * 100}%` }}
      />
    </div>
  );
}

/** An area that takes dropped files. */
export function DropArea({
  hint,
  onFiles,
  children,
  className,
}: {
  hint: string;
  onFiles: (files: File[]) => void;
  children: ReactNode;
  className?: string;
}) {
  const [over, setOver] = useState(0);
  const holdsFiles = (event: DragEvent) => Array.from(event.dataTransfer.types).includes('Files');
  return (
    <div
      className={`${styles.drop} ${over > 0 ? styles.dropOver : ''} ${className ?? ''}`}
      data-drop={hint}
      onDragEnter={event => holdsFiles(event) && setOver(count => count + 1)}
      onDragLeave={event => holdsFiles(event) && setOver(count => Math.max(0, count - 1))}
      onDragOver={event => {
        if (!holdsFiles(event)) return;
        event.preventDefault();
        event.dataTransfer.dropEffect = 'copy';
      }}
      onDrop={event => {
        if (!holdsFiles(event)) return;
        event.preventDefault();
        event.stopPropagation();
        setOver(0);
        const files = Array.from(event.dataTransfer.files);
        if (files.length > 0) onFiles(files);
      }}
    >
      {children}
    </div>
  );
}

/** Opens the system's file chooser; gives back a function that does. */
export function useFileChooser(
  accept: string,
  multiple: boolean,
  onFiles: (files: File[]) => void,
): { open: () => void; input: ReactNode } {
  const ref = useRef<HTMLInputElement>(null);
  const input = (
    <input
      ref={ref}
      type="file"
      className={styles.hidden}
      accept={accept}
      multiple={multiple}
      tabIndex={-1}
      aria-hidden="true"
      onChange={event => {
        const files = Array.from(event.target.files ?? []);
        // The same file may be chosen again after a failure.
        event.target.value = '';
        if (files.length > 0) onFiles(files);
      }}
    />
  );
  return { open: () => ref.current?.click(), input };
}

/** A value that follows its source, and meanwhile may run ahead of it while a hand moves it. */
export function useRested<T>(value: T, afterMs: number): T {
  const [rested, setRested] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), afterMs);
    return () => clearTimeout(timer);
  }, [value, afterMs]);
  return rested;
}
