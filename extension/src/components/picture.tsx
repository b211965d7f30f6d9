import { useState } from 'react';
import { Icon, type IconName } from './icon';
import styles from './picture.module.css';

/** A small picture that may not be there, or not any more: a sign stands in for it. */
export function Picture({ url, sign = 'picture' }: { readonly url: string | undefined; readonly sign?: IconName }) {
  const [failed, setFailed] = useState<string>();
  return (
    <span className={styles.well}>
      {url === undefined || url === failed ? (
        <Icon name={sign} />
      ) : (
        <img src={url} alt="" draggable={false} loading="lazy" onError={() => setFailed(url)} />
      )}
    </span>
  );
}
