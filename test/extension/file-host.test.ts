import { createFileHost } from '../../extension/src/host/file';
import { describeHost } from '../conformance/host';
import { makeClip } from './make';

const bytes = new TextEncoder().encode('the bytes of a film, which nobody decodes here');
const film = () => new File([bytes], 'shot.mov');

describeHost('file', async () => {
  const saved: string[] = [];
  const host = createFileHost({ resultUrl: job => `http://bridge/jobs/${job}/result`, save: url => saved.push(url) });
  host.takeFile?.(film());
  host.learnClip?.(makeClip());
  return {
    host,
    sourceBytes: bytes,
    placed: () => saved.length,
    makeResult: job => ({ job, path: '', name: 'shot.mov', frames: 200, rate: { num: 50, den: 1 }, width: 640, height: 360, labels: {} }),
  };
});

test('nothing is marked before the bridge has said what the file is', async () => {
  const host = createFileHost({ resultUrl: String, save: () => undefined });
  await expect(host.readRange()).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  host.takeFile?.(film());
  await expect(host.readRange()).rejects.toMatchObject({ code: 'FILE_NOT_FOUND', details: { path: 'shot.mov' } });
  host.learnClip?.(makeClip({ frames: 7 }));
  expect((await host.readRange()).range).toEqual({ first: 0, last: 6, rate: { num: 25, den: 1 } });
});

test('another file is not taken for the one before', async () => {
  const host = createFileHost({ resultUrl: String, save: () => undefined });
  host.takeFile?.(film());
  host.learnClip?.(makeClip());
  host.takeFile?.(new File(['x'], 'other.mov'));
  await expect(host.readRange()).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
});

test('the system going from dark to light is followed', () => {
  let listener: (() => void) | undefined;
  const query = { matches: false, addEventListener: (_: string, next: () => void) => (listener = next), removeEventListener: () => (listener = undefined) };
  const host = createFileHost({ resultUrl: String, save: () => undefined, matchMedia: () => query as never });
  const seen: boolean[] = [];
  const stop = host.watchTheme(theme => seen.push(theme.dark));
  query.matches = true;
  listener?.();
  expect(seen).toEqual([true, false]);
  stop();
  expect(listener).toBeUndefined();
});
