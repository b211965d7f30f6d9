import { symmetricEigen } from '../../bridge-server/src/nets/symmetric-eigen';

function makeSymmetric(n: number, rank: number): Float64Array {
  let state = 12345;
  const random = () => (state = (state * 48271) % 2147483647) / 2147483647 - 0.5;
  const factor = Float64Array.from({ length: n * rank }, random);
  const matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++)
      for (let k = 0; k < rank; k++) matrix[i * n + j] += factor[i * rank + k] * factor[j * rank + k];
  return matrix;
}

function worstRebuildError(matrix: Float64Array, n: number): number {
  const { values, vectors } = symmetricEigen(matrix, n);
  let worst = 0;
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      let sum = 0;
      let dot = 0;
      for (let k = 0; k < n; k++) {
        sum += values[k] * vectors[i * n + k] * vectors[j * n + k];
        dot += vectors[i * n + k] * vectors[j * n + k];
      }
      worst = Math.max(worst, Math.abs(sum - matrix[i * n + j]), Math.abs(dot - (i === j ? 1 : 0)));
    }
  return worst;
}

describe('symmetricEigen', () => {
  it('knows the eigenvalues of a 2x2 matrix', () => {
    const { values } = symmetricEigen(Float64Array.of(2, 1, 1, 2), 2);
    expect(values[0]).toBeCloseTo(1, 12);
    expect(values[1]).toBeCloseTo(3, 12);
  });

  it.each([
    [1, 1],
    [7, 7],
    [40, 40],
    [60, 11], // fewer samples than channels, as at coarse scales
  ])('rebuilds a %i x %i matrix of rank %i from orthonormal vectors', (n, rank) => {
    expect(worstRebuildError(makeSymmetric(n, rank), n)).toBeLessThan(1e-11);
  });

  it('takes a diagonal matrix and a zero matrix', () => {
    expect(Array.from(symmetricEigen(Float64Array.of(3, 0, 0, 0, 1, 0, 0, 0, 2), 3).values)).toEqual([1, 2, 3]);
    expect(Array.from(symmetricEigen(new Float64Array(9), 3).values)).toEqual([0, 0, 0]);
  });

  it('converges where the first channels are silent or next to it', () => {
    const n = 16;
    const loudness = (channel: number) => (channel < 2 ? 0 : channel < 4 ? 1e-160 : 1);
    const matrix = makeSymmetric(n, n).map((value, at) => value * loudness(Math.floor(at / n)) * loudness(at % n));
    expect(worstRebuildError(matrix, n)).toBeLessThan(1e-12);
  });
});
