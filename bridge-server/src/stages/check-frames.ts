import { isSameSize, type Frame } from '../frame/frame';
import {
  connectedTiles,
  scaledTile,
  tileDifference,
  tileFigures,
  tileGrid,
  type Tile,
  type TileFigures,
} from './check/tile-figures';

export type { Tile } from './check/tile-figures';

export const defectKinds = ['not-a-number', 'black', 'flat', 'grey', 'dead', 'border', 'duplicate'] as const;
export type DefectKind = (typeof defectKinds)[number];

export type Defect = {
  readonly kind: DefectKind;
  /** Where; the whole frame as one tile for `black`, `duplicate` and `not-a-number`. */
  readonly tiles: readonly Tile[];
  /** English, for the report. */
  readonly text: string;
};

/** A finished frame and the frame of the source that it was made from; the source may have another size. */
export type Checked = { readonly frame: Frame; readonly content?: Frame };

// methods: tiles 32x32 with a deviation below 2/255 where the content's is above 4/255, or near mid grey (the mean of
// VGG's inputs, which is what an unpainted area shows) with less than 5 % of the frame's median gradient; together
// more than 0.2 % of the frame.
const flatBelow = 2 / 255;
const livelyAbove = 4 / 255;
const midGrey = [124 / 255, 117 / 255, 104 / 255] as const;
const greyWithin = 6 / 255;
const calmShare = 0.05;
const leastShare = 0.002;

/** A frame this dark all over is black; a source at least this light is not. */
const blackBelow = 3 / 255;
const lightAbove = 8 / 255;
/** Nothing changed: less than rounding to 8 bits would show. Something changed: more than grain does. */
const sameWithin = 0.5 / 255;
const frameMovedAbove = 1 / 255;
const tileMovedAbove = 6 / 255;
/** Lines at an edge that have to be flat to be called a border. */
const leastBorder = 2;
const hiddenBelow = 0.05;

/**
 * Looks for the damage that a painter or a warp leaves behind. The source is the yardstick: what is black, flat, grey or
 * still there may be so here.
 * @param previous the frame before, if it belongs to the same shot
 */
export function checkFrame({ frame, content }: Checked, previous?: Checked): Defect[] {
  const whole: Tile = { x: 0, y: 0, width: frame.width, height: frame.height };
  const broken = countBroken(frame);
  if (broken > 0) return [{ kind: 'not-a-number', tiles: [whole], text: `${broken} values are not numbers` }];

  const frameFigures = tileFigures(frame, whole);
  const contentFigures = content && tileFigures(content, { x: 0, y: 0, width: content.width, height: content.height });
  if (isBlack(frameFigures) && (contentFigures === undefined || Math.max(...contentFigures.mean) > lightAbove)) {
    return [{ kind: 'black', tiles: [whole], text: 'the frame is black' }];
  }

  const defects: Defect[] = [];
  if (previous && isDuplicate(frame, content, previous, whole)) {
    defects.push({
      kind: 'duplicate',
      tiles: [whole],
      text: 'the frame is the one before again, although the source moved',
    });
  }

  const grid = tileGrid(frame.width, frame.height);
  const figures = grid.tiles.map(tile => tileFigures(frame, tile));
  const sources = content && grid.tiles.map(tile => tileFigures(content, scaledTile(tile, frame, content)));
  const least = leastShare * frame.width * frame.height;
  const add = (kind: DefectKind, marked: readonly boolean[], what: string) => {
    const tiles = connectedTiles(grid, marked, least);
    if (tiles.length > 0)
      defects.push({ kind, tiles, text: `${tiles.length} ${tiles.length === 1 ? 'tile is' : 'tiles are'} ${what}` });
  };

  const flat = figures.map(
    (tile, i) =>
      isVisible(tile) && tile.deviation < flatBelow && (sources === undefined || sources[i].deviation > livelyAbove),
  );
  add('flat', flat, 'flat where the source is not');

  const calm = calmShare * medianOf(figures.map(tile => tile.gradient));
  const sourceCalm = sources && calmShare * medianOf(sources.map(tile => tile.gradient));
  const grey = figures.map((tile, i) => {
    if (flat[i] || !isVisible(tile) || !isGrey(tile) || !(tile.gradient < calm)) return false;
    // A grey wall in the source stays a grey wall.
    return !(
      sources &&
      sourceCalm !== undefined &&
      isGrey(sources[i], 2 * greyWithin) &&
      sources[i].gradient < 2 * sourceCalm + (1 / 255) ** 2
    );
  });
  add('grey', grey, 'unpainted grey');

  if (
    previous &&
    content &&
    previous.content &&
    !defects.some(defect => defect.kind === 'duplicate') &&
    isSameSize(frame, previous.frame) &&
    isSameSize(content, previous.content)
  ) {
    const [last, lastContent] = [previous.frame, previous.content];
    const dead = grid.tiles.map(tile => {
      if (tileDifference(frame, last, tile).most > sameWithin) return false;
      return tileDifference(content, lastContent, scaledTile(tile, frame, content)).mean > tileMovedAbove;
    });
    add('dead', dead, 'frozen although the source moves there');
  }

  const borders = findBorders(frame, content);
  if (borders.length > 0)
    defects.push({
      kind: 'border',
      tiles: borders,
      text: `${borders.length} ${borders.length === 1 ? 'edge carries' : 'edges carry'} a flat border`,
    });
  return defects;
}

