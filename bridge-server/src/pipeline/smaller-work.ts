import type { StageNode } from '../jobs/task';
import { readJson, writeDurably, type TaskFolder } from './task-folder';

/**
 * Answers to too little memory, from the gentlest on. What changes pixels (tiles, by rounding; the working size, to the
 * eye) is used only on evidence of memory trouble, so that a task that was merely killed gives the same result again.
 */
export type WorkLevel = {
  /** Largest tile side; 0 leaves it to the stage. */
  readonly tilePx: number;
  /** Working size as a share of the planned one. */
  readonly scale: number;
};

export const workLevels: readonly WorkLevel[] = [
  { tilePx: 0, scale: 1 },
  { tilePx: 256, scale: 1 },
  { tilePx: 128, scale: 1 },
  { tilePx: 128, scale: 0.75 },
  { tilePx: 96, scale: 0.5 },
  { tilePx: 64, scale: 0.35 },
];

/** Bytes of the largest frame that goes through these stages. */
export function largestFrameBytes(
  nodes: readonly StageNode[],
  size: { readonly width: number; readonly height: number },
): number {
  const areas = nodes.map(node => {
    const { width, height } = node.params as { width?: unknown; height?: unknown };
    return typeof width === 'number' && typeof height === 'number' ? width * height : 0;
  });
  return Math.max(size.width * size.height, ...areas) * 12;
}

/** Frames that may wait between stages, by the number of the try: fewer never change a pixel. */
export function framesAhead(attempt: number, frameBytes: number): number {
  const budgetBytes = [256e6, 64e6][attempt] ?? 0;
  return Math.min(4, Math.max(attempt === 0 ? 1 : 0, Math.floor(budgetBytes / frameBytes)));
}

const even = (value: number) => Math.max(16, Math.round(value / 2) * 2);

/**
 * The same stages with smaller work. Painting gets its size from the resize before it; without one, `size` (of the
 * frames that arrive) tells what to put there. Sizes of what is delivered are never touched.
 */
export function withLevel(
  nodes: readonly StageNode[],
  level: WorkLevel,
  size: { readonly width: number; readonly height: number },
): StageNode[] {
  const tiled = nodes.map(node => ({ ...node, params: withTiles(node.params, level.tilePx) }));
  const painting = tiled.findIndex(node => node.sequential);
  if (level.scale === 1 || painting < 0) return tiled;
  const before = tiled.slice(0, painting).findLastIndex(node => node.stage === 'resize');
  const planned = before >= 0 ? (tiled[before].params as { width: number; height: number }) : size;
  const resize: StageNode = {
    stage: 'resize',
    params: { width: even(planned.width * level.scale), height: even(planned.height * level.scale) },
    sequential: false,
  };
  return before >= 0 ? tiled.with(before, resize) : [...tiled.slice(0, painting), resize, ...tiled.slice(painting)];
}

/** The same parameters with tiles of at most `tilePx`; a zoom's dream has its own. */
function withTiles(params: unknown, tilePx: number): unknown {
  const own = params as { tilePx?: number; dream?: unknown };
  if (tilePx === 0) return params;
  if (own.dream) return { ...own, dream: withTiles(own.dream, tilePx) };
  if (typeof own.tilePx !== 'number') return params;
  return { ...own, tilePx: own.tilePx > 0 ? Math.min(own.tilePx, tilePx) : tilePx };
}

/** What is remembered about a task's memory between tries. */
type WorkFile = { readonly level: number; readonly running?: { readonly availableShare: number } };

/** Below this share of free memory a process that vanished was most likely killed for memory. */
const scarceShare = 0.06;

/** The level to begin with: that of the last try, one more if that try vanished while memory was scarce. */
export async function levelOf(folder: TaskFolder): Promise<{ readonly level: number; readonly before: number }> {
  const file = await readJson<WorkFile>(folder.work);
  if (!file) return { level: 0, before: 0 };
  const vanished = file.running !== undefined && file.running.availableShare < scarceShare;
  return { level: Math.min(workLevels.length - 1, file.level + (vanished ? 1 : 0)), before: file.level };
}

export function storeLevel(folder: TaskFolder, level: number, availableShare?: number): Promise<void> {
  const file: WorkFile = { level, ...(availableShare === undefined ? {} : { running: { availableShare } }) };
  return writeDurably(folder.work, JSON.stringify(file));
}
