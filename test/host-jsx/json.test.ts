import { parse, stringify } from '../../host-jsx/src/es3/json';

const samples: unknown[] = [
  null,
  true,
  false,
  0,
  -1.5e-7,
  12345678901234,
  '',
  'plain',
  'quote " back \\ slash /',
  'line\nbreak\ttab\u2028\u2029',
  'é 漢字 😀',
  [],
  {},
  [1, [2, [3]]],
  { a: 1, 'b c': [null, { d: 'e' }], default: true, class: 'reserved' },
];

test.each(samples.map(value => [value]))('%j is written so that every JSON reader reads it back', value => {
  expect(JSON.parse(stringify(value))).toEqual(value);
  expect(parse(JSON.stringify(value))).toEqual(value);
  expect(stringify(value)).toMatch(/^[\x20-\x7e]*$/);
});

test('what JSON cannot hold is left out as JSON.stringify does', () => {
  expect(stringify({ a: undefined, b: NaN })).toBe('{"b":null}');
});

test.each([
  '',
  '{',
  '[1,]',
  '{"a":1,}',
  '{a:1}',
  "'x'",
  '01',
  '1.',
  'tru',
  '"\\x"',
  '"\\u12"',
  '"a\nb"',
  '1 2',
  'alert(1)',
  '{"a":1}}',
  '[',
  '"',
])('%j is refused, not run', text => {
  expect(() => parse(text)).toThrow('not JSON');
});
