#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const program = join(dirname(dirname(fileURLToPath(import.meta.url))), 'dist', 'server', 'cli.js');
if (!existsSync(program)) {
  console.error('Reverie is not built yet. Run: npm ci && npm run build');
  process.exit(2);
}
createRequire(import.meta.url)(program);
