/** Eigenvalues (ascending) and eigenvectors of a symmetric matrix: `vectors[i * n + k]` is component i of vector k. */
export type SymmetricEigen = { readonly values: Float64Array; readonly vectors: Float64Array };

/**
 * Householder reduction to tridiagonal form, then implicit QL.
 * Source: Martin, Reinsch, Wilkinson, Numer. Math. 11 (1968), tred2 and tql2, as in EISPACK.
 * @param matrix n x n, row-major; only symmetry is assumed, not definiteness
 */
export function symmetricEigen(matrix: Float64Array, n: number): SymmetricEigen {
  const rows = Array.from({ length: n }, (_, i) => Float64Array.from(matrix.subarray(i * n, (i + 1) * n)));
  const diagonal = new Float64Array(n);
  const offDiagonal = new Float64Array(n);
  reduceToTridiagonal(rows, diagonal, offDiagonal, n);
  // QL rotates pairs of columns: on the transposed matrix these are contiguous rows.
  const columns = Array.from({ length: n }, (_, k) => Float64Array.from(rows, row => row[k]));
  diagonalise(columns, diagonal, offDiagonal, n);
  const order = Array.from(diagonal.keys()).sort((a, b) => diagonal[a] - diagonal[b]);
  const vectors = new Float64Array(n * n);
  order.forEach((from, k) => {
    for (let i = 0; i < n; i++) vectors[i * n + k] = columns[from][i];
  });
  return { values: Float64Array.from(order, k => diagonal[k]), vectors };
}

function reduceToTridiagonal(a: Float64Array[], d: Float64Array, e: Float64Array, n: number): void {
  for (let i = n - 1; i > 0; i--) {
    const last = i - 1;
    const row = a[i];
    let h = 0;
    if (last > 0) {
      let scale = 0;
      for (let k = 0; k <= last; k++) scale += Math.abs(row[k]);
      if (scale === 0) {
        e[i] = row[last];
      } else {
        for (let k = 0; k <= last; k++) {
          row[k] /= scale;
          h += row[k] * row[k];
        }
        const f = row[last];
        const g = f >= 0 ? -Math.sqrt(h) : Math.sqrt(h);
        e[i] = scale * g;
        h -= f * g;
        row[last] = f - g;
        // p = A u / h, with only the lower triangle of A filled; both halves of the product are row-wise.
        e.fill(0, 0, last + 1);
        for (let j = 0; j <= last; j++) {
          const rowJ = a[j];
          const uj = row[j];
          let sum = rowJ[j] * uj;
          for (let k = 0; k < j; k++) {
            sum += rowJ[k] * row[k];
            e[k] += rowJ[k] * uj;
          }
          e[j] += sum;
        }
        let uDotP = 0;
        for (let j = 0; j <= last; j++) {
          e[j] /= h;
          uDotP += e[j] * row[j];
        }
        const half = uDotP / (h + h);
        for (let j = 0; j <= last; j++) e[j] -= half * row[j];
        for (let j = 0; j <= last; j++) {
          const rowJ = a[j];
          const uj = row[j];
          const qj = e[j];
          for (let k = 0; k <= j; k++) rowJ[k] -= uj * e[k] + qj * row[k];
        }
      }
    } else {
      e[i] = row[last];
    }
    d[i] = h;
  }
  d[0] = 0;
  e[0] = 0;
  // Accumulates the reflections into the transformation, top to bottom.
  const g = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const row = a[i];
    const h = d[i];
    if (h !== 0) {
      g.fill(0, 0, i);
      for (let k = 0; k < i; k++) {
        const u = row[k];
        if (u === 0) continue;
        const rowK = a[k];
        for (let j = 0; j < i; j++) g[j] += u * rowK[j];
      }
      for (let k = 0; k < i; k++) {
        const u = row[k] / h;
        if (u === 0) continue;
        const rowK = a[k];
        for (let j = 0; j < i; j++) rowK[j] -= g[j] * u;
      }
    }
    d[i] = row[i];
    row[i] = 1;
    for (let j = 0; j < i; j++) {
      a[j][i] = 0;
      row[j] = 0;
    }
  }
}

function diagonalise(columns: Float64Array[], d: Float64Array, e: Float64Array, n: number): void {
  for (let i = 1; i < n; i++) e[i - 1] = e[i];
  e[n - 1] = 0;
  // Of the whole matrix: where its first rows are small beside the last, rounding keeps their own limit out of reach.
  const magnitude = d.reduce((largest, value, i) => Math.max(largest, Math.abs(value) + Math.abs(e[i])), 0);
  for (let l = 0; l < n; l++) {
    for (let sweep = 0; ; sweep++) {
      let m = l;
      while (m < n - 1 && Math.abs(e[m]) > Number.EPSILON * magnitude) m++;
      if (m === l) break;
      if (sweep === 60) throw new RangeError('the eigenvalues of a matrix did not converge (is it finite?)');
      let g = (d[l + 1] - d[l]) / (2 * e[l]);
      let r = Math.hypot(g, 1);
      g = d[m] - d[l] + e[l] / (g + (g >= 0 ? r : -r));
      let s = 1;
      let c = 1;
      let p = 0;
      let i = m - 1;
      for (; i >= l; i--) {
        const f = s * e[i];
        const b = c * e[i];
        r = Math.hypot(f, g);
        e[i + 1] = r;
        if (r === 0) {
          d[i + 1] -= p;
          e[m] = 0;
          break;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1] - p;
        r = (d[i] - g) * s + 2 * c * b;
        p = s * r;
        d[i + 1] = g + p;
        g = c * r - b;
        const left = columns[i];
        const right = columns[i + 1];
        for (let k = 0; k < n; k++) {
          const t = right[k];
          right[k] = s * left[k] + c * t;
          left[k] = c * left[k] - s * t;
        }
      }
      if (r === 0 && i >= l) continue;
      d[l] -= p;
      e[l] = g;
      e[m] = 0;
    }
  }
}
