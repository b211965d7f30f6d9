import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { effectTable } from '#protocol/effects';
import { errors, type ErrorCode } from '#protocol/errors';
import { noticeKinds } from '#protocol/report';
import { codecNames } from '#protocol/preset';
import { jobStatuses } from '#protocol/job';
import { upscaleFamilies } from '#protocol/effects/upscale';
import { classicNames } from '../../bridge-server/src/effects/classic-dreams';
import { builtInPresets } from '../../bridge-server/src/effects/presets';
import { paintersOf } from '../../extension/src/app/draft';
import { pages } from '../../extension/src/app/state';
import { clipReasons } from '../../extension/src/host/clip-reasons';
import { hostQuestions, hostSteps } from '../../extension/src/host/host';
import { en, screenTexts } from '../../extension/src/i18n/en';
import { fr } from '../../extension/src/i18n/fr';
import { parameterKeys } from '../../extension/src/i18n/parameter-texts';
import { chooseLanguage, createTexts } from '../../extension/src/i18n/texts';

const panel = join(__dirname, '../../extension/src');
const placeholders = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(match => match[1]).sort();
const errorKeys = Object.keys(errors).flatMap(code => [`error.${code}.cause`, `error.${code}.remedy`]);
/** Keys that are put together from data, with all that the data can be. */
const madeUp = [
  ...pages.map(page => `page.${page}`),
  ...hostSteps.map(step => `step.${step}`),
  ...jobStatuses.map(status => `status.${status}`),
  ...codecNames.map(codec => `output.codec.${codec}`),
  ...noticeKinds.map(kind => `notice.${kind}`),
  ...['connecting', 'open', 'lost', 'refused', 'closed'].map(status => `connection.${status}`),
  ...['hashing', 'sending', 'checking'].map(step => `step.${step}`),
  ...['placed', 'replaced', 'already-there', 'moved-by-user', 'downloaded'].map(outcome => `placed.${outcome}`),
  ...['embedded', 'pulled', 'imported'].map(kind => `net.${kind}`),
  ...upscaleFamilies.map(family => `upscale.net.${family}`),
  ...['needs-export', 'refused'].map(kind => `selection.${kind}`),
  ...clipReasons.map(reason => `selection.reason.${reason}`),
  ...hostQuestions.map(question => `setup.probe.question.${question}`),
  ...['as-expected', 'otherwise', 'failed'].map(answer => `setup.probe.${answer}`),
  ...['frames', 'setup.problems'].flatMap(key => [`${key}.one`, `${key}.other`]),
];

const builtInNames = [...builtInPresets.map(({ name }) => name), ...classicNames];

describe.each([
  ['en', en],
  ['fr', fr],
])('the catalogue %s', (_, catalogue) => {
  test('has a text for everything that is asked for', () => {
    const wanted = [...Object.keys(screenTexts), ...parameterKeys(effectTable), ...errorKeys, ...madeUp];
    expect(wanted.filter(key => !((catalogue as Record<string, string>)[key] ?? '').trim())).toEqual([]);
  });

  test('has no text that nothing asks for', () => {
    const ofPresets = builtInNames.flatMap(name => [`builtIn.${name}`, `builtIn.${name}.description`]);
    const painters = paintersOf(builtInPresets.map(preset => ({ preset }))).map(name => `painter.${name}`);
    const parameters = new Set(parameterKeys(effectTable));
    const known = new Set([
      ...Object.keys(screenTexts),
      ...parameters,
      ...errorKeys,
      ...madeUp,
      ...ofPresets,
      ...painters,
    ]);
    expect(Object.keys(catalogue).filter(key => !known.has(key))).toEqual([]);
  });
});

test('French knows every built-in preset and painter; English is written in the presets', () => {
  const keys = builtInNames.flatMap(name => [`builtIn.${name}`, `builtIn.${name}.description`]);
  const painters = paintersOf(builtInPresets.map(preset => ({ preset }))).map(name => `painter.${name}`);
  expect([...keys, ...painters].filter(key => !(key in fr))).toEqual([]);
});

test('both languages fill in the same details', () => {
  const wrong = Object.keys(en).filter(key => {
    const [a, b] = [en, fr].map(catalogue => placeholders((catalogue as Record<string, string>)[key] ?? ''));
    return JSON.stringify(a) !== JSON.stringify(b);
  });
  expect(wrong).toEqual([]);
});

test('every screen text is used by some screen', () => {
  const sources = ['app', 'components', 'i18n', 'host', 'bridge']
    .flatMap(folder => readdirSync(join(panel, folder)).map(name => join(panel, folder, name)))
    .filter(path => /\.tsx?$/.test(path) && !/i18n\/(en|fr)\.ts$/.test(path))
    .map(path => readFileSync(path, 'utf8'))
    .join('\n');
  const fromData = /^(stage|figure|check|selection\.reason)\./;
  const unused = Object.keys(screenTexts).filter(
    key => !sources.includes(`'${key}'`) && !madeUp.includes(key) && !fromData.test(key),
  );
  expect(unused).toEqual([]);
});

test('an error is told with its details, an unknown one by its code', () => {
  const texts = createTexts('fr');
  expect(texts.cause({ code: 'NOT_MEDIA', details: { path: 'notes.mp4' } })).toBe(
    'notes.mp4 n’est pas une vidéo que ffmpeg peut lire.',
  );
  expect(createTexts('en').cause({ code: 'FROM_THE_FUTURE' as ErrorCode, details: {} })).toContain('FROM_THE_FUTURE');
});

test('the system decides the language unless a person does', () => {
  expect(chooseLanguage('auto', ['de-DE', 'fr-CA', 'en-US'])).toBe('fr');
  expect(chooseLanguage('auto', ['ja-JP'])).toBe('en');
  expect(chooseLanguage('en', ['fr-FR'])).toBe('en');
});

test('amounts are told as people say them', () => {
  const texts = createTexts('en');
  expect(texts.bytes(0)).toBe('0 B');
  expect(texts.bytes(999)).toBe('999 B');
  expect(texts.bytes(1_230_000_000)).toBe('1.23 GB');
  expect(texts.bytes(412_000_000)).toBe('412 MB');
  expect(texts.duration(0.2)).toBe('a moment');
  expect(texts.duration(59.4)).toBe('59 s');
  expect(texts.duration(120)).toBe('2 min');
  expect(texts.duration(222)).toBe('3 min 42 s');
  expect(texts.duration(3600 * 5 + 60 * 7)).toBe('5 h 7 min');
  expect(texts.duration(3600 * 24 * 33)).toBe('33 d 0 h');
  expect(texts.rate({ num: 30000, den: 1001 })).toBe('29.97');
  expect(texts.rate({ num: 24000, den: 1001 })).toBe('23.976');
  expect(texts.rate({ num: 50, den: 1 })).toBe('50');
  expect(texts.count('frames', 1)).toBe('1 frame');
  expect(texts.count('frames', 1500)).toBe('1,500 frames');
  expect(createTexts('fr').count('frames', 0)).toBe('0 image');
});
