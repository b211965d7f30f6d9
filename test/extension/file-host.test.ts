import { createHash } from 'node:crypto';
import { hashSource } from '../../extension/src/bridge/bytes';
import { createFileHost } from '../../extension/src/host/file';
import { makeClip } from './make';

const bytes = new TextEncoder().encode('the bytes of a film, which nobody decodes here');
const film = () => new File([bytes], 'shot.mov');
const idle = { signal: new AbortController().signal, report: () => undefined };

test('the bytes that are sent are those of the chosen file', async () => {
  const host = createFileHost({ resultUrl: String, save: () => undefined });
  host.takeFile?.(film());
  host.learnClip?.(makeClip());
  const exported = await host.exportRange(await host.readRange(), idle);
  expect(exported).toMatchObject({ name: 'shot.mov', isSource: true });
  const source = await host.openBytes(exported);
  expect(await hashSource(source)).toBe(createHash('sha256').update(bytes).digest('hex'));
});

test('a result is saved from the bridge, under its own name', async () => {
  const saved: string[][] = [];
  const host = createFileHost({
    resultUrl: job => `http://bridge/jobs/${job}/result`,
    save: (...what) => saved.push(what),
  });
  const result = {
    job: 'job-1',
    path: '',
    name: 'shot-default.mov',
    frames: 200,
    rate: { num: 50, den: 1 },
    width: 640,
    height: 360,
    labels: {},
  };
  const at = { sequence: 'x', range: { first: 0, last: 99, rate: { num: 25, den: 1 } }, sourceTrack: 0 };
  expect(await host.importClip(result, at, idle)).toEqual({ outcome: 'downloaded' });
  expect(saved).toEqual([['http://bridge/jobs/job-1/result', 'shot-default.mov']]);
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
  const query = {
    matches: false,
    addEventListener: (_: string, next: () => void) => (listener = next),
    removeEventListener: () => (listener = undefined),
  };
  const host = createFileHost({ resultUrl: String, save: () => undefined, matchMedia: () => query as never });
  const seen: boolean[] = [];
  const stop = host.watchTheme(theme => seen.push(theme.dark));
  query.matches = true;
  listener?.();
  expect(seen).toEqual([true, false]);
  stop();
  expect(listener).toBeUndefined();
});
