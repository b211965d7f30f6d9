import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { errors } from '#protocol/errors';

const root = join(__dirname, '../..');

function filesBelow(folder: string): string[] {
  return readdirSync(folder).flatMap(name => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return filesBelow(path);
    return /\.tsx?$/.test(name) ? [path] : [];
  });
}

const codes = Object.keys(errors);
const named = (text: string) => codes.filter(code => new RegExp(`['"\`]${code}['"\`]`).test(text));

test('each code is thrown somewhere in the product: none is left over', () => {
  const product = ['bridge-server/src', 'extension/src', 'host-jsx/src']
    .flatMap(folder => filesBelow(join(root, folder)))
    .filter(path => !/protocol\/errors\.ts$|\/i18n\//.test(relative(root, path)));
  const thrown = new Set(product.flatMap(path => named(readFileSync(path, 'utf8'))));
  expect(codes.filter(code => !thrown.has(code))).toEqual([]);
});

/** Where a test says what it expects: a matcher, a refusal, or a row of a table of faults and the codes that they lead to. */
const expectation =
  /expect|toThrow|rejects|toBe|toEqual|toMatch|toContain|refus|code|: ?(\{ ?\w+: ?)?'[A-Z_]+'|^\s*\[?'/;

test('each code is expected by a test that provokes it, not only named', () => {
  const expected = new Set(
    filesBelow(join(root, 'test'))
      .filter(path => /\.test\.tsx?$|conformance/.test(path) && !/error-codes|texts\.test/.test(path))
      .flatMap(path =>
        readFileSync(path, 'utf8')
          .split('\n')
          .filter(line => expectation.test(line))
          .flatMap(named),
      ),
  );
  expect(codes.filter(code => !expected.has(code))).toEqual([]);
});
