import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { Work } from './cost';
import { calibrationSchema, emptyCalibration, learn, type Calibration } from './estimate';
import { writeFileSynced } from './journal';
import type { TaskFacts } from './task';

const savedSchema = z.object({
  version: z.literal(1),
  provider: z.string(),
  refused: z.array(z.object({ provider: z.string(), reason: z.string() })).default([]),
  calibration: calibrationSchema.prefault(emptyCalibration),
});

/** What was found out about this machine: the provider that works, and how fast it is. Kept in one small file. */
export type MachineStore = {
  /** The provider that "auto" gave last; "cpu" until a worker has said. */
  readonly provider: () => string;
  readonly isKnown: () => boolean;
  readonly refused: () => readonly { readonly provider: string; readonly reason: string }[];
  readonly calibration: () => Calibration;
  readonly sawProvider: (
    provider: string,
    refused: readonly { readonly provider: string; readonly reason: string }[],
  ) => void;
  readonly learn: (provider: string, facts: TaskFacts, works: readonly Work[]) => void;
};

export function createMachineStore(path: string): MachineStore {
  let saved: z.infer<typeof savedSchema> = { version: 1, provider: 'cpu', refused: [], calibration: emptyCalibration };
  let known = false;
  try {
    saved = savedSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
    known = true;
  } catch {
    // Absent or from another version: it is learnt again with the first tasks.
  }
  const save = () => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSynced(path, `${JSON.stringify(saved, null, 1)}\n`);
  };
  return {
    provider: () => saved.provider,
    isKnown: () => known,
    refused: () => saved.refused,
    calibration: () => saved.calibration,
    sawProvider(provider, refused) {
      if (known && saved.provider === provider && JSON.stringify(saved.refused) === JSON.stringify(refused)) return;
      known = true;
      saved = { ...saved, provider, refused: [...refused] };
      save();
    },
    learn(provider, facts, works) {
      saved = { ...saved, calibration: learn(saved.calibration, provider, facts, works) };
      save();
    },
  };
}
