import { presetSchema, type Preset } from '#protocol/preset';

/** What tells a net that is at hand, and what it is called. */
export type DreamingNet = {
  readonly name: string;
  readonly installed: boolean;
  readonly layers: readonly { readonly name: string }[];
};

/** Layers of GoogLeNet, shallow ones first, and what appears in them. */
const classics = [
  ['lines', 'Dream: lines', 'Curls and woven lines over everything.', 'inception_3b/5x5_reduce'],
  ['insects', 'Dream: insects', 'Spiders, beetles and eyes.', 'inception_4b/output'],
  ['classic', 'Dream: the classic', 'The dream of 2015: towers, domes, dogs and birds.', 'inception_4c/output'],
  ['animals', 'Dream: animals', 'Heads, birds and bodies that grow out of what is there.', 'inception_4e/output'],
] as const;

export const classicNames: readonly string[] = classics.map(([name]) => `dream-${name}`);

/**
 * The dreams of google/deepdream (2015) with that program's own numbers, for the first of some nets that is a GoogLeNet,
 * whatever it was named; none where no net is.
 */
export function classicDreams(nets: readonly DreamingNet[]): Preset[] {
  const net = nets.find(
    ({ installed, layers }) =>
      installed && classics.every(([, , , layer]) => layers.some(({ name }) => name === layer)),
  );
  if (net === undefined) return [];
  return classics.map(([name, title, description, layer]) =>
    presetSchema.parse({
      version: 1,
      name: `dream-${name}`,
      title,
      description,
      effects: [
        {
          effect: 'dream',
          params: {
            net: net.name,
            objectives: [{ layer }],
            octaves: 4,
            octaveScale: 1.4,
            iterations: 10,
            stepSize: 1.5,
            jitter: 32,
            smoothing: 'none',
          },
        },
        { effect: 'retime' },
      ],
    }),
  );
}
