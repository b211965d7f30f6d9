import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { parse } from 'acorn';
import type { AfterEffectsFacts, PremiereFacts } from '#protocol/host-facts';
import { createFakeAfterEffects } from '../fakes/after-effects';
import { createEs3Engine } from '../fakes/es3-engine';
import { buildHostScript } from '../setup/build-host-script';

const root = join(__dirname, '../..');
const ticks = (frame: number) => ({ ticks: String(BigInt(frame) * 8475667200n), seconds: (frame * 1001) / 30000 });

/** Runs the built script in an engine of ES3's built-ins and gives its one entry. */
function load(
  script: string,
  app: unknown,
): (
  method: string,
  params?: unknown,
) => { id: number; ok: boolean; value?: unknown; error?: { code: string; details: Record<string, unknown> } } {
  const context = createEs3Engine({ app });
  runInContext(script, context);
  return (method, params = {}) => {
    const call = JSON.stringify(JSON.stringify({ id: 7, method, params }));
    return JSON.parse(runInContext(`$['org.reverie'].dispatch(${call})`, context) as string);
  };
}

const item = (change: object = {}) => ({
  getMediaPath: () => '/media/A001 café.mov',
  isOffline: () => false,
  isSequence: () => false,
  isMulticamClip: () => false,
  isMergedClip: () => false,
  ...change,
});
const clip = (name: string, first: number, last: number, change: object = {}) => ({
  nodeId: name,
  name,
  start: ticks(first),
  end: ticks(last),
  inPoint: ticks(100),
  disabled: false,
  projectItem: item(),
  components: { numItems: 0 },
  isSelected: () => name === 'B',
  isAdjustmentLayer: () => false,
  getSpeed: () => 1,
  isSpeedReversed: () => 0,
  ...change,
});
const list = (items: unknown[], count: string) => Object.assign({ [count]: items.length }, items);

function premiere(sequence: object | null = {}) {
  const markers = [
    {
      guid: 'm1',
      name: 'Verse',
      comments: 'stylize: great-wave',
      start: ticks(0),
      end: ticks(240),
      getColorByIndex: () => 3,
    },
  ];
  return {
    name: 'Adobe Premiere Pro',
    version: '25.5.0',
    encoder: {},
    project: {
      activeSequence: sequence && {
        sequenceID: 'guid-1',
        name: 'Song',
        timebase: '8475667200',
        end: ticks(1000).ticks,
        frameSizeHorizontal: 1280,
        frameSizeVertical: 720,
        videoTracks: list(
          [
            { clips: list([clip('A', 0, 100), clip('B', 100, 180)], 'numItems') },
            { clips: list([clip('T', 20, 60, { projectItem: undefined })], 'numItems') },
          ],
          'numTracks',
        ),
        markers: { numMarkers: 1, getFirstMarker: () => markers[0], getNextMarker: () => undefined },
        getInPoint: () => '-400000',
        getOutPoint: () => '6.006',
        getInPointAsTime: () => ticks(0),
        getOutPointAsTime: () => ticks(180),
        getPlayerPosition: () => ticks(42),
        ...sequence,
      },
    },
  };
}

let script: string;
beforeAll(async () => {
  script = await buildHostScript();
});

test('the built script is ECMAScript 3, its property names included', () => {
  expect(() => parse(script, { ecmaVersion: 3, allowReserved: 'never' })).not.toThrow();
  expect(script).toMatch(/^[\x00-\x7f]*$/);
});

test('it leaves one name behind and nothing else', () => {
  const context = createContext({ $: {}, app: premiere() });
  const before = runInContext('Object.getOwnPropertyNames(this).length', context) as number;
  runInContext(script, context);
  expect(runInContext('Object.getOwnPropertyNames(this).length', context)).toBe(before);
  expect(runInContext('Object.keys($)', context)).toEqual(['org.reverie']);
});

test('Premiere: tracks, selection, exact times and markers are read', () => {
  const answer = load(script, premiere())('readTimeline');
  expect(answer).toMatchObject({ id: 7, ok: true });
  const facts = answer.value as PremiereFacts;
  expect(facts.sequence).toEqual({
    id: 'guid-1',
    name: 'Song',
    width: 1280,
    height: 720,
    timebase: '8475667200',
    end: ticks(1000).ticks,
    outPoint: ticks(180).ticks,
    playhead: ticks(42).ticks,
    videoTracks: 2,
  });
  expect(facts.clips.map(({ track, name, selected, mediaPath }) => [track, name, selected, mediaPath])).toEqual([
    [0, 'A', false, '/media/A001 café.mov'],
    [0, 'B', true, '/media/A001 café.mov'],
    [1, 'T', false, ''],
  ]);
  expect(facts.markers).toEqual([
    { guid: 'm1', name: 'Verse', comment: 'stylize: great-wave', start: '0', end: ticks(240).ticks, colour: 3 },
  ]);
});

