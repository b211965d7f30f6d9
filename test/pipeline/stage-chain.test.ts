import { setTimeout as sleep } from 'node:timers/promises';
import type { StageNode } from '../../bridge-server/src/jobs/task';
import type { FlowStore } from '../../bridge-server/src/media/flow-store';
import { chainStages, type ChainOptions } from '../../bridge-server/src/pipeline/stage-chain';

const unused = () => {
  throw new Error('not needed here');
};
const flows: FlowStore = { read: unused, write: unused };

type Name = StageNode['stage'];

/** The stages that get the clip's motion, of a chain of these. */
function stagesWithMotion(stages: readonly Name[], ofClip: boolean): Name[] {
  const found: Name[] = [];
  const table = Object.fromEntries(
    stages.map(stage => [
      stage,
      (input, _params, ctx) => {
        if (ctx.flows) found.push(stage);
        return input;
      },
    ]),
  ) as ChainOptions['table'];
  chainStages((async function* () {})(), {
    nodes: stages.map(stage => ({ stage, params: {}, sequential: false })),
    table,
    services: {
      image: unused,
      painter: unused,
      clip: unused,
      flows,
      nets: { provider: 'cpu', bytes: unused, convention: unused, compiled: unused },
    },
    events: { notice: unused, step: unused, store: unused },
    signal: new AbortController().signal,
    seed: 0,
    ofClip,
    ahead: 0,
  });
  return found;
}

test.each<[readonly Name[], boolean, readonly Name[]]>([
  [['resize', 'stylize'], true, ['resize', 'stylize']],
  [['key', 'stylize'], true, ['key']],
  [['upscale', 'retime'], true, ['upscale']],
  [['resize', 'retime'], false, []],
])('%j, of the clip %s: its motion is given to %j', (stages, ofClip, expected) => {
  expect(stagesWithMotion(stages, ofClip)).toEqual(expected);
});

test('what is done before a frame is begun has a name of its own, and is no part of the frame', async () => {
  const steps: object[] = [];
  const frame = { index: 3, width: 1, height: 1, rgb: new Float32Array(3) };
  const { frames, times } = chainStages(
    (async function* () {
      yield frame;
    })(),
    {
      nodes: [{ stage: 'stylize', params: {}, sequential: true }],
      table: {
        stylize: async function* (input, _params, ctx) {
          for await (const each of input) {
            ctx.progress({ frame: 3, done: 0, total: 2, phase: 'fit' });
            for (const done of [1, 2]) {
              await sleep(60);
              ctx.progress({ frame: 3, done, total: 2, phase: 'fit' });
            }
            ctx.progress({ frame: 3, done: 1, total: 2 });
            yield each;
          }
        },
      },
      services: {
        image: unused,
        painter: unused,
        clip: unused,
        nets: { provider: 'cpu', bytes: unused, convention: unused, compiled: unused },
      },
      events: { notice: unused, step: step => void steps.push(step), store: unused },
      signal: new AbortController().signal,
      seed: 0,
      ahead: 0,
    },
  );
  for await (const each of frames) expect(each).toBe(frame);
  expect(steps).toEqual([
    { stage: 'stylize', frame: 3 },
    { stage: 'fit', frame: 3, done: 0, total: 2, opens: true },
    { stage: 'fit', frame: 3, done: 1, total: 2, opens: true },
    { stage: 'fit', frame: 3, done: 2, total: 2, opens: true },
    { stage: 'stylize', frame: 3, done: 1, total: 2 },
  ]);
  // It has its own time as well: what a stage takes for a frame is not told from its first one.
  expect(times.map(({ stage, frames: count }) => [stage, count])).toEqual([
    ['stylize', 1],
    ['fit', 2],
  ]);
  expect(times[1].seconds).toBeGreaterThan(0.1);
  expect(times[0].seconds).toBeLessThan(0.1);
});
