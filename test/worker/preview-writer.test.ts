import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFrame } from '../../bridge-server/src/frame/frame';
import { createPreviewWriter } from '../../bridge-server/src/worker/preview-writer';

test('previews are written small, whole, and not more often than the eye follows', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'reverie-preview-'));
  try {
    const written: string[] = [];
    const writer = createPreviewWriter(
      folder,
      (_frame, file) => written.push(file),
      problem => written.push(String(problem)),
    );
    for (let frame = 0; frame < 10; frame++) writer.offer(frame, createFrame(1280, 720, frame), true);
    await writer.settled();
    expect(written).toEqual(['0.jpg']);
    expect(readdirSync(folder)).toEqual(['0.jpg']);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a preview that cannot be written is a line in the log, not the end of the job', async () => {
  const problems: unknown[] = [];
  const writer = createPreviewWriter(
    '/dev/null/previews',
    () => undefined,
    problem => problems.push(problem),
  );
  writer.offer(0, createFrame(16, 16), true);
  await writer.settled();
  expect(problems.length).toBe(1);
});
