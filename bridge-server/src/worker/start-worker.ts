import { totalmem } from 'node:os';
import { join } from 'node:path';
import { AppError, toAppError } from '#protocol/errors';
import type { WorkerEvent, WorkerRequest } from '../jobs/task';
import type { StageTable } from '../pipeline/stage-chain';
import { openDevice } from './device';
import { painters } from './painter-source';
import { runOrder } from './run-order';
import { runAtlas } from './run-atlas';
import { runSections } from './run-sections';
import { runStill } from './run-still';
import { createTaskMedia } from './task-media';
import { parseRequest } from './worker-request';

const aliveMs = 1000;
/** After this a run that cannot be stopped is left to die with the process. */
const patienceMs = 400;

function send(event: WorkerEvent): void {
  if (process.connected) process.send!(event, () => undefined);
}

function log(line: string): void {
  process.stderr.write(`${line}\n`);
}

type Work = { readonly name: string; readonly control: AbortController; readonly ended: Promise<void> };

/**
 * Makes this process a worker: it takes orders over the process channel, one at a time, runs nets in a thread of their
 * own and says every second what it is doing. It may be killed at any moment, and ends by itself when the process that
 * started it is gone. REVERIE_PROVIDER says what to compute on ("auto" without it).
 */
export function startWorker(table: StageTable): void {
  let working: Work | undefined;
  let closing = false;
  let doing: { task: string; stage: string; frame: number } | undefined;
  let lastSign = performance.now();

  function sign(stage?: string, frame?: number): void {
    lastSign = performance.now();
    if (doing && stage !== undefined && frame !== undefined) doing = { ...doing, stage, frame };
  }

  /** Takes one order in hand. Its end is told by `finish`, a failure by `fail`. */
  function begin(name: string, work: (signal: AbortSignal) => Promise<void>, fail: (error: AppError) => void): void {
    if (working || closing) return fail(new AppError('TOO_MANY', { what: 'orders', limit: 1 }));
    const control = new AbortController();
    doing = { task: name, stage: 'start', frame: 0 };
    sign();
    const ended = work(control.signal)
      .catch((thrown: unknown) => {
        const error = toAppError(thrown);
        if (error.code !== 'CANCELLED')
          log(
            error.cause instanceof Error && error.code === 'INTERNAL'
              ? (error.cause.stack ?? error.message)
              : error.message,
          );
        fail(control.signal.aborted ? new AppError('CANCELLED') : error);
      })
      .finally(() => {
        working = undefined;
        doing = undefined;
      });
    working = { name, control, ended };
  }

  async function end(status: number): Promise<void> {
    if (closing) return;
    closing = true;
    const current = working;
    current?.control.abort(new AppError('CANCELLED'));
    const stopped = await Promise.race([
      current?.ended.then(() => true) ?? true,
      new Promise<false>(resolve => setTimeout(() => resolve(false), patienceMs)),
    ]);
    // A thread in the middle of a run makes an ordinary exit abort with a core dump; killed, it is gone at once.
    if (
      !stopped ||
      (await Promise.race([
        device.then(opened => opened.close().then(() => true)),
        new Promise<false>(resolve => setTimeout(() => resolve(false), patienceMs)),
      ])) === false
    ) {
      process.kill(process.pid, 'SIGKILL');
    }
    process.exit(status);
  }

  const device = openDevice(process.env.REVERIE_PROVIDER ?? 'auto', () => sign());

  async function take(request: WorkerRequest): Promise<void> {
    switch (request.type) {
      case 'run': {
        const { order } = request;
        const task = order.task.id;
        return begin(
          task,
          async signal => {
            const facts = await runOrder(order, {
              device: await device,
              table,
              media: () => createTaskMedia(order.folders.clips),
              painters,
              signal,
              send,
              onSign: sign,
              log,
            });
            send({ type: 'done', task, facts });
          },
          error => send({ type: 'failed', task, error: error.toJSON() }),
        );
      }
      case 'still': {
        const { id, order } = request;
        return begin(
          `still-${id}`,
          async signal => {
            const media = createTaskMedia(order.folders.clips);
            await runStill(order, {
              device: await device,
              table,
              media,
              painters,
              signal,
              onSign: sign,
              onPicture: picture => send({ type: 'still', id, ...picture }),
            });
          },
          error => send({ type: 'side-failed', id, error: error.toJSON() }),
        );
      }
      case 'atlas': {
        const { id, order } = request;
        return begin(
          `atlas-${id}`,
          async signal => {
            await runAtlas(order, {
              device: await device,
              signal,
              onTile: tile => {
                sign('atlas', tile.done);
                send({ type: 'atlas-tile', id, ...tile });
              },
            });
          },
          error => send({ type: 'side-failed', id, error: error.toJSON() }),
        );
      }
      case 'sections': {
        const { id, clip, clips } = request;
        return begin(
          `sections-${id}`,
          async signal => {
            const song = await runSections(join(clips, clip), { signal, onSecond: second => sign('sections', second) });
            send({ type: 'answer', id, value: song });
          },
          error => send({ type: 'side-failed', id, error: error.toJSON() }),
        );
      }
      case 'stop':
        if (['still', 'atlas', 'sections'].some(kind => working?.name === `${kind}-${request.id}`))
          working?.control.abort(new AppError('CANCELLED'));
        return;
      case 'close':
        return end(0);
    }
  }

  process.on('message', message => {
    let request: WorkerRequest;
    try {
      request = parseRequest(message);
    } catch (thrown) {
      log(`a message was not understood: ${(thrown as Error).message}`);
      return;
    }
    void take(request);
  });
  process.on('disconnect', () => void end(0));
  process.on('SIGTERM', () => void end(143));
  process.on('SIGINT', () => void end(130));
  // What nobody caught is a mistake of the program: it ends, and the server tells the last line that it wrote.
  process.on('uncaughtException', thrown => {
    log(thrown.stack ?? String(thrown));
    process.kill(process.pid, 'SIGKILL');
  });

  setInterval(() => {
    send({
      type: 'alive',
      ...(doing ? { doing } : {}),
      idleMs: Math.round(performance.now() - lastSign),
      rssBytes: process.memoryUsage.rss(),
    });
  }, aliveMs).unref();

  void device.then(opened => {
    send({ type: 'ready', provider: opened.provider, refused: opened.refused });
    log(
      `ready: ${opened.provider}${opened.half ? ' in half precision' : ''}, ${(totalmem() / 2 ** 30).toFixed(1)} GiB of memory`,
    );
  });
}
