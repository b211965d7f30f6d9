import type { ReactNode } from 'react';
import type { ErrorJson } from '#protocol/errors';
import { useTexts } from '../i18n/context';
import { Icon } from './icon';
import styles from './controls.module.css';

/** A failure in plain words: what happened, and what to do. */
export function Trouble({ error, children }: { error: ErrorJson; children?: ReactNode }) {
  const { cause, remedy } = useTexts();
  return (
    <div className={styles.trouble} role="alert" data-code={error.code}>
      <Icon name="warn" className={styles.troubleMark} />
      <span className={styles.troubleCause}>{cause(error)}</span>
      <span className={styles.troubleRemedy}>{remedy(error)}</span>
      {children && <span className={styles.troubleActions}>{children}</span>}
    </div>
  );
}
