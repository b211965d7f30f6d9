/**
 * Compiles `*.as.ts` (AssemblyScript) to WebAssembly and writes it as text into a TypeScript file, so that it travels
 * through every bundler and test runner without a rule of its own. The result is committed; `test/stages/dis.test.ts`
 * fails when it no longer belongs to its sources.
 *   node scripts/build-wasm.mjs [--check]
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const folder = join(root, 'bridge-server/src/stages/flow');
const entry = 'dis.as.ts';
const target = join(folder, 'dis-wasm.ts');

async function compile() {
  const written = new Map();
  const { error, stderr } = await asc.main(
    [
      entry,
      '--outFile',
      'out.wasm',
      '--optimizeLevel',
      '3',
      '--shrinkLevel',
      '0',
      '--noAssert',
      '--runtime',
      'stub',
      '--enable',
      'simd',
      '--initialMemory',
      '1',
    ],
    {
      readFile: (name, base) => {
        try {
          return readFileSync(join(base.startsWith('/') ? base : folder, name), 'utf8');
        } catch {
          return null;
        }
      },
      writeFile: (name, data) => void written.set(name, data),
      listFiles: () => [],
    },
  );
  if (error) throw new Error(`${entry}: ${error.message}\n${stderr.toString()}`);
  return Buffer.from(written.get('out.wasm'));
}

/** @returns true when the file belonged to its sources already */
export async function buildWasm({ write = true } = {}) {
  const base64 = (await compile()).toString('base64');
  const text = `// Written by scripts/build-wasm.mjs from ${entry} and what it imports. Do not edit.\nexport const disWasm =\n  '${base64}';\n`;
  const fresh = existsSync(target) && readFileSync(target, 'utf8') === text;
  if (!fresh && write) writeFileSync(target, text);
  return fresh;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const check = process.argv.includes('--check');
  const fresh = await buildWasm({ write: !check });
  if (check && !fresh) {
    console.error('dis-wasm.ts does not belong to its sources: run node scripts/build-wasm.mjs');
    process.exitCode = 1;
  }
}
