import { join } from 'node:path';
import { createNullRuntime } from '../../bridge-server/src/runtime/null';
import { createInProcessRuntime, createThreadRuntime } from '../../bridge-server/src/runtime/ort';
import { describeRuntime } from '../conformance/runtime';

const execArgv = ['-r', join(__dirname, '../setup/register-ts.cjs')];

describeRuntime('null', async () => createNullRuntime(), { computes: false });
describeRuntime('cpu in this thread', () => createInProcessRuntime({ provider: 'cpu', threads: 1 }), {
  computes: true,
});
describeRuntime(
  'cpu in a thread of its own',
  async () => createThreadRuntime({ provider: 'cpu', threads: 1, execArgv }),
  { computes: true },
);
