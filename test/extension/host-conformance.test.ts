import { describeHost } from '../conformance/host';
import { createFileHost } from '../../extension/src/host/file';
import { makeAfterEffects } from './make-after-effects';
import { makePremiere } from './make-premiere';
import { makePremiereUxp } from './make-premiere-uxp';

describeHost('file', async () => {
  const host = createFileHost({ resultUrl: job => `/results/${job}`, save: () => undefined });
  return {
    host,
    mark() {
      host.takeFile?.(new File(['bytes of a clip'], 'clip.mov'));
      host.learnClip?.({
        sha256: 'a'.repeat(64),
        name: 'clip.mov',
        frames: 20,
        width: 640,
        height: 360,
        rate: { num: 25, den: 1 },
      } as never);
    },
    makeResult: async (job, range) => ({
      job,
      path: '',
      name: 'r.mov',
      frames: 40,
      rate: { num: 50, den: 1 },
      width: range.sequence.width,
      height: range.sequence.height,
      labels: {},
    }),
  };
});

describeHost('premiere-cep', async () => {
  const it = await makePremiere();
  return { host: it.host, mark: it.mark, makeResult: it.makeResult, timeline: it.timeline, close: it.close };
});

describeHost('aftereffects-cep', async () => {
  const it = await makeAfterEffects();
  return { host: it.host, mark: it.mark, makeResult: it.makeResult, timeline: it.timeline, close: it.close };
});

describeHost('premiere-uxp', async () => {
  const it = await makePremiereUxp();
  return { host: it.host, mark: it.mark, makeResult: it.makeResult, timeline: it.timeline, close: it.close };
});
