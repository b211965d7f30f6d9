import { builtInPresets } from '../../bridge-server/src/effects/presets';
import { jobOfMarker } from '../../extension/src/app/marked';
import { nearestPreset } from '../../extension/src/app/nearest-preset';
import { makeJob, makePreset } from './make';

const presets = builtInPresets.map(preset => ({ preset, builtIn: true }));
const french: Record<string, string> = { 'starry-night': 'La Nuit étoilée' };
const nearest = (wish: string) => {
  const match = nearestPreset(wish, presets, ({ preset }) => french[preset.name] ?? preset.title);
  return match && [match.entry.preset.name, match.isExact];
};

test.each([
  ['starry-night', 'starry-night', true],
  ['Starry Night', 'starry-night', true],
  ['la nuit etoilee', 'starry-night', true],
  ['stary nigth', 'starry-night', false],
  ['tahity', 'tahiti', false],
  ['great  WAVE', 'great-wave', true],
])('"%s" means %s', (wish, name, isExact) => {
  expect(nearest(wish)).toEqual([name, isExact]);
});

test('a word that is like no preset is taken for none', () => {
  expect(nearest('xyzzy quux')).toBeUndefined();
  expect(nearestPreset('tahiti', [], () => '')).toBeUndefined();
});

describe('the job of a marker', () => {
  const rate = { num: 25, den: 1 };
  const marker = { id: 'm', sequence: 's', preset: 'default', range: { first: 10, last: 19, rate } };
  const labels = { sequence: 's', place: '10:19:25/1', sourceKey: '0:5:7' };
  const job = makeJob();
  const jobs = (changes: object) => {
    const made = { ...job, spec: { ...job.spec, labels, ...changes } };
    return { [made.id]: { job: made, seq: 0, notices: [] } };
  };

  test('is one of its place with the preset as it is now', () => {
    const preset = makePreset();
    expect(jobOfMarker(jobs({}), marker, preset)?.job.id).toBe(job.id);
    expect(jobOfMarker(jobs({}), { ...marker, clip: { key: '0:5:7', name: 'A' } }, preset)).toBeDefined();
    expect(jobOfMarker(jobs({}), { ...marker, clip: { key: '0:9:7', name: 'B' } }, preset)).toBeUndefined();
    expect(jobOfMarker(jobs({ labels: { ...labels, sequence: 'other' } }), marker, preset)).toBeUndefined();
    expect(jobOfMarker(jobs({ labels: { ...labels, place: '10:20:25/1' } }), marker, preset)).toBeUndefined();
    expect(jobOfMarker(jobs({}), marker, makePreset({ effects: [{ effect: 'dream' }] }))).toBeUndefined();
  });
});
