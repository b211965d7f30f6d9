import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { clipKinds, damage, readDamaged, seedClips } from '../media/damage';
import { tempFolder } from '../media/numbered-clip';

const folder = tempFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** REVERIE_TRIALS sets how many; each takes about half a second. */
const trials = Number(process.env.REVERIE_TRIALS ?? 600);

test(`${trials} damaged clips are refused with a code or read to their end`, async () => {
  const seeds = await seedClips(folder, clipKinds);
  const wrong: string[] = [];
  const tally: Record<string, number> = {};
  for (let trial = 0; trial < trials; trial++) {
    const result = await readDamaged(damage(seeds[trial % seeds.length], join(folder, `trial-${trial}`), trial));
    const kind = result.replace(/\d+ frames$/, 'all frames');
    tally[kind] = (tally[kind] ?? 0) + 1;
    if (!/^(refused|taken)/.test(result)) wrong.push(`trial ${trial}: ${result}`);
  }
  console.info(tally);
  expect(wrong).toEqual([]);
}, 3_600_000);
