import { stageTable } from '../../bridge-server/src/worker/stage-table';
import { startWorker } from '../../bridge-server/src/worker/start-worker';
import { brighten, memoryPainter, slowNet } from './paint-stages';

/** The real worker with a cheap painter in the place of the dear one. */
startWorker({ ...stageTable, stylize: memoryPainter, composite: brighten, dream: slowNet });
