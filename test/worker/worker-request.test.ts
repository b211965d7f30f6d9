import { planAnalysis, planTasks } from '../../bridge-server/src/jobs/plan';
import { workerRequestSchema } from '../../bridge-server/src/worker/worker-request';
import { makeClip, makePreset, makeSpec } from '../fakes/jobs';

const picture = { image: { sha256: 'a'.repeat(64) }, weight: 1 };

test.each([
  [[{ effect: 'style', params: { method: 'fast', styles: [picture] } }, { effect: 'upscale' }, { effect: 'retime' }]],
  [[{ effect: 'retime' }, { effect: 'style' }, { effect: 'dream' }]],
  [[{ effect: 'zoom', params: { reverse: true } }]],
])("tasks of %j come through the worker's door as they were planned", effects => {
  const clip = makeClip();
  const machine = { provider: 'cpu' };
  const spec = makeSpec({ preset: makePreset({ effects: effects as never }) });
  const analysis = planAnalysis(spec, clip, machine);
  const planned = planTasks(spec, clip, { frames: clip.frames, cuts: [20] }, { machine, seconds: () => 1 });
  const folders = { clips: 'c', images: 'i', nets: 'n', job: 'j' };
  for (const task of [...(analysis ? [analysis] : []), ...planned]) {
    const order = { job: 'job', task, clip, folders, provider: 'cpu', attempt: 0 };
    const sent = JSON.parse(JSON.stringify({ type: 'run', order })) as unknown;
    expect(workerRequestSchema.parse(sent)).toEqual(sent);
  }
});
