import { pixelsInWindow } from '../build/convolve';
import { number, numbers } from '../shapes';
import type { Evaluator } from './tensor64';

/** The output positions [first, end) whose input position `stride * at + shift` lies in 0 .. size - 1. */
function reach(size: number, count: number, stride: number, shift: number): [number, number] {
  return [Math.max(0, Math.ceil(-shift / stride)), Math.min(count, Math.floor((size - 1 - shift) / stride) + 1)];
}

/** Row by row of the output: its patches side by side, then one dot product with each filter. */
export const evaluateConv: Evaluator = ([x, w, b], y) => {
  const [n, out, oh, ow] = y.dims;
  const [, c, h, width] = x.dims;
  const [, perGroup, kh, kw] = w.dims;
  const [sy, sx] = numbers(y.attrs, 'strides');
  const [dy, dx] = numbers(y.attrs, 'dilations');
  const [top, left] = numbers(y.attrs, 'pads');
  const group = number(y.attrs, 'group');
  const outPerGroup = out / group;
  const size = perGroup * kh * kw;
  const patches = new Float64Array(ow * size);
  const result = new Float64Array(n * out * oh * ow);
  for (let i = 0; i < n; i++) {
    for (let block = 0; block < group; block++) {
      for (let row = 0; row < oh; row++) {
        patches.fill(0);
        for (let k = 0; k < perGroup; k++) {
          const plane = (i * c + block * perGroup + k) * h * width;
          for (let ky = 0; ky < kh; ky++) {
            const iy = row * sy + ky * dy - top;
            if (iy < 0 || iy >= h) continue;
            for (let kx = 0; kx < kw; kx++) {
              const to = (k * kh + ky) * kw + kx;
              for (let column = 0; column < ow; column++) {
                const ix = column * sx + kx * dx - left;
                if (ix >= 0 && ix < width) patches[column * size + to] = x.data[plane + iy * width + ix];
              }
            }
          }
        }
        for (let o = block * outPerGroup; o < (block + 1) * outPerGroup; o++) {
          const to = ((i * out + o) * oh + row) * ow;
          for (let column = 0; column < ow; column++)
            result[to + column] = (b ? b.data[o] : 0) + dot(w.data, o * size, patches, column * size, size);
        }
      }
    }
  }
  return result;
};

/** Four sums at a time keep the processor busy: several times as fast as one. */
function dot(a: Float64Array, fromA: number, b: Float64Array, fromB: number, count: number): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let k = 0;
  for (; k + 3 < count; k += 4) {
    s0 += a[fromA + k] * b[fromB + k];
    s1 += a[fromA + k + 1] * b[fromB + k + 1];
    s2 += a[fromA + k + 2] * b[fromB + k + 2];
    s3 += a[fromA + k + 3] * b[fromB + k + 3];
  }
  for (; k < count; k++) s0 += a[fromA + k] * b[fromB + k];
  return s0 + s1 + s2 + s3;
}

export const evaluateConvTranspose: Evaluator = ([x, w, b], y) => {
  const [n, out, oh, ow] = y.dims;
  const [, c, h, width] = x.dims;
  const [, perGroup, kh, kw] = w.dims;
  const [sy, sx] = numbers(y.attrs, 'strides');
  const [dy, dx] = numbers(y.attrs, 'dilations');
  const [top, left] = numbers(y.attrs, 'pads');
  const inPerGroup = c / number(y.attrs, 'group');
  const result = new Float64Array(n * out * oh * ow);
  for (let i = 0; i < n; i++) {
    if (b) for (let o = 0; o < out; o++) result.fill(b.data[o], (i * out + o) * oh * ow, (i * out + o + 1) * oh * ow);
    for (let channel = 0; channel < c; channel++) {
      const source = (i * c + channel) * h * width;
      for (let k = 0; k < perGroup; k++) {
        const plane = (i * out + Math.floor(channel / inPerGroup) * perGroup + k) * oh * ow;
        for (let ky = 0; ky < kh; ky++) {
          const [rowStart, rowEnd] = reach(oh, h, sy, ky * dy - top);
          for (let kx = 0; kx < kw; kx++) {
            const weight = w.data[((channel * perGroup + k) * kh + ky) * kw + kx];
            const [start, end] = reach(ow, width, sx, kx * dx - left);
            for (let row = rowStart; row < rowEnd; row++) {
              const to = plane + (row * sy + ky * dy - top) * ow + kx * dx - left;
              const from = source + row * width;
              for (let column = start; column < end; column++)
                result[to + column * sx] += weight * x.data[from + column];
            }
          }
        }
      }
    }
  }
  return result;
};

