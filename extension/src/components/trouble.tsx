import type { ReactNode } from 'react';
import type { ErrorJson } from '#protocol/errors';
import { useTexts } from '../i18n/context';
import { Icon } from './icon';
import styles from './controls.module.css';

type TroubleProps = {
  readonly error: ErrorJson;
  /** What to do in this place, where the usual advice does not fit. */
  readonly remedy?: string;
  readonly children?: ReactNode;
};

/** A failure in plain words: what happened, and what to do. */
export function Trouble({ error, remedy, children }: TroubleProps) {
  const texts = useTexts();
  return (
    <div className={styles.trouble} role="alert" data-code={error.code}>
      <Icon name="warn" className={styles.troubleMark} />
      <span className={styles.troubleCause}>{texts.cause(error)}</span>
      <span className={styles.troubleRemedy}>{remedy ?? texts.remedy(error)}</span>
      {children && <span className={styles.troubleActions}>{children}</span>}
    </div>
  );
}
