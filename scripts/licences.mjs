/**
 * Lists the licences of everything that travels with Reverie: `node scripts/licences.mjs` writes LICENSES/dependencies.md
 * from the lockfile, `--check` only says whether it is up to date and whether each licence is one that was thought about.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const target = join(root, 'LICENSES/dependencies.md');

/** May be linked into an MIT program with no more than their notice. */
const free = ['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', '0BSD', '(MIT OR CC0-1.0)', 'BlueOak-1.0.0'];
/** Others, and why they may come along. */
const reasons = [
  [/^@img\/sharp(-libvips)?-/, 'libvips is a library of its own, loaded at run time and replaceable (LGPL)'],
  [/^@ffmpeg-installer\//, 'ffmpeg is a program of its own, started by Reverie where none is installed; never linked'],
];

/** @returns rows of packages that are installed for use, not for development, by name and version */
export function licences() {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  return Object.entries(packages)
    .filter(([path, about]) => path !== '' && !about.dev && !about.link)
    .map(([path, { version, license, optional }]) => {
      const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
      const licence = /ffmpeg\.git/.test(license ?? '') ? 'LGPL-2.1' : (license ?? 'unknown');
      const reason = free.includes(licence) ? '' : reasons.find(([pattern]) => pattern.test(name))?.[1];
      return { name, version, licence, optional: optional === true, reason };
    })
    .sort((a, b) => (`${a.name} ${a.version}` < `${b.name} ${b.version}` ? -1 : 1));
}

export function licenceText(rows = licences()) {
  const unique = rows.filter(
    (row, index) => index === 0 || row.name !== rows[index - 1].name || row.version !== rows[index - 1].version,
  );
  return [
    '# Licences of the packages that Reverie uses',
    '',
    'Written by `node scripts/licences.mjs` from the lockfile. Optional ones are installed where they fit the machine.',
    '',
    '| package | version | licence | |',
    '| --- | --- | --- | --- |',
    ...unique.map(
      row =>
        `| ${row.name} | ${row.version} | ${row.licence} | ${[row.optional ? 'optional' : '', row.reason ?? ''].filter(Boolean).join('; ')} |`,
    ),
    '',
  ].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const rows = licences();
  for (const row of rows.filter(({ reason }) => reason === undefined))
    console.error(`${row.name} ${row.version} is under ${row.licence}: nobody has thought about that.`);
  const text = licenceText(rows);
  const same = existsSync(target) && readFileSync(target, 'utf8') === text;
  if (process.argv.includes('--check')) {
    if (!same) console.error('LICENSES/dependencies.md is not up to date: node scripts/licences.mjs');
    process.exitCode = same && rows.every(({ reason }) => reason !== undefined) ? 0 : 1;
  } else if (!same) writeFileSync(target, text);
}