function countBroken(frame: Frame): number {
  let broken = 0;
  for (const value of frame.rgb) if (!Number.isFinite(value)) broken++;
  if (frame.alpha) for (const value of frame.alpha) if (!Number.isFinite(value)) broken++;
  return broken;
}

function isBlack(figures: TileFigures): boolean {
  return isVisible(figures) && Math.max(...figures.mean) < blackBelow && figures.deviation < blackBelow;
}

function isVisible(figures: TileFigures): boolean {
  return figures.opacity > hiddenBelow;
}

function isGrey(figures: TileFigures, within = greyWithin): boolean {
  return midGrey.every((grey, c) => Math.abs(figures.mean[c] - grey) <= within);
}

function isDuplicate(frame: Frame, content: Frame | undefined, previous: Checked, whole: Tile): boolean {
  if (!isSameSize(frame, previous.frame) || tileDifference(frame, previous.frame, whole).most > sameWithin)
    return false;
  if (!content || !previous.content || !isSameSize(content, previous.content)) return false;
  return (
    tileDifference(content, previous.content, { x: 0, y: 0, width: content.width, height: content.height }).mean >
    frameMovedAbove
  );
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

type Side = 'top' | 'bottom' | 'left' | 'right';

/** Flat lines along an edge, where the source's line is not flat: what a pan or a zoom out leaves when nothing is painted in. */
function findBorders(frame: Frame, content: Frame | undefined): Tile[] {
  const { width, height } = frame;
  const tiles: Tile[] = [];
  for (const side of ['top', 'bottom', 'left', 'right'] as const) {
    const depth = side === 'top' || side === 'bottom' ? height : width;
    let lines = 0;
    while (lines < depth / 2) {
      const line = lineAt(side, lines, width, height);
      if (!(tileDeviation(frame, line) < flatBelow)) break;
      if (content && !(tileDeviation(content, scaledTile(line, frame, content)) > livelyAbove)) break;
      lines++;
    }
    if (lines < leastBorder || lines >= Math.floor(depth / 2)) continue;
    const [first, last] = [lineAt(side, 0, width, height), lineAt(side, lines - 1, width, height)];
    const x = Math.min(first.x, last.x);
    const y = Math.min(first.y, last.y);
    tiles.push({
      x,
      y,
      width: Math.max(first.x + first.width, last.x + last.width) - x,
      height: Math.max(first.y + first.height, last.y + last.height) - y,
    });
  }
  return tiles;
}

function lineAt(side: Side, distance: number, width: number, height: number): Tile {
  switch (side) {
    case 'top':
      return { x: 0, y: distance, width, height: 1 };
    case 'bottom':
      return { x: 0, y: height - 1 - distance, width, height: 1 };
    case 'left':
      return { x: distance, y: 0, width: 1, height };
    case 'right':
      return { x: width - 1 - distance, y: 0, width: 1, height };
  }
}

/** The largest of the channels' deviations in a part of a frame; hidden parts are lively, so that they are never flat. */
function tileDeviation(frame: Frame, tile: Tile): number {
  const area = frame.width * frame.height;
  const count = tile.width * tile.height;
  if (frame.alpha) {
    let opacity = 0;
    for (let y = tile.y; y < tile.y + tile.height; y++)
      for (let x = tile.x; x < tile.x + tile.width; x++) opacity += frame.alpha[y * frame.width + x];
    if (opacity / count < hiddenBelow) return 1;
  }
  let most = 0;
  for (let c = 0; c < 3; c++) {
    const origin = frame.rgb[c * area + tile.y * frame.width + tile.x];
    let sum = 0;
    let squares = 0;
    for (let y = tile.y; y < tile.y + tile.height; y++) {
      const row = c * area + y * frame.width;
      for (let x = tile.x; x < tile.x + tile.width; x++) {
        const offset = frame.rgb[row + x] - origin;
        sum += offset;
        squares += offset * offset;
      }
    }
    most = Math.max(most, Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2)));
  }
  return most;
}

export type OutlierWatch = {
  /** @returns true when a frame of this style loss stands out from those before it */
  push(loss: number): boolean;
};

/**
 * Frames that came out much less painted than their neighbours: above 1.3 times the median of the ten before them.
 * An outlier is not counted among "those before", so that a run of them is seen whole.
 */
export function createOutlierWatch({ window = 10, factor = 1.3, least = 3 } = {}): OutlierWatch {
  let recent: number[] = [];
  return {
    push(loss) {
      if (!Number.isFinite(loss)) return true;
      if (recent.length >= least && loss > factor * medianOf(recent)) return true;
      recent = [...recent.slice(1 - window), loss];
      return false;
    },
  };
}

/** Indices of values outside median +- 4 median absolute deviations; for a finished series. */
export function outliersOf(values: readonly number[]): number[] {
  const median = medianOf(values);
  const spread = medianOf(values.map(value => Math.abs(value - median)));
  return values.flatMap((value, i) => (Math.abs(value - median) > 4 * spread + 1e-12 * Math.abs(median) ? [i] : []));
}
