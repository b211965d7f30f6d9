import { FolderEngine, type EngineOptions } from './folder-engine';
import { LocalCrew, type LocalCrewOptions } from './local-crew';
import { RedisCrew } from './redis/redis-crew';

export type BullmqEngineOptions = EngineOptions &
  Omit<LocalCrewOptions, 'workers'> & {
    /** "redis://host:6379" or "rediss://user:password@host:6379". */
    readonly redis: string;
    /** Name of this bridge among those that use the same Redis; the same at each start. */
    readonly bridge: string;
    readonly log?: (line: string) => void;
  };

/** Runs jobs on render nodes: job folders here, tasks through a queue on Redis, bytes over the bridge's HTTP server. */
export class BullmqEngine extends FolderEngine {
  declare readonly crew: RedisCrew;

  constructor(options: BullmqEngineOptions) {
    const crew = new RedisCrew({ ...options, home: new LocalCrew({ ...options, workers: 1 }) });
    super(options, crew);
  }
}
