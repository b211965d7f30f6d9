// The shift that brings most of one picture onto another: what a fast camera does, and what small levels of a pyramid do
// not show where a picture is all fine detail.
import { origin, strideOf } from './pyramid.as';

/** One point in each square of so many pixels: the one with the steepest gradient. */
const CELL: i32 = 8;
/** Shifts up to this share of the longer side are tried. */
const REACH: i32 = 8;
/** Differences count up to so many grey levels: what moves otherwise must not outvote the rest. */
const LIMIT: f32 = 32;
/** A point that leaves the picture says nothing for or against a shift. */
const UNSEEN: f32 = 16;

export let shiftX: i32 = 0;
export let shiftY: i32 = 0;

/** @param room four values for every square of 8x8 pixels */
export function findShift(
  first: usize, second: usize, gx: usize, gy: usize, w: i32, h: i32, room: usize,
): void {
  const stride = strideOf(w);
  const a = origin(first, w);
  const b = origin(second, w);
  let count: i32 = 0;
  for (let top = 0; top + CELL <= h; top += CELL) {
    for (let left = 0; left + CELL <= w; left += CELL) {
      let steepest: f32 = 0;
      const at = room + <usize>(count * 16);
      for (let y = top; y < top + CELL; y++) {
        for (let x = left; x < left + CELL; x++) {
          const g = <usize>((y * w + x) * 4);
          const steep = Mathf.abs(load<f32>(gx + g)) + Mathf.abs(load<f32>(gy + g));
          if (steep <= steepest) continue;
          steepest = steep;
          store<i32>(at, x);
          store<i32>(at, y, 4);
          store<f32>(at, load<f32>(a + <usize>((y * stride + x) * 4)), 8);
        }
      }
      if (steepest > 0) count++;
    }
  }
  shiftX = 0;
  shiftY = 0;
  let best = Infinity as f32;
  const reach = max(w, h) / REACH;
  for (let dy = -reach; dy <= reach; dy++) {
    for (let dx = -reach; dx <= reach; dx++) {
      let sum: f32 = 0;
      for (let i = 0, at = room; i < count && sum < best; i++, at += 16) {
        const x = load<i32>(at) + dx;
        const y = load<i32>(at, 4) + dy;
        if (x < 0 || y < 0 || x >= w || y >= h) {
          sum += UNSEEN;
          continue;
        }
        sum += min(LIMIT, Mathf.abs(load<f32>(b + <usize>((y * stride + x) * 4)) - load<f32>(at, 8)));
      }
      if (sum >= best) continue;
      best = sum;
      shiftX = dx;
      shiftY = dy;
    }
  }
}
