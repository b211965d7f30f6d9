import { nearestIndex, sourcePosition } from '../build/resample';
import type { CoordinateMode, NearestMode } from '../build/resample';
import { number, numbers } from '../shapes';
import { roundHalfEven } from './pointwise';
import type { Evaluator } from './tensor64';

type Tap = { readonly low: number; readonly high: number; readonly part: number };

export const evaluateResize: Evaluator = ([x], y) => {
  const [n, c, oh, ow] = y.dims;
  const [, , h, w] = x.dims;
  const [scaleY, scaleX] = numbers(y.attrs, 'scales');
  const coordinates = y.attrs.coordinates as CoordinateMode;
  const along = (input: number, output: number, scale: number): Tap[] =>
    Array.from({ length: output }, (_, at) => {
      const position = sourcePosition(at, input, output, scale, coordinates);
      if (y.attrs.mode === 'nearest') {
        const index = nearestIndex(position, input, (y.attrs.rounding as NearestMode | undefined) ?? 'floor');
        return { low: index, high: index, part: 0 };
      }
      const inside = Math.min(Math.max(position, 0), input - 1);
      const low = Math.floor(inside);
      return { low, high: Math.min(low + 1, input - 1), part: inside - low };
    });
  const rows = along(h, oh, scaleY);
  const columns = along(w, ow, scaleX);
  const result = new Float64Array(n * c * oh * ow);
  let at = 0;
  for (let plane = 0; plane < n * c; plane++) {
    for (const row of rows) {
      for (const column of columns) {
        const pixel = (iy: number, ix: number) => x.data[(plane * h + iy) * w + ix];
        const upper = pixel(row.low, column.low) * (1 - column.part) + pixel(row.low, column.high) * column.part;
        const lower = pixel(row.high, column.low) * (1 - column.part) + pixel(row.high, column.high) * column.part;
        result[at++] = upper * (1 - row.part) + lower * row.part;
      }
    }
  }
  return result;
};

export const evaluateGridSample: Evaluator = ([x, grid], y) => {
  const [n, c, oh, ow] = y.dims;
  const [, , h, w] = x.dims;
  const align = number(y.attrs, 'align_corners') === 1;
  const border = y.attrs.padding_mode === 'border';
  const place = (at: number, size: number) => (align ? ((at + 1) / 2) * (size - 1) : ((at + 1) * size - 1) / 2);
  const result = new Float64Array(n * c * oh * ow);
  for (let i = 0; i < n; i++) {
    for (let pixel = 0; pixel < oh * ow; pixel++) {
      let gx = place(grid.data[(i * oh * ow + pixel) * 2], w);
      let gy = place(grid.data[(i * oh * ow + pixel) * 2 + 1], h);
      if (border) {
        gx = Math.min(Math.max(gx, 0), w - 1);
        gy = Math.min(Math.max(gy, 0), h - 1);
      }
      if (y.attrs.mode === 'nearest') {
        gx = roundHalfEven(gx);
        gy = roundHalfEven(gy);
      }
      const [x0, y0] = [Math.floor(gx), Math.floor(gy)];
      const [px, py] = [gx - x0, gy - y0];
      for (let channel = 0; channel < c; channel++) {
        const at = (iy: number, ix: number) =>
          iy < 0 || ix < 0 || iy >= h || ix >= w ? 0 : x.data[((i * c + channel) * h + iy) * w + ix];
        result[(i * c + channel) * oh * ow + pixel] =
          (at(y0, x0) * (1 - px) + (px === 0 ? 0 : at(y0, x0 + 1) * px)) * (1 - py) +
          (py === 0 ? 0 : (at(y0 + 1, x0) * (1 - px) + (px === 0 ? 0 : at(y0 + 1, x0 + 1) * px)) * py);
      }
    }
  }
  return result;
};
