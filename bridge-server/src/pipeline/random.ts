/** Murmur3's last mixing step: every bit of the input moves half of the output's. */
function mix(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function hashWords(words: readonly number[], salt: number): number {
  let h = mix(salt);
  for (const word of words) h = mix((Math.imul(h, 5) + 0xe6546b64) ^ mix(word));
  return h;
}

/**
 * Numbers for one frame of one stage: the same for the same job, stage, frame and try, whatever was computed before,
 * so that a resumed job draws what the undisturbed one drew.
 * @param retry 0, or the number of the try that is to mend a defect
 * @returns a generator of numbers 0 <= x < 1 (sfc32, by Chris Doty-Humphrey, public domain: PractRand)
 */
export function createRandom(seed: number, stage: string, frame: number, retry = 0): () => number {
  const words = [seed, frame, retry, ...[...stage].map(letter => letter.codePointAt(0)!)];
  let [a, b, c, d] = [hashWords(words, 1), hashWords(words, 2), hashWords(words, 3), 1];
  const next = () => {
    const sum = (a + b + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 12; i++) next();
  return next;
}
