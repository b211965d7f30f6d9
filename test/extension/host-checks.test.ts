import * as fs from 'node:fs';
import type { HostReport } from '../../extension/src/host/host';
import { idle } from '../conformance/host';
import type { AfterEffectsMisbehaviour } from '../fakes/after-effects';
import type { Misbehaviour } from '../fakes/premiere';
import type { UxpMisbehaviour } from '../fakes/premiere-uxp';
import { makeAfterEffects } from './make-after-effects';
import { makePremiere } from './make-premiere';
import { makePremiereUxp } from './make-premiere-uxp';

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

async function inPlugIn(...misbehave: UxpMisbehaviour[]) {
  const panel = await makePremiereUxp({ misbehave });
  ({ close } = panel);
  const before = panel.timeline.own();
  return { ...panel, before, report: await panel.host.runHostChecks!(idle()) };
}

test('in a Premiere whose UXP does all as it says, every check is as expected and nothing is left of it', async () => {
  const { report, premiere, folder, timeline, before, disk } = await inPlugIn();
  expect(otherwise(report)).toEqual([]);
  expect(report).toMatchObject({ host: 'premiere', version: '26.5.0', system: 'darwin, UXP' });
  expect(answers(report).map(([question]) => question)).toEqual(
    expect.arrayContaining(['calls', 'in-out', 'add-track', 'place', 'label', 'properties', 'unknown-tracks', 'close']),
  );
  expect(JSON.parse(fs.readFileSync(report.path, 'utf8'))).toMatchObject({ format: 1, probes: report.probes });
  expect(fs.readdirSync(`${folder}/checks`)).toEqual([expect.stringMatching(/^host-check-premiere.*\.json$/)]);
  expect([timeline.own(), premiere.bins(), premiere.sequences()]).toEqual([before, [], ['sequence-1']]);
  expect([premiere.range(), premiere.listeners()]).toEqual([[undefined, undefined], 3]);
  expect(premiere.scriptErrors).toEqual([]);
  expect(disk.openFiles()).toBe(0);
});

test.each([
  ['range-ignored', 'in-out'],
  ['range-never-unset', 'in-out'],
  ['export-nothing', 'direct-export'],
  ['insert-bottom', 'add-track'],
  ['overwrite-late', 'place'],
  ['metadata-lost', 'label'],
  ['replace-ignored', 'replace'],
  ['remove-ignored', 'remove'],
  ['marker-length-lost', 'markers'],
  ['old-version', 'calls'],
  ['properties-lost', 'properties'],
  ['events-silent', 'events'],
  ['overwrite-bottom', 'place'],
  ['sequence-lies', 'scratch'],
  ['sequence-stays', 'close'],
] as const)(
  'a UXP with "%s" is found out, and the person’s sequence is never touched',
  async (misbehaviour, question) => {
    const { report, premiere, timeline, before } = await inPlugIn(misbehaviour);
    expect(otherwise(report).map(probe => probe.question)).toEqual(expect.arrayContaining([question]));
    expect(premiere.sequences()[0]).toBe('sequence-1');
    if (misbehaviour !== 'sequence-stays') expect(timeline.own()).toEqual(before);
  },
);