test('Premiere: time remapping is found by its match name, whatever the language', () => {
  const remapped = {
    components: list(
      [
        {
          matchName: 'AE.ADBE Time Remapping',
          displayName: 'Zeitverzerrung',
          properties: list([{ isTimeVarying: () => true }], 'numItems'),
        },
      ],
      'numItems',
    ),
  };
  const tracks = list([{ clips: list([clip('A', 0, 100, remapped)], 'numItems') }], 'numTracks');
  const facts = load(script, premiere({ videoTracks: tracks }))('readTimeline').value as PremiereFacts;
  expect(facts.clips[0].remapped).toBe(true);
});

test('Premiere: a host that hands out the same marker for ever does not hang', () => {
  const marker = { guid: 'm', name: '', comments: '', start: ticks(0), end: ticks(0), getColorByIndex: () => 0 };
  const facts = load(
    script,
    premiere({ markers: { numMarkers: 3, getFirstMarker: () => marker, getNextMarker: () => marker } }),
  )('readTimeline').value as PremiereFacts;
  expect(facts.markers).toHaveLength(1);
});

test('After Effects: composition, layers and markers in whole frames', async () => {
  const afterEffects = createFakeAfterEffects({ script, frames: 100, slashes: 'back' });
  afterEffects.addLayer(13, 49, { name: 'Footage', path: 'C:/media/a.mov', selected: true });
  afterEffects.addMarker('Chorus', 25, 50);
  afterEffects.setWorkArea(5, 29);
  const call = (method: string) =>
    new Promise<AfterEffectsFacts>(resolve => {
      const text = JSON.stringify(JSON.stringify({ id: 1, method, params: {} }));
      afterEffects.evalScript(`$['org.reverie'].dispatch(${text})`, reply => resolve(JSON.parse(reply).value));
    });
  const facts = await call('readTimeline');
  expect(facts.composition).toMatchObject({ frames: 100, workAreaFirst: 5, workAreaFrames: 25, playhead: 3 });
  expect(facts.layers[0]).toMatchObject({ inFrame: 13, outFrame: 50, selected: true, mediaPath: 'C:\\media\\a.mov' });
  expect(facts.markers).toMatchObject([{ key: 1, comment: 'Chorus', frame: 25, frames: 50 }]);
  expect(await call('handshake')).toMatchObject({ host: 'aftereffects' });
});

test('no open sequence, an unknown call and broken JSON are answers with a code, never a bare error', () => {
  const call = load(script, premiere(null));
  expect(call('readTimeline')).toMatchObject({ id: 7, ok: false, error: { code: 'NO_SEQUENCE' } });
  expect(call('format-disk')).toMatchObject({ ok: false, error: { code: 'HOST_FAILED' } });
  expect(call('handshake')).toMatchObject({ ok: true, value: { host: 'premiere', version: '25.5.0' } });
  const throwing = premiere({
    getPlayerPosition: () => {
      throw new Error('busy');
    },
  });
  expect(load(script, throwing)('readTimeline')).toMatchObject({ ok: false, error: { code: 'HOST_FAILED' } });
});

test('the script for After Effects’ File > Scripts is ECMAScript 3 and tells the panel', () => {
  const text = readFileSync(join(root, 'extension/src/command/Reverie - Stylize selection.jsx'), 'utf8');
  parse(text, { ecmaVersion: 3, allowReserved: 'never' });
  const told: { type: string }[] = [];
  class CSXSEvent {
    type = '';
    dispatch() {
      told.push(this);
    }
  }
  runInContext(text, createEs3Engine({ ExternalObject: class {}, CSXSEvent, alert: () => undefined }));
  expect(told).toMatchObject([{ type: 'org.reverie.stylize' }]);
});

test('the manifest names both hosts with explicit ranges and the files that the build makes', () => {
  const manifest = readFileSync(join(root, 'CSXS/manifest.xml'), 'utf8');
  expect(
    [...manifest.matchAll(/<Host Name="(\w+)" Version="(\[[^"]+\])"/g)].map(match => [match[1], match[2]]),
  ).toEqual([
    ['PPRO', '[22.0,99.9]'],
    ['AEFT', '[22.0,99.9]'],
  ]);
  expect(manifest).toContain('<ScriptPath>./dist/host/reverie.jsx</ScriptPath>');
  expect(manifest).toContain('<MainPath>./dist/panel/index.html</MainPath>');
  expect(manifest).toContain('<MainPath>./dist/panel/stylize.html</MainPath>');
  const ids = [...manifest.matchAll(/<Extension Id="([\w.]+)"/g)].map(match => match[1]);
  expect(ids).toEqual(['org.reverie.panel', 'org.reverie.stylize', 'org.reverie.panel', 'org.reverie.stylize']);
});
