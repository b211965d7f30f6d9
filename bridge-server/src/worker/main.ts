import { stageTable } from './stage-table';
import { startWorker } from './start-worker';

startWorker(stageTable);
