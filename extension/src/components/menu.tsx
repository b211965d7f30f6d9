import { useEffect, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import type { MenuItem } from '../host/host';
import styles from './menu.module.css';

type Open = {
  readonly x: number;
  readonly y: number;
  readonly label: string;
  readonly items: readonly MenuItem[];
  readonly onPick: (id: string) => void;
};

/** A menu of the panel's own, for hosts that have none to lend. Items with items below them become a headed group. */
export function useMenu(): {
  open: (at: { x: number; y: number }, label: string, items: readonly MenuItem[], onPick: (id: string) => void) => void;
  menu: ReactNode;
} {
  const [shown, setShown] = useState<Open>();
  return {
    open: (at, label, items, onPick) => setShown({ ...at, label, items, onPick }),
    menu: shown && <Menu {...shown} onClose={() => setShown(undefined)} />,
  };
}

function Menu({ x, y, label, items, onPick, onClose }: Open & { readonly onClose: () => void }) {
  const ref = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState({ left: x, top: y });
  useEffect(() => {
    const menu = ref.current;
    if (!menu) return undefined;
    const before = document.activeElement;
    const box = menu.getBoundingClientRect();
    setPlace({
      left: Math.max(4, Math.min(x, window.innerWidth - box.width - 4)),
      top: Math.max(4, Math.min(y, window.innerHeight - box.height - 4)),
    });
    menu.querySelector<HTMLElement>('[role=menuitem]:not(:disabled)')?.focus();
    const outside = (event: globalThis.MouseEvent) => {
      if (!menu.contains(event.target as Node)) onClose();
    };
    window.addEventListener('mousedown', outside, true);
    window.addEventListener('blur', onClose);
    return () => {
      window.removeEventListener('mousedown', outside, true);
      window.removeEventListener('blur', onClose);
      if (before instanceof HTMLElement) before.focus();
    };
    // A menu is made anew for each opening: where it was opened does not change while it stands.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  const onKeyDown = (event: KeyboardEvent) => {
    const buttons = [...event.currentTarget.querySelectorAll<HTMLElement>('[role=menuitem]:not(:disabled)')];
    const at = buttons.indexOf(document.activeElement as HTMLElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (next !== undefined) buttons[(next + buttons.length) % buttons.length]?.focus();
    else if (event.key === 'Escape' || event.key === 'Tab') onClose();
    else return;
    event.preventDefault();
  };
  const button = (item: MenuItem) => (
    <button
      key={item.id}
      type="button"
      role="menuitem"
      tabIndex={-1}
      className={styles.item}
      disabled={item.enabled === false}
      onClick={() => {
        onClose();
        onPick(item.id);
      }}
    >
      {item.label}
    </button>
  );
  return (
    <div ref={ref} className={styles.menu} style={place} role="menu" aria-label={label} onKeyDown={onKeyDown}>
      {items.map(item =>
        item.items ? (
          <div key={item.id} role="group" aria-label={item.label}>
            <div className={styles.group} aria-hidden="true">
              {item.label}
            </div>
            {item.items.map(button)}
          </div>
        ) : (
          button(item)
        ),
      )}
    </div>
  );
}
