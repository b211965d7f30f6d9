import { AppError, errors, fillText } from '#protocol/errors';
import { effectNames, effectSchema, effectTable } from '#protocol/effects';
import { curveAt } from '#protocol/effects/parameter';
import { presetSchema } from '#protocol/preset';
import { decodeChunk, encodeChunk } from '#protocol/binary';
import { effectProperties } from '../../bridge-server/src/cli/effect-flags';

test.each(effectNames)('every parameter of %s has a default, a label and a sentence of help', effect => {
  expect(() => effectTable[effect].parse({})).not.toThrow();
  for (const [name, property] of Object.entries(effectProperties(effect)) as [string, Record<string, unknown>][]) {
    expect([name, typeof property.label, String(property.help).endsWith('.')]).toEqual([name, 'string', true]);
  }
});

test('an unknown parameter or one out of range is refused, not ignored', () => {
  expect(effectSchema.safeParse({ effect: 'style', params: { strenght: 5 } }).success).toBe(false);
  expect(effectSchema.safeParse({ effect: 'style', params: { strength: 101 } }).success).toBe(false);
  expect(effectSchema.safeParse({ effect: 'blur' }).success).toBe(false);
  expect(effectSchema.safeParse({ effect: 'upscale' }).success).toBe(true);
});

test('a saved preset reads back as it was written', () => {
  const preset = presetSchema.parse({
    version: 1,
    name: 'verse',
    title: 'Verse',
    effects: [{ effect: 'style' }, { effect: 'upscale' }],
  });
  expect(presetSchema.parse(JSON.parse(JSON.stringify(preset)))).toEqual(preset);
});

test('a curve runs straight between its keys and stays at its ends', () => {
  const curve = [
    { frame: 20, value: 10 },
    { frame: 10, value: 0 },
  ];
  expect([0, 10, 15, 20, 99].map(frame => curveAt(curve, frame, 7))).toEqual([0, 0, 5, 10, 10]);
  expect(curveAt([], 3, 7)).toBe(7);
});

test('every error has a cause, a remedy and an exit status that says who can help', () => {
  for (const [code, row] of Object.entries(errors)) {
    expect([code, row.cause.length > 0, row.remedy.endsWith('.'), [2, 3, 4, 130].includes(row.exit)]).toEqual([
      code,
      true,
      true,
      true,
    ]);
  }
  const failure = new AppError('PRESET_NOT_FOUND', { name: 'x', known: 'a, b' });
  expect(fillText(errors.PRESET_NOT_FOUND.cause, failure.details)).toBe('There is no preset named "x".');
  expect(AppError.from(JSON.parse(JSON.stringify(failure))).message).toBe(failure.message);
});

test('a chunk carries offsets beyond four gigabytes', () => {
  const offset = 5 * 2 ** 32 + 123;
  expect(decodeChunk(encodeChunk(7, offset, new Uint8Array([1, 2, 3])))).toEqual({
    transfer: 7,
    offset,
    bytes: new Uint8Array([1, 2, 3]),
  });
  expect(decodeChunk(new Uint8Array(11))).toBeUndefined();
});
