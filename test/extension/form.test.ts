import { effectTable } from '#protocol/effects';
import { digitsOf, fieldsOf, handyStep, valueOf, type Field } from '../../extension/src/app/form';
import { isShown } from '../../extension/src/app/effect-form';

const all = (fields: readonly Field[]): Field[] => fields.flatMap(field => [field, ...all(field.fields)]);

test('a slider has the bounds, default, unit and level of its table row', () => {
  const strength = fieldsOf(effectTable.style).find(field => field.key === 'strength');
  expect(strength).toMatchObject({
    label: 'style.strength',
    control: 'slider',
    min: 0,
    max: 100,
    initial: 60,
    unit: '%',
    level: 'simple',
    step: 1,
    optional: false,
  });
  expect(strength?.help).not.toBe('');
});

test('choices, pictures, nets and nested parameters are recognised', () => {
  const fields = all(fieldsOf(effectTable.style));
  expect(fields.find(field => field.key === 'method')).toMatchObject({
    control: 'choice',
    choices: ['optimise', 'fast'],
    initial: 'optimise',
  });
  expect(fields.find(field => field.key === 'styles')?.control).toBe('images');
  expect(fields.find(field => field.key === 'net')?.control).toBe('net');
  const zoom = fieldsOf(effectTable.zoom);
  expect(zoom.find(field => field.key === 'rate')).toMatchObject({ step: 0.001, min: 1, max: 1.5 });
  const dream = zoom.find(field => field.key === 'dream');
  expect(dream?.control).toBe('group');
  expect(dream?.fields.map(field => field.key)).toEqual(fieldsOf(effectTable.dream).map(field => field.key));
  expect(fieldsOf(effectTable.dream).find(field => field.key === 'guide')).toMatchObject({
    control: 'image',
    optional: true,
  });
});

test.each(Object.entries(effectTable))(
  'every parameter of %s has a control, a label and bounds where it slides',
  (_, schema) => {
    for (const field of all(fieldsOf(schema))) {
      expect(field.label).toMatch(/^[a-z]+\.[a-zA-Z]+$/);
      if (field.control === 'slider') {
        expect(field.min).toBeLessThan(field.max ?? -Infinity);
        expect(field.step).toBeGreaterThan(0);
        expect(field.initial).toEqual(expect.any(Number));
      }
      if (field.control === 'choice') expect(field.choices).toContain(field.initial);
    }
  },
);

test('each effect shows something at once', () => {
  for (const schema of Object.values(effectTable))
    expect(fieldsOf(schema).some(field => field.level === 'simple')).toBe(true);
});

test('steps are ones that a hand can set', () => {
  expect(handyStep(0, 100)).toBe(1);
  expect(handyStep(0.1, 20)).toBe(0.1);
  expect(handyStep(0, 1)).toBe(0.01);
  expect(handyStep(1.1, 2)).toBe(0.005);
  expect(handyStep(5, 5)).toBe(1);
  expect([1, 0.05, 0.005, 1e-7].map(digitsOf)).toEqual([0, 2, 3, 7]);
});

test('a preset that says nothing of a parameter shows its default', () => {
  const field = fieldsOf(effectTable.style).find(each => each.key === 'strokePx');
  expect(field && valueOf(field, {})).toBe(512);
  expect(field && valueOf(field, { strokePx: 256 })).toBe(256);
});

test('what cannot matter now is not shown', () => {
  const key = fieldsOf(effectTable.key);
  const shown = (params: Record<string, unknown>) =>
    key.filter(field => isShown('key', field, params)).map(field => field.key);
  expect(shown({ source: 'colour', over: 'alpha' })).toEqual(expect.arrayContaining(['colour', 'tolerance']));
  expect(shown({ source: 'colour', over: 'alpha' })).not.toContain('plateColour');
  expect(shown({ source: 'matte', over: 'colour' })).toEqual(expect.arrayContaining(['matteClip', 'plateColour']));
  expect(shown({ source: 'matte', over: 'colour' })).not.toContain('tolerance');
  const style = fieldsOf(effectTable.style);
  const ofMethod = (method: string) =>
    style.filter(field => isShown('style', field, { method })).map(field => field.key);
  expect(ofMethod('fast')).toEqual(expect.arrayContaining(['styles', 'strength', 'strokePx', 'stickiness', 'net']));
  expect(ofMethod('fast')).not.toContain('iterations');
  expect(ofMethod('optimise')).toContain('iterations');
});
