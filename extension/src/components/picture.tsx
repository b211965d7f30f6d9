import { useState } from 'react';
import { Icon, type IconName } from './icon';

/** A picture that may not be there, or not any more: a sign stands in for it. */
export function Picture({ url, sign }: { readonly url: string | undefined; readonly sign: IconName }) {
  const [failed, setFailed] = useState<string>();
  if (url === undefined || url === failed) return <Icon name={sign} />;
  return <img src={url} alt="" draggable={false} loading="lazy" onError={() => setFailed(url)} />;
}
