import { join } from 'node:path';
import { AppError } from '#protocol/errors';
import type { Frame } from '../frame/frame';
import type { StageNode, StillOrder } from '../jobs/task';
import { chainStages, type StageTable } from '../pipeline/stage-chain';
import type { TaskMedia } from '../pipeline/task-media';
import type { Device } from './device';
import { writePicture } from './picture-file';
import { createServices, type Painters } from './task-services';

export type StillContext = {
  readonly device: Device;
  readonly table: StageTable;
  readonly media: TaskMedia;
  readonly painters: Painters;
  readonly signal: AbortSignal;
  /** A picture lies in the order's folder. */
  readonly onPicture: (picture: {
    readonly file: string;
    readonly done: number;
    readonly total: number;
    readonly final: boolean;
  }) => void;
  readonly onSign: (stage: string, frame: number) => void;
};

/** A picture that is being painted is shown this often. */
const pictureMs = 400;

type Size = { readonly width: number; readonly height: number };

function capped({ width, height }: Size, maxSide: number): Size {
  const scale = Math.min(1, maxSide / Math.max(width, height));
  return { width: Math.max(16, Math.round(width * scale)), height: Math.max(16, Math.round(height * scale)) };
}

/** An enlarged picture is worth its time where it can be shown pixel for pixel. */
function isShownWhole(node: StageNode, maxSide: number): boolean {
  const { width, height } = node.params as Size;
  return Math.max(width, height) <= maxSide;
}

/**
 * The stages of one frame, at preview size: no time is made, sizes are capped, and a clip that no stage makes smaller
 * is made smaller first. The working size of a painter stays what it is in the job where it is not larger than that, so
 * that strokes are as large as they will be.
 */
export function previewStages(nodes: readonly StageNode[], clip: Size, maxSide: number): StageNode[] {
  const kept = nodes
    .filter(node => node.stage !== 'retime' && (node.stage !== 'upscale' || isShownWhole(node, maxSide)))
    .map(node => {
      const params = node.params as Partial<Size>;
      if (typeof params.width !== 'number' || typeof params.height !== 'number') return node;
      return { ...node, params: { ...params, ...capped({ width: params.width, height: params.height }, maxSide) } };
    });
  const firstWork = kept.findIndex(node => node.stage !== 'resize');
  const shrinks = kept.slice(0, Math.max(0, firstWork)).some(node => node.stage === 'resize');
  if (shrinks || Math.max(clip.width, clip.height) <= maxSide) return kept;
  return [{ stage: 'resize', params: capped(clip, maxSide), sequential: false }, ...kept];
}

/**
 * Renders one frame, writing pictures that get sharper, the last one as `final.png`.
 * @throws AppError CANCELLED, RANGE_OUTSIDE, and what stages throw
 */
export async function runStill(order: StillOrder, context: StillContext): Promise<void> {
  const { signal, media, device } = context;
  const opened = device.nets(order.folders.nets).open(signal);
  let shown = -Infinity;
  let writing: Promise<void> = Promise.resolve();
  let waiting = false;
  const show = (picture: Frame, done: number, total: number) => {
    const now = performance.now();
    if (waiting || now - shown < pictureMs) return;
    shown = now;
    waiting = true;
    const file = `${String(done).padStart(5, '0')}.jpg`;
    writing = writePicture(join(order.folder, file), picture, 'jpeg', order.maxSide)
      .then(() => {
        if (!signal.aborted) context.onPicture({ file, done, total, final: false });
      })
      .finally(() => {
        waiting = false;
      });
    // Looked at when the still is finished.
    writing.catch(() => undefined);
  };
  try {
    const source = media.decode(
      order.clip,
      { first: order.frame, last: order.frame },
      { signal, notice: () => undefined },
    );
    const chain = chainStages(source, {
      nodes: previewStages(order.stages, order.clip, order.maxSide),
      table: context.table,
      services: createServices({
        folders: order.folders,
        clip: order.clip,
        nets: opened.nets,
        painters: context.painters,
        signal,
      }),
      signal,
      seed: order.seed,
      ahead: 0,
      events: {
        notice: () => undefined,
        step: step => {
          context.onSign(step.stage, step.frame);
          if (step.preview) show(step.preview, step.done ?? 0, step.total ?? 1);
        },
        store: () => undefined,
      },
    });
    let last: Frame | undefined;
    for await (const frame of chain.frames) {
      last = frame;
      break;
    }
    if (signal.aborted) throw new AppError('CANCELLED');
    if (!last) throw new AppError('RESULT_INCOMPLETE', { actual: 0, expected: 1 });
    await writing;
    await writePicture(join(order.folder, 'final.png'), last, 'png', order.maxSide);
    context.onPicture({ file: 'final.png', done: 1, total: 1, final: true });
  } catch (thrown) {
    throw signal.aborted ? new AppError('CANCELLED', {}, { cause: thrown }) : thrown;
  } finally {
    opened.end();
  }
}
