import * as ort from 'onnxruntime-node';
import { OrtSessions } from '../../bridge-server/src/runtime/ort-sessions';
import { serveSessions } from '../../bridge-server/src/runtime/serve-sessions';
import type { ProviderName } from '../../bridge-server/src/runtime/runtime';
import type { ThreadRequest } from '../../bridge-server/src/runtime/thread-messages';

/** Sessions in a process of their own, for providers whose driver may take the process with it. */
const sessions = new OrtSessions(ort, { provider: process.argv[2] as ProviderName });
const take = serveSessions(
  sessions,
  answer => process.send!(answer),
  () => process.disconnect(),
);
process.on('message', message => take(message as ThreadRequest));
process.on('disconnect', () => process.exit(0));
