import { FolderEngine, type EngineOptions } from './folder-engine';
import { LocalCrew, type LocalCrewOptions } from './local-crew';

export type LocalEngineOptions = EngineOptions & LocalCrewOptions;

/** Runs jobs on this machine: job folders, and one forked worker per device. */
export class LocalEngine extends FolderEngine {
  constructor(options: LocalEngineOptions) {
    super(options, new LocalCrew(options));
  }
}
