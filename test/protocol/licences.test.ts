import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

test('the list of licences is up to date, and each is one that may come along', () => {
  const { status, stderr } = spawnSync(process.execPath, [join(__dirname, '../../scripts/licences.mjs'), '--check'], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
});
