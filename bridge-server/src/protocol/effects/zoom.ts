import { z } from 'zod';
import { curveSchema, numeric, toggle, whole } from './parameter';
import { dreamOctaves, dreamParams } from './dream';

/** The infinite zoom: each frame is the one before, enlarged about a point and dreamt into again. */
export const zoomParams = z.object({
  rate: numeric(1, 1.5, 1.02, { label: 'zoom.rate', help: 'Enlargement per frame.', level: 'simple', step: 0.001 }),
  rateCurve: curveSchema
    .default([])
    .meta({ label: 'zoom.rateCurve', help: 'Enlargement per frame over time.', control: 'curve', level: 'more' }),
  rotation: numeric(-10, 10, 0, { label: 'zoom.rotation', help: 'Turn per frame.', unit: 'degrees', level: 'simple' }),
  rotationCurve: curveSchema
    .default([])
    .meta({ label: 'zoom.rotationCurve', help: 'Turn per frame over time.', control: 'curve', level: 'more' }),
  centreX: numeric(0, 1, 0.5, { label: 'zoom.centreX', help: 'Centre of the zoom, from the left.' }),
  centreY: numeric(0, 1, 0.5, { label: 'zoom.centreY', help: 'Centre of the zoom, from the top.' }),
  frames: whole(0, 100_000, 0, {
    label: 'zoom.frames',
    help: 'Length in frames; 0 takes the length of the range.',
    level: 'simple',
  }),
  reverse: toggle(false, { label: 'zoom.reverse', help: 'Play it backwards: a zoom out.', level: 'simple' }),
  loop: toggle(false, { label: 'zoom.loop', help: 'Close the loop: the last frames lead back into the first.' }),
  iterations: whole(1, 50, 4, { label: 'zoom.iterations', help: 'Dream steps per octave for each frame.' }),
  // Forms grow with the zoom itself.
  dream: dreamParams
    .extend({ octaves: dreamOctaves(4) })
    .prefault({})
    .meta({ label: 'zoom.dream', help: 'What is dreamt.', level: 'more' }),
});
export type ZoomParams = z.infer<typeof zoomParams>;
