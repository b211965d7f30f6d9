/** `npm test`: sets everything up, builds, runs the tests, and closes with one line that says how many passed. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, setUp } from './set-up.mjs';

const long = process.argv.includes('--long');
setUp({ forTests: true });
const { build } = await import('./build.mjs');
await build();

const folder = mkdtempSync(join(tmpdir(), 'reverie-test-'));
const report = join(folder, 'jest.json');
const extra = process.argv.slice(2).filter(argument => argument !== '--long');
const result = spawnSync(
  process.execPath,
  [join(root, 'node_modules/jest/bin/jest.js'), '--json', `--outputFile=${report}`, '--maxWorkers=2', ...extra],
  { cwd: root, stdio: ['ignore', 2, 2], env: { ...process.env, REVERIE_LONG: long ? '1' : '' } },
);

let counts;
try {
  counts = JSON.parse(readFileSync(report, 'utf8'));
} catch {
  console.log('jest wrote no report: it stopped before running a test.');
  process.exit(result.status || 1);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
// A file that does not even load counts as one failure, else it would vanish from the line.
const failed = counts.numFailedTests + counts.numRuntimeErrorTestSuites;
for (const suite of counts.testResults) {
  for (const test of suite.assertionResults) {
    if (test.status === 'pending') console.log(`skipped: ${test.fullName}`);
  }
}
console.log(`${counts.numPassedTests} passed, ${failed} failed, ${counts.numPendingTests} skipped`);
process.exit(result.status === 0 && failed === 0 ? 0 : 1);
