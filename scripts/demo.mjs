/** `npm run demo [-- CLIP]`: sets everything up, renders a clip with a built-in style and shows it beside its source. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root, setUp } from './set-up.mjs';

setUp();
const { build } = await import('./build.mjs');
await build(['server']);
const result = spawnSync(process.execPath, [join(root, 'scripts/reverie.mjs'), 'demo', ...process.argv.slice(2)], {
  stdio: 'inherit',
});
process.exit(result.status ?? 130);
