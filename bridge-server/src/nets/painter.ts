import { AppError } from '#protocol/errors';
import { fromHalf, toHalf } from '../graph/half';
import { blendStatistics } from './style-statistics';
import type { LayerStatistics, StyleStatistics } from './style-statistics';

/**
 * A painter is what a painting teaches: the statistics of its feature maps at several sizes of the painting, without
 * the painting. One file serves every stroke size, because strokes scale with the picture that the statistics come from.
 */
export type Painter = {
  /** Catalogue name of the feature net; statistics of one net mean nothing to another. */
  readonly net: string;
  readonly entries: readonly PainterEntry[];
};

/** Statistics of the painting scaled so that its longer side has `sidePx` pixels; ascending. */
export type PainterEntry = { readonly sidePx: number; readonly statistics: StyleStatistics };

/**
 * Doublings, from the smallest strokes at draft size to broad ones at full size. A blend is as far from the painting's
 * own statistics as 0.003 to 0.005 of their variance at 724 px, 0.01 to 0.016 at 362 px; finished pictures come to 0.02.
 */
export const painterSides = [128, 256, 512, 1024] as const;

const magic = 0x54505652; // "RVPT", little-endian
const version = 1;

type Header = {
  readonly net: string;
  readonly layers: readonly { readonly name: string; readonly channels: number }[];
  readonly sides: readonly number[];
};

/**
 * Little-endian: magic, version (uint32 each), length of the header, header as JSON, then for each side and layer two
 * blocks (means; lower triangle of the covariance by rows), each a float32 scale and float16 values.
 */
export function encodePainter(painter: Painter): Uint8Array {
  const first = painter.entries[0].statistics;
  const header: Header = {
    net: painter.net,
    layers: Object.entries(first).map(([name, { channels }]) => ({ name, channels })),
    sides: painter.entries.map(entry => entry.sidePx),
  };
  const json = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(12 + json.length + header.sides.length * entryBytes(header));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, magic, true);
  view.setUint32(4, version, true);
  view.setUint32(8, json.length, true);
  bytes.set(json, 12);
  let at = 12 + json.length;
  const put = (values: Float64Array) => {
    const scale = values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) || 1;
    view.setFloat32(at, scale, true);
    at += 4;
    for (const half of toHalf(values.map(value => value / scale))) {
      view.setUint16(at, half, true);
      at += 2;
    }
  };
  for (const { statistics } of painter.entries)
    for (const { name, channels } of header.layers) {
      put(statistics[name].mean);
      put(lowerTriangle(statistics[name].covariance, channels));
    }
  return bytes;
}

/** @throws AppError NET_DAMAGED when the file is not a painter, or of another version, or cut short */
export function readPainter(bytes: Uint8Array, name = 'painter'): Painter {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const damaged = (where: string, problem: string) => new AppError('NET_DAMAGED', { name, where, problem });
  if (bytes.length < 12 || view.getUint32(0, true) !== magic) throw damaged('byte 0', 'it is not a painter file');
  if (view.getUint32(4, true) !== version) throw damaged('byte 4', `version ${view.getUint32(4, true)} is not known`);
  const jsonLength = view.getUint32(8, true);
  const header = readHeader(bytes.subarray(12, 12 + jsonLength));
  if (header === undefined) throw damaged('the header', 'it cannot be read');
  let at = 12 + jsonLength;
  const expected = at + header.sides.length * entryBytes(header);
  if (bytes.length !== expected) throw damaged('the end', `${expected} bytes expected, ${bytes.length} found`);
  const take = (count: number) => {
    const scale = view.getFloat32(at, true);
    const halves = Uint16Array.from({ length: count }, (_, i) => view.getUint16(at + 4 + 2 * i, true));
    const values = Float64Array.from(fromHalf(halves), value => scale * value);
    at += 4 + 2 * count;
    if (!values.every(Number.isFinite)) throw damaged(`byte ${at}`, 'a value is not a number');
    return values;
  };
  const entries = header.sides.map(sidePx => {
    const statistics: Record<string, LayerStatistics> = {};
    for (const { name: layer, channels } of header.layers) {
      const mean = take(channels);
      statistics[layer] = {
        channels,
        mean,
        covariance: fromLowerTriangle(take((channels * (channels + 1)) / 2), channels),
      };
    }
    return { sidePx, statistics };
  });
  return { net: header.net, entries };
}

/**
 * The painter's statistics for a painting of `sidePx`: between two stored sizes a blend by the ratio of sizes; beyond
 * the last the nearest.
 */
export function painterStatistics(painter: Painter, sidePx: number): StyleStatistics {
  const { entries } = painter;
  const above = entries.findIndex(entry => entry.sidePx >= sidePx);
  if (above === -1) return entries[entries.length - 1].statistics;
  if (above === 0 || entries[above].sidePx === sidePx) return entries[above].statistics;
  const [low, high] = [entries[above - 1], entries[above]];
  const weight = Math.log(sidePx / low.sidePx) / Math.log(high.sidePx / low.sidePx);
  return blendStatistics([
    { statistics: low.statistics, weight: 1 - weight },
    { statistics: high.statistics, weight },
  ]);
}

function entryBytes(header: Header): number {
  return header.layers.reduce((sum, { channels }) => sum + 8 + 2 * channels + channels * (channels + 1), 0);
}

function readHeader(bytes: Uint8Array): Header | undefined {
  try {
    const header = JSON.parse(new TextDecoder().decode(bytes)) as Header;
    const isSize = (value: unknown, limit: number) =>
      Number.isInteger(value) && (value as number) > 0 && (value as number) <= limit;
    const fits =
      typeof header.net === 'string' &&
      header.sides.length > 0 &&
      header.sides.every((side, i) => isSize(side, 65536) && (i === 0 || side > header.sides[i - 1])) &&
      header.layers.every(layer => typeof layer.name === 'string' && isSize(layer.channels, 4096));
    return fits ? header : undefined;
  } catch {
    return undefined;
  }
}

function lowerTriangle(matrix: Float64Array, n: number): Float64Array {
  const out = new Float64Array((n * (n + 1)) / 2);
  for (let i = 0, at = 0; i < n; i++) for (let j = 0; j <= i; j++) out[at++] = matrix[i * n + j];
  return out;
}

function fromLowerTriangle(values: Float64Array, n: number): Float64Array {
  const out = new Float64Array(n * n);
  for (let i = 0, at = 0; i < n; i++)
    for (let j = 0; j <= i; j++, at++) {
      out[i * n + j] = values[at];
      out[j * n + i] = values[at];
    }
  return out;
}
