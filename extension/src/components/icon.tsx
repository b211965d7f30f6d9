import styles from './controls.module.css';

/** Line drawings on a 16 by 16 grid. */
const shapes = {
  close: 'M4 4l8 8M12 4l-8 8',
  down: 'M3.5 6l4.5 4.5L12.5 6',
  right: 'M6 3.5L10.5 8 6 12.5',
  plus: 'M8 3v10M3 8h10',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  play: 'M5 3l8 5-8 5z',
  stop: 'M4 4h8v8H4z',
  trash: 'M3 4.5h10M6.5 4V2.5h3V4M4.5 4.5l.6 9h5.8l.6-9M7 7v4M9 7v4',
  save: 'M8 2v8M4.5 7L8 10.5 11.5 7M2.5 13.5h11',
  place: 'M2 11h12M2 13.5h12M4 8.5h8v-4H4z',
  film: 'M2 3.5h12v9H2zM5 3.5v9M11 3.5v9M2 8h3M11 8h3',
  picture: 'M2 3h12v10H2zM2 11l3.5-3.5L9 11l2-2 3 3M10.5 6h.01',
  join: 'M3 2.5v3.2A2.3 2.3 0 005.3 8h5.4A2.3 2.3 0 0013 5.7V2.5M8 8v5.5M5.8 11.3L8 13.5l2.2-2.2',
  undo: 'M3 6.5h6.5a3.5 3.5 0 010 7H6M3 6.5l3-3M3 6.5l3 3',
  warn: 'M8 2.5l6.2 11H1.8zM8 6.5v3.4M8 11.7v.01',
  check: 'M3 8.5l3.2 3.2L13 4.8',
  layers: 'M8 2l6 3-6 3-6-3zM2 8l6 3 6-3M2 11l6 3 6-3',
  zoom: 'M7 2.5a4.5 4.5 0 100 9 4.5 4.5 0 000-9zM10.3 10.3L14 14',
  refresh: 'M13 4v3h-3M12.7 7A5 5 0 103 9.5',
  setIn: 'M6 3H3v10h3M8 8h6',
  setOut: 'M10 3h3v10h-3M2 8h6',
  dot: 'M8 5.5a2.5 2.5 0 100 5 2.5 2.5 0 000-5z',
  sparkle: 'M8 2l1.4 4.6L14 8l-4.6 1.4L8 14l-1.4-4.6L2 8l4.6-1.4z',
  grow: 'M2.5 2.5h5v5h-5zM9 9h4.5v4.5M13.5 13.5L8.5 8.5',
  clock: 'M8 2.5a5.5 5.5 0 100 11 5.5 5.5 0 000-11zM8 5v3.2l2.2 1.4',
  gear: 'M8 5.8a2.2 2.2 0 100 4.4 2.2 2.2 0 000-4.4zM8 1.8v2M8 12.2v2M1.8 8h2M12.2 8h2M3.6 3.6l1.4 1.4M11 11l1.4 1.4M12.4 3.6L11 5M5 11l-1.4 1.4',
  key: 'M5.5 5.5a2.7 2.7 0 100 5.4 2.7 2.7 0 000-5.4zM8.1 8.2H14M12 8.2v2.3',
} as const;
export type IconName = keyof typeof shapes;

/** A drawing beside words or inside a named button: never the only name of something. */
export function Icon({ name, className }: { name: IconName; className?: string }) {
  return (
    <svg className={`${styles.iconGlyph} ${className ?? ''}`} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={shapes[name]} />
    </svg>
  );
}
