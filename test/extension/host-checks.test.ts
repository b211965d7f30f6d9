import * as fs from 'node:fs';
import type { HostReport } from '../../extension/src/host/host';
import { idle } from '../conformance/host';
import type { AfterEffectsMisbehaviour } from '../fakes/after-effects';
import type { Misbehaviour } from '../fakes/premiere';
import { makeAfterEffects } from './make-after-effects';
import { makePremiere } from './make-premiere';

const answers = ({ probes }: HostReport) => probes.map(({ question, answer }) => [question, answer]);
const otherwise = ({ probes }: HostReport) => probes.filter(({ answer }) => answer !== 'as-expected');
let close: () => void;
afterEach(() => close());

async function inPremiere(...misbehave: Misbehaviour[]) {
  const panel = await makePremiere({ misbehave });
  ({ close } = panel);
  const look = () => [panel.timeline.own(), panel.premiere.range(), panel.premiere.bins(), panel.premiere.sequences()];
  return { ...panel, look, report: await panel.host.runHostChecks!(idle()) };
}
async function inAfterEffects(...misbehave: AfterEffectsMisbehaviour[]) {
  const panel = await makeAfterEffects({ misbehave });
  ({ close } = panel);
  return { ...panel, report: await panel.host.runHostChecks!(idle()) };
}

test('in a Premiere that does all as it says, every check is as expected and nothing is left of it', async () => {
  const other = await makePremiere();
  const untouched = [other.timeline.own(), [undefined, undefined], [], [{ sequence: 'sequence-1', name: 'Song' }]];
  other.close();
  const { report, look, folder } = await inPremiere();
  expect(otherwise(report).map(({ question, details }) => [question, details])).toEqual([
    // The small Premiere has no events.
    ['events', '{"events":0}'],
  ]);
  expect(report).toMatchObject({ host: 'premiere', version: '25.5.0', system: expect.stringMatching(/^linux /) });
  const strip = (value: unknown) => JSON.parse(JSON.stringify(value, (key, each) => (key === 'id' ? undefined : each)));
  expect(strip(look())).toEqual(strip(untouched));
  expect(JSON.parse(fs.readFileSync(report.path, 'utf8'))).toMatchObject({
    format: 1,
    host: 'premiere',
    probes: report.probes,
  });
  expect(fs.readdirSync(`${folder}/checks`)).toEqual([expect.stringMatching(/^host-check-premiere.*\.json$/)]);
});

test.each([
  ['range-ignored', 'in-out'],
  ['export-nothing', 'direct-export'],
  ['tracks-shift', 'add-track'],
  ['overwrite-late', 'place'],
  ['replace-lies', 'replace'],
  ['marker-lies', 'markers'],
  ['sequence-lies', 'scratch'],
  ['sequence-stays', 'close'],
] as const)(
  'a Premiere with "%s" is found out, and the person’s sequence is never touched',
  async (misbehaviour, question) => {
    const { report, premiere } = await inPremiere(misbehaviour);
    expect(otherwise(report).map(probe => probe.question)).toEqual(expect.arrayContaining([question]));
    expect(premiere.tracks()[0].map(({ name, first, last }) => [name, first, last])).toEqual([
      ['A', 0, 49],
      ['B café', 50, 69],
    ]);
    expect(premiere.sequences()[0].sequence).toBe('sequence-1');
  },
);

test('in an After Effects that does all as it says, every check is as expected and nothing is left of it', async () => {
  const { report, afterEffects, timeline } = await inAfterEffects();
  expect(otherwise(report)).toEqual([]);
  expect(answers(report)).toHaveLength(10);
  expect(afterEffects.compositionName()).toBe('Song');
  expect(afterEffects.folders()).toEqual([]);
  expect(afterEffects.queue()).toEqual([]);
  expect((timeline.own() as { name: string }[]).map(layer => layer.name)).toEqual(['A', 'B café', 'Null 1', 'Logo']);
  expect(afterEffects.openGroups()).toBe(0);
});

test.each([
  ['composition-lies', 'composition'],
  ['import-rate', 'import'],
  ['out-ignored', 'place'],
  ['move-ignored', 'order'],
  ['hidden-for-good', 'render'],
  ['replace-trims', 'replace'],
  ['marker-length-lost', 'markers'],
  ['composition-stays', 'close'],
] as const)('an After Effects with "%s" is found out', async (misbehaviour, question) => {
  const { report, afterEffects } = await inAfterEffects(misbehaviour);
  expect(otherwise(report).map(probe => probe.question)).toEqual(expect.arrayContaining([question]));
  expect(afterEffects.openGroups()).toBe(0);
});
