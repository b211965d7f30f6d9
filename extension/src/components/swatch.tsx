import { useState } from 'react';
import { Icon } from './icon';
import styles from './controls.module.css';

/** A small picture; a plain sign where the bridge has none, never a broken one. */
export function Swatch({ url, className }: { url: string; className?: string }) {
  const [missing, setMissing] = useState<string>();
  if (missing === url) {
    return (
      <span className={`${styles.swatchMissing} ${className ?? ''}`} aria-hidden="true">
        <Icon name="picture" />
      </span>
    );
  }
  return <img className={className} src={url} alt="" draggable={false} onError={() => setMissing(url)} />;
}
