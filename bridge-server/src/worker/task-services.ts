import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { clipInfoSchema, type ClipInfo } from '#protocol/clip';
import type { ImageRef } from '#protocol/effects/parameter';
import { AppError } from '#protocol/errors';
import type { Frame } from '../frame/frame';
import { decodeFrames } from '../media/decode';
import { createFlowStore } from '../media/flow-store';
import { openFits } from '../media/number-store';
import { loadPicture } from '../media/still';
import type { PainterStore } from '../models/painters';
import type { StageServices } from '../pipeline/stage-chain';
import type { NetSource } from '../pipeline/stage';

/** What painters there are. */
export type Painters = Pick<PainterStore, 'bytes' | 'swatch'>;

export type ServiceOptions = {
  readonly folders: { readonly clips: string; readonly images: string; readonly nets: string };
  readonly clip: ClipInfo;
  readonly nets: NetSource;
  readonly painters: Painters;
  readonly signal: AbortSignal;
};

/** What stages of one order can reach; each picture is read once. */
export function createServices({ folders, clip, nets, painters, signal }: ServiceOptions): StageServices {
  const pictures = new Map<string, Promise<Frame>>();
  const load = async (ref: ImageRef): Promise<Frame> => {
    if ('painter' in ref) return loadPicture(await painters.swatch(ref.painter), { name: ref.painter });
    return loadPicture(join(folders.images, ref.sha256), { name: `the picture ${ref.sha256.slice(0, 8)}` });
  };
  return {
    nets,
    flows: createFlowStore(join(dirname(folders.clips), 'flows'), clip.sha256),
    fits: openFits(folders.nets),
    painter: name => painters.bytes(name),
    image(ref) {
      const key = JSON.stringify(ref);
      const known = pictures.get(key) ?? load(ref);
      pictures.set(key, known);
      return known;
    },
    async *clip(sha256, from) {
      const info = sha256 === clip.sha256 ? clip : await readClipInfo(folders.clips, sha256);
      yield* decodeFrames(join(folders.clips, sha256), info, { first: from, last: info.frames - 1, signal });
    },
  };
}

/** The facts that lie beside each clip. @throws AppError CLIP_NOT_FOUND */
export async function readClipInfo(folder: string, sha256: string): Promise<ClipInfo> {
  let text: string;
  try {
    text = await readFile(join(folder, `${sha256}.json`), 'utf8');
  } catch (cause) {
    throw new AppError('CLIP_NOT_FOUND', { clip: sha256 }, { cause });
  }
  return clipInfoSchema.parse(JSON.parse(text));
}
