import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { painterStatistics, readPainter } from '../../bridge-server/src/nets/painter.ts';
import { styleTargets, measureStyle } from '../../bridge-server/src/stages/stylize/targets.ts';
import { randomCrop, recolour } from './pictures.mjs';

/** The built-in painters, in the order of the guide's rows. */
export const painterNames = ['great-wave', 'night-cafe', 'shipwreck', 'starry-night', 'tahiti', 'the-scream'];
/** Longer sides of a painting at which the net learns its strokes; the last only serves as the others' enlargement. */
const painterSides = [256, 362, 512, 724, 1024];
export const learntSides = painterSides.length - 1;

const painterFolder = fileURLToPath(new URL('../../bridge-server/painters', import.meta.url));

/** A style as training needs it: its statistics, the loss's targets, and which painter it is (-1: a picture). */
const styleOf = (statistics, painter = -1) => ({ statistics, targets: styleTargets('w2', statistics), painter });

export function painterStyles() {
  return painterNames.map((name, at) => {
    const painter = readPainter(readFileSync(`${painterFolder}/${name}.painter`), name);
    return painterSides.map(side => styleOf(painterStatistics(painter, side), at));
  });
}

/** Sizes of style pictures: few, because each is compiled. */
const sizes = [
  [256, 192],
  [320, 240],
  [384, 288],
];

/** A style out of a part of a painting or photograph, most in other colours; once more at twice the size. */
export async function pictureStyle({ paintings, photos, nets, features, random }) {
  const painted = random() < 0.6;
  const path = random.pick(painted ? paintings : photos);
  const [long, short] = random.pick(sizes);
  const [width, height] = random() < 0.5 ? [long, short] : [short, long];
  const crop = await randomCrop(path, 2 * width, 2 * height, [1, painted ? 1.8 : 1.3], random);
  const picture = random() < 0.75 ? recolour(crop, random) : crop;
  const styles = [];
  for (const side of [long, 2 * long]) styles.push(styleOf(await measureStyle(nets, features, picture, side, 'style')));
  return styles;
}
