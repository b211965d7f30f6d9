import { parentPort, workerData } from 'node:worker_threads';
import * as ort from 'onnxruntime-node';
import { OrtSessions } from './ort-sessions';
import { serveSessions } from './serve-sessions';
import type { ThreadData } from './thread-messages';

/**
 * Entry of the thread that computes. onnxruntime blocks the thread that calls it for the length of a load or a run;
 * here that is nobody's concern, and the process's main thread goes on feeding ffmpeg and answering the server.
 * This thread must never be terminated from outside (during a run that aborts the process): it is asked to close.
 */
if (!parentPort) throw new Error('this file runs as a thread only');
const port = parentPort;
const sessions = new OrtSessions(ort, (workerData as ThreadData).settings);
port.on(
  'message',
  serveSessions(
    sessions,
    (answer, moved) => port.postMessage(answer, moved),
    () => port.close(),
  ),
);
