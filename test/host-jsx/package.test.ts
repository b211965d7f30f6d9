import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

test('links, empty files and Finder’s notes stay out of a package, which would load as a blank panel', () => {
  const folder = mkdtempSync(join(tmpdir(), 'reverie-package-'));
  writeFileSync(join(folder, 'full.js'), 'x');
  writeFileSync(join(folder, 'empty.js'), '');
  writeFileSync(join(folder, '.DS_Store'), 'x');
  mkdirSync(join(folder, 'sub'));
  symlinkSync('full.js', join(folder, 'link.js'));
  const ask = `import { belongs } from ${JSON.stringify(join(__dirname, '../../scripts/package.mjs'))};
    console.log(JSON.stringify(${JSON.stringify(['full.js', 'empty.js', '.DS_Store', 'link.js', 'sub'].map(name => join(folder, name)))}.map(belongs)));`;
  const answer = execFileSync(process.execPath, ['--input-type=module', '-e', ask], { encoding: 'utf8' });
  rmSync(folder, { recursive: true });
  expect(JSON.parse(answer)).toEqual([true, false, false, false, true]);
});