function poolWith(start: number, join: (sum: number, x: number) => number, divide: boolean): Evaluator {
  return ([x], y) => {
    const [n, c, oh, ow] = y.dims;
    const [, , h, width] = x.dims;
    const [kh, kw] = numbers(y.attrs, 'kernel_shape');
    const [sy, sx] = numbers(y.attrs, 'strides');
    const [top, left, bottom, right] = numbers(y.attrs, 'pads');
    const countPad = divide && number(y.attrs, 'count_include_pad') === 1;
    const result = new Float64Array(n * c * oh * ow);
    let at = 0;
    for (let plane = 0; plane < n * c; plane++) {
      for (let row = 0; row < oh; row++) {
        for (let column = 0; column < ow; column++) {
          let sum = start;
          for (let iy = Math.max(0, row * sy - top); iy < Math.min(h, row * sy - top + kh); iy++) {
            for (let ix = Math.max(0, column * sx - left); ix < Math.min(width, column * sx - left + kw); ix++) {
              sum = join(sum, x.data[(plane * h + iy) * width + ix]);
            }
          }
          const count = divide
            ? pixelsInWindow(row, h, kh, sy, top, bottom, countPad) *
              pixelsInWindow(column, width, kw, sx, left, right, countPad)
            : 1;
          result[at++] = sum / count;
        }
      }
    }
    return result;
  };
}

export const evaluateMaxPool = poolWith(-Infinity, Math.max, false);
export const evaluateAveragePool = poolWith(0, (sum, x) => sum + x, true);

export const evaluateGlobalAveragePool: Evaluator = ([x], y) => {
  const area = x.dims[2] * x.dims[3];
  return new Float64Array(y.dims[0] * y.dims[1]).map(
    (_, plane) => x.data.subarray(plane * area, (plane + 1) * area).reduce((a, b) => a + b, 0) / area,
  );
};

export const evaluateLrn: Evaluator = ([x], y) => {
  const [, c, h, w] = x.dims;
  const area = h * w;
  const size = number(y.attrs, 'size');
  const before = Math.floor((size - 1) / 2);
  return x.data.map((value, at) => {
    const plane = Math.floor(at / area);
    const channel = plane % c;
    let sum = 0;
    for (let other = Math.max(0, channel - before); other < Math.min(c, channel - before + size); other++) {
      sum += x.data[at + (other - channel) * area] ** 2;
    }
    return value / (number(y.attrs, 'bias') + (number(y.attrs, 'alpha') / size) * sum) ** number(y.attrs, 'beta');
  });
};

export const evaluateInstanceNorm: Evaluator = ([x, scale, bias], y) => {
  const [, c, h, w] = x.dims;
  const area = h * w;
  const result = new Float64Array(x.data.length);
  for (let plane = 0; plane * area < x.data.length; plane++) {
    const part = x.data.subarray(plane * area, (plane + 1) * area);
    const mean = part.reduce((a, b) => a + b, 0) / area;
    const variance = part.reduce((a, b) => a + (b - mean) ** 2, 0) / area;
    const factor = scale.data[plane % c] / Math.sqrt(variance + number(y.attrs, 'epsilon'));
    part.forEach((value, at) => {
      result[plane * area + at] = (value - mean) * factor + bias.data[plane % c];
    });
  }
  return result;
};
