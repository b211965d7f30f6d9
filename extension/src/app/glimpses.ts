import type { RequestOf } from '#protocol/messages';
import type { TimelineClip } from '#protocol/timeline';
import type { Connection } from '../bridge/connection';
import type { Store } from './store';

/** As many as the bridge takes at once. */
const atOnce = 40;

type Glimpse = RequestOf<'glimpses'>['of'][number];

/** The moment of its file with which a clip begins; undefined for what the application draws itself. */
function glimpseOf({ mediaPath, sourceIn }: TimelineClip): Glimpse | undefined {
  if (!mediaPath) return undefined;
  const { frame, rate } = sourceIn ?? { frame: 0, rate: { num: 25, den: 1 } };
  return { path: mediaPath, seconds: (Math.max(0, frame) * rate.den) / rate.num };
}

/** Keeps small pictures of the mirrored clips in step with the timeline. Without one a clip is shown by its name alone. */
export function createGlimpser(store: Store, connection: Connection) {
  let shown: readonly TimelineClip[] | undefined;

  async function ask(clips: readonly TimelineClip[]) {
    const wanted = clips.flatMap(clip => {
      const of = glimpseOf(clip);
      return of ? [{ key: clip.key, of }] : [];
    });
    const found: Record<string, string> = {};
    for (let from = 0; from < wanted.length; from += atOnce) {
      const part = wanted.slice(from, from + atOnce);
      const { paths } = await connection.request('glimpses', { of: part.map(({ of }) => of) });
      if (store.get().selection.clips !== clips) return;
      part.forEach(({ key }, index) => {
        const path = paths[index];
        if (path !== null) found[key] = path;
      });
      store.dispatch({ type: 'glimpses', glimpses: { ...found } });
    }
  }

  function follow() {
    const { selection, connection: line } = store.get();
    if (selection.clips === shown || line.status !== 'open') return;
    shown = selection.clips;
    // Whatever fails here is told where it matters: when the clip is sent.
    if (shown.length > 0) ask(shown).catch(() => undefined);
  }
  return {
    follow,
    /** A bridge that was started again gives other addresses. */
    again() {
      shown = undefined;
      follow();
    },
  };
}
