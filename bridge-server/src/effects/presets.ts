import { presetSchema, type Preset } from '#protocol/preset';
import type { z } from 'zod';

type PresetInput = z.input<typeof presetSchema>;

/** The painters that come with Reverie, by the name under which `models/painters.ts` files them. */
const painters = [
  ['starry-night', 'The Starry Night', 'Vincent van Gogh, 1889: whirls in blue and yellow.'],
  ['night-cafe', 'The Night Café', 'Vincent van Gogh, 1888: lamplight, red and green.'],
  ['the-scream', 'The Scream', 'Edvard Munch, 1893: long bending lines, orange sky.'],
  ['shipwreck', 'The Shipwreck', 'J. M. W. Turner, about 1810: storm, spray and brown light.'],
  ['great-wave', 'The Great Wave', 'Katsushika Hokusai, about 1831: print blues and paper tones.'],
  ['tahiti', 'Tahiti', 'Paul Gauguin, 1890s: flat warm colours and firm outlines.'],
] as const;

type Dream = Extract<PresetInput['effects'][number], { effect: 'dream' }>['params'];

/** Channels of ec11/expand that say more to dogs and cats than to anything else (of 30 photographs of usual things). */
const muzzles = [198, 461, 502, 96, 506, 28, 230, 155];

/** Layers of the embedded net and what appears in them (feature-nets reference, section 4). */
const dreams: readonly (readonly [string, string, string, Dream])[] = [
  ['texture', 'Dream: texture', 'Knots, ornament and small worms all over.', { objectives: [{ layer: 'ec6/expand' }] }],
  [
    'crowds',
    'Dream: crowds',
    'Standing people in everything; the strongest change.',
    { objectives: [{ layer: 'ec8/expand' }] },
  ],
  [
    'people-and-cars',
    'Dream: people and cars',
    'Heads, people and cars; the picture stays readable.',
    { objectives: [{ layer: 'ec10/expand' }] },
  ],
  [
    'paws',
    'Dream: paws',
    'Dogs and cats: muzzles, eyes and fur everywhere.',
    { objectives: muzzles.map(channel => ({ layer: 'ec11/expand', channels: [channel, channel] })), iterations: 14 },
  ],
  [
    'objects',
    'Dream: objects',
    'Cars, bottles, boots, whole cats: follows what is there.',
    // A layer as deep as this needs more steps before one form has won in a plain part.
    { objectives: [{ layer: 'ec12/expand' }], iterations: 16 },
  ],
  [
    'mixed',
    'Dream: mixed',
    'Texture and figures together: faces inside cars.',
    { objectives: [{ layer: 'ec6/expand' }, { layer: 'ec10/expand' }] },
  ],
];

const documents: readonly PresetInput[] = [
  {
    version: 1,
    name: 'default',
    title: 'Painted',
    description: 'The Starry Night, steady, twice the size, 50 frames a second.',
    effects: [{ effect: 'style' }, { effect: 'upscale' }, { effect: 'retime' }],
  },
  ...painters.map(([name, title, description]): PresetInput => ({
    version: 1,
    name,
    title,
    description,
    effects: [
      { effect: 'style', params: { styles: [{ image: { painter: name }, weight: 1 }] } },
      { effect: 'upscale' },
      { effect: 'retime' },
    ],
  })),
  ...painters.map(([name, title, description]): PresetInput => ({
    version: 1,
    name: `quick-${name}`,
    title: `Quick: ${title}`,
    description: `${description} By a ready-made net.`,
    effects: [
      { effect: 'style', params: { method: 'fast', styles: [{ image: { painter: name }, weight: 1 }] } },
      { effect: 'retime' },
    ],
  })),
  ...dreams.map(([name, title, description, params]): PresetInput => ({
    version: 1,
    name: `dream-${name}`,
    title,
    description,
    effects: [{ effect: 'dream', params }, { effect: 'retime' }],
  })),
  {
    version: 1,
    name: 'zoom',
    title: 'Infinite zoom',
    description: 'Falls into the first frame for ever, dreaming as it goes.',
    effects: [{ effect: 'zoom' }],
  },
  {
    version: 1,
    name: 'upscale-2x',
    title: 'Twice the size',
    description: 'Enlarges to twice the width and height and keeps the rate.',
    effects: [{ effect: 'upscale' }],
    output: { rate: 'source' },
  },
  {
    version: 1,
    name: 'denoise',
    title: 'Without noise',
    description: 'Removes noise and compression artefacts; size and rate stay.',
    effects: [{ effect: 'upscale', params: { scale: '1', noise: 2 } }],
    output: { rate: 'source' },
  },
  {
    version: 1,
    name: 'retime-50',
    title: '50 frames a second',
    description: 'New frames by motion; the picture itself stays as it is.',
    effects: [{ effect: 'retime' }],
  },
  {
    version: 1,
    name: 'draft',
    title: 'Draft',
    description: 'The Starry Night, small and quick, to see the idea.',
    effects: [
      { effect: 'style', params: { detail: 'draft', longTerm: false } },
      { effect: 'retime', params: { method: 'blend' } },
    ],
    output: { codec: 'h264' },
  },
];

/** The presets that come with Reverie; the first is what a new user gets. */
export const builtInPresets: readonly Preset[] = documents.map(document => presetSchema.parse(document));
