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

/** Layers of the embedded net and what appears in them (feature-nets reference, section 4). */
const dreams = [
  ['texture', 'Dream: texture', 'Knots, ornament and small worms all over.', [['ec6/expand', 1]]],
  ['crowds', 'Dream: crowds', 'Standing people in everything; the strongest change.', [['ec8/expand', 1]]],
  [
    'people-and-cars',
    'Dream: people and cars',
    'Heads, people and cars; the picture stays readable.',
    [['ec10/expand', 1]],
  ],
  ['paws', 'Dream: paws', 'Paws, muzzles, bicycles and chairs; needs a second look.', [['ec11/expand', 1]]],
  ['objects', 'Dream: objects', 'Whole cats, cars and leaves, following what is there.', [['ec12/expand', 1]]],
  [
    'mixed',
    'Dream: mixed',
    'Texture and figures together: faces inside cars.',
    [
      ['ec6/expand', 1],
      ['ec10/expand', 1],
    ],
  ],
] as const;

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
  ...dreams.map(([name, title, description, layers]): PresetInput => ({
    version: 1,
    name: `dream-${name}`,
    title,
    description,
    effects: [
      { effect: 'dream', params: { objectives: layers.map(([layer, weight]) => ({ layer, weight })) } },
      { effect: 'retime' },
    ],
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
