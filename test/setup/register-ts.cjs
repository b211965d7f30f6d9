/**
 * Lets plain node run the TypeScript sources: `node -r test/setup/register-ts.cjs FILE.ts`, also in threads and forked
 * children through `execArgv`. For tests of what happens between processes; the product runs the webpack bundles.
 */
const { readFileSync } = require('node:fs');
const { transformSync } = require('@swc/core');

require.extensions['.ts'] = (module, filename) => {
  const { code } = transformSync(readFileSync(filename, 'utf8'), {
    filename,
    jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
    module: { type: 'commonjs' },
    sourceMaps: 'inline',
  });
  module._compile(code, filename);
};
