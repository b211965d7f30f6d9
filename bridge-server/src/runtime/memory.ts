import { readFileSync } from 'node:fs';
import { freemem, totalmem } from 'node:os';
import type { Cost } from '../graph/cost';

/** Memory that this process may use: a container's limit where there is one, else the machine's. */
export function usableBytes(): number {
  const limit = process.constrainedMemory?.() ?? 0;
  return limit > 0 && limit < totalmem() ? limit : totalmem();
}

/**
 * What tiles of a picture may take: no more than a large tile gains from, and an eighth of a small machine's memory. It
 * follows what a machine has and not what is free at the moment, so that a resumed job cuts its pictures as before.
 */
export function tileBudgetBytes(usable = usableBytes()): number {
  return Math.min(900e6, usable / 8);
}

/**
 * Memory that can still be had without pushing something out. Linux counts files that are cached only as free for this
 * (MemAvailable); a container's limit is what its group has not used yet.
 */
export function availableBytes(): number {
  return Math.min(systemAvailable(), groupAvailable());
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Not this kind of system.
    return undefined;
  }
}

function systemAvailable(): number {
  const kiB = /^MemAvailable:\s+(\d+) kB$/m.exec(readText('/proc/meminfo') ?? '')?.[1];
  return kiB ? Number(kiB) * 1024 : freemem();
}

function groupAvailable(): number {
  const limit = readText('/sys/fs/cgroup/memory.max')?.trim();
  const used = readText('/sys/fs/cgroup/memory.current')?.trim();
  if (!limit || !used || limit === 'max') return Infinity;
  const cached = /^inactive_file (\d+)$/m.exec(readText('/sys/fs/cgroup/memory.stat') ?? '')?.[1] ?? '0';
  return Math.max(0, Number(limit) - Number(used) + Number(cached));
}

/**
 * An upper bound for one net on the CPU, from what its graph costs. Measured with this runtime's settings, three runs,
 * peak above the process before: 2.1 times the live activations for waifu2x (upconv_7 and cunet, two sizes each), 3.7
 * and 4.9 times for MobileNet with all its taps as outputs.
 */
export function graphBytes(cost: Pick<Cost, 'weightBytes' | 'peakActivationBytes'>): number {
  return 4 * cost.weightBytes + 5 * cost.peakActivationBytes;
}

/**
 * What a gradient graph (style, dream) takes at its peak on the CPU: weights repacked (times 3), and 2.4 kB per pixel of
 * activations up to half a megapixel, 3.3 kB beyond (engine reference, section 2: VGG-19 to conv5_1, forward and back).
 */
export function gradientGraphBytes(pixels: number, weightBytes: number): number {
  return 3 * weightBytes + pixels * (pixels > 0.5e6 ? 3300 : 2400);
}

/** Pixels that a gradient graph may have so that it fits into `bytes`. */
export function pixelsThatFit(bytes: number, weightBytes: number): number {
  const left = Math.max(0, bytes - 3 * weightBytes);
  const small = left / 2400;
  return Math.floor(small <= 0.5e6 ? small : Math.max(0.5e6, left / 3300));
}

/**
 * The size to work at: the wanted one, or one of the same shape that fits into `bytes` with a quarter to spare for
 * frames, decoders and the system.
 */
export function planWorkingSize(
  wanted: { readonly width: number; readonly height: number },
  bytes: number,
  weightBytes: number,
): { width: number; height: number; reduced: boolean } {
  const pixels = pixelsThatFit(0.75 * bytes, weightBytes);
  const factor = Math.sqrt(pixels / (wanted.width * wanted.height));
  if (factor >= 1) return { width: wanted.width, height: wanted.height, reduced: false };
  const even = (value: number) => Math.max(16, 2 * Math.floor((value * factor) / 2));
  return { width: even(wanted.width), height: even(wanted.height), reduced: true };
}
