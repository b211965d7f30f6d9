/**
 * A worker that computes nothing: stored frames and segments are small text files, so a test sees which frames were
 * made, by whom and how often. What it should do wrong stands in FAKE_WORKER_FAULTS (a JSON file, read before each
 * task): { "stepMs": 5, "cuts": [10], "faults": [{ "kind": "deliver", "attempt": 0, "at": 3, "do": "crash" }] }
 */
const fs = require('node:fs');
const path = require('node:path');
const { createHash } = require('node:crypto');

const say = message => process.send && process.send(message, () => undefined);
const wait = ms => new Promise(resolve => setTimeout(resolve, ms));
const plan = () => {
  try {
    return JSON.parse(fs.readFileSync(process.env.FAKE_WORKER_FAULTS, 'utf8'));
  } catch {
    return {};
  }
};
const writeWhole = (file, text) => {
  fs.writeFileSync(`${file}.${process.pid}.tmp`, text);
  fs.renameSync(`${file}.${process.pid}.tmp`, file);
};

async function misbehave(task, attempt, step) {
  for (const fault of plan().faults ?? []) {
    if (
      (fault.kind && fault.kind !== task.kind) ||
      (fault.attempt !== undefined && fault.attempt !== attempt) ||
      (fault.at ?? 0) !== step
    )
      continue;
    if (fault.do === 'crash') process.exit(70);
    if (fault.do === 'die') process.kill(process.pid, 'SIGKILL');
    if (fault.do === 'silence') {
      clearInterval(alive);
      await new Promise(() => undefined);
    }
    if (fault.do === 'hang') await new Promise(() => undefined);
    if (fault.do === 'fail')
      throw Object.assign(new Error(fault.code), { json: { code: fault.code, details: fault.details ?? {} } });
  }
}

/** Frame or output numbers first..last, one step each. */
async function steps(order, span, work) {
  const total = span.last - span.first + 1;
  for (let index = span.first; index <= span.last; index++) {
    await misbehave(order.task, order.attempt, index - span.first);
    await wait(plan().stepMs ?? 0);
    work(index);
    say({
      type: 'progress',
      task: order.task.id,
      done: (index - span.first + 1) / total,
      stage: order.task.kind,
      frame: index,
    });
    lastProgress = Date.now();
  }
}

async function run(order) {
  const { task, folders } = order;
  const folder = path.join(folders.job, 'tasks', task.id);
  fs.mkdirSync(folder, { recursive: true });
  const readTask = id => fs.readFileSync(path.join(folders.job, 'tasks', id, 'frames.txt'), 'utf8');
  const facts = { stages: [{ stage: task.kind, frames: 1, seconds: 0.01 }] };
  if (task.kind === 'analyse') {
    await misbehave(task, order.attempt, 0);
    const cuts = (plan().cuts ?? []).filter(cut => cut > task.span.first && cut <= task.span.last);
    return { ...facts, analysis: { frames: task.span.last - task.span.first + 1, cuts } };
  }
  if (task.kind === 'paint') {
    const file = path.join(folder, 'frames.txt');
    const span = task.frames ?? task.span;
    // Frames that an earlier try stored stay stored, as in the real worker.
    const stored = new Set(fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split('\n').filter(Boolean) : []);
    const stages = task.stages.map(node => node.stage).join('+');
    await steps(order, span, index => {
      if (stored.has(`${index} ${stages}`)) return;
      fs.appendFileSync(file, `${index} ${stages}\n`);
      if (process.env.FAKE_WORKER_DIARY)
        fs.appendFileSync(process.env.FAKE_WORKER_DIARY, `paint ${task.id} ${index}\n`);
    });
    say({
      type: 'notice',
      task: task.id,
      notice: { kind: 'note', stage: 'stylize', frame: span.first, text: 'painted by a fake' },
    });
    return { ...facts, notices: [{ kind: 'note', stage: 'stylize', frame: span.first, text: 'painted by a fake' }] };
  }
  if (task.kind === 'deliver') {
    const lines = [];
    if (task.source.from === 'tasks') task.source.tasks.forEach(part => readTask(part.task));
    await steps(order, task.out, index => lines.push(`${index}`));
    writeWhole(path.join(folder, 'segment.txt'), `${lines.join('\n')}\n`);
    const preview = path.join(folders.job, 'previews', `${task.out.first}.jpg`);
    fs.writeFileSync(preview, 'a picture');
    say({ type: 'preview', task: task.id, frame: task.out.first, file: preview, final: true });
    return facts;
  }
  const text = task.needs
    .map(id => fs.readFileSync(path.join(folders.job, 'tasks', id, 'segment.txt'), 'utf8'))
    .join('');
  await steps(order, { first: 0, last: 1 }, () => undefined);
  writeWhole(path.join(folders.job, 'result.mov'), text);
  const frames = text.split('\n').filter(Boolean).length;
  return {
    ...facts,
    nets: [{ name: 'fake', sha256: '0'.repeat(64), licence: 'MIT' }],
    result: {
      fileName: 'result.mov',
      sizeBytes: Buffer.byteLength(text),
      sha256: createHash('sha256').update(text).digest('hex'),
      frames,
      width: task.width,
      height: task.height,
      verified: plan().unverified !== true,
    },
  };
}

async function still(id, order) {
  fs.mkdirSync(order.folder, { recursive: true });
  for (let done = 1; done <= 3 && !stopped.has(id); done++) {
    await wait(plan().stepMs ?? 0);
    const file = path.join(order.folder, `${done}.jpg`);
    fs.writeFileSync(file, `still ${order.frame} ${done}`);
    say({ type: 'still', id, file, done, total: 3, final: done === 3 });
  }
  if (stopped.has(id)) say({ type: 'side-failed', id, error: { code: 'CANCELLED', details: {} } });
}

/** Six tiles; what an earlier order made is not kept. */
async function atlas(id, order) {
  for (let done = 1; done <= 6; done++) {
    await wait(plan().stepMs ?? 0);
    if (stopped.has(id)) return say({ type: 'side-failed', id, error: { code: 'CANCELLED', details: {} } });
    const file = path.join(order.folder, `${done}.jpg`);
    fs.writeFileSync(file, `layer ${done}`);
    say({ type: 'atlas-tile', id, layer: `layer ${done}`, channels: 8, file, done, total: 6 });
  }
}

let lastProgress = Date.now();
const stopped = new Set();
const alive = setInterval(() => say({ type: 'alive', idleMs: Date.now() - lastProgress }), 50);
process.on('message', message => {
  if (message.type === 'run') {
    const { task } = message.order;
    run(message.order).then(
      facts => say({ type: 'done', task: task.id, facts }),
      error =>
        say({
          type: 'failed',
          task: task.id,
          error: error.json ?? { code: 'INTERNAL', details: { problem: error.message } },
        }),
    );
  }
  if (message.type === 'still') void still(message.id, message.order);
  if (message.type === 'atlas') {
    stopped.delete(message.id);
    void atlas(message.id, message.order);
  }
  if (message.type === 'stop') stopped.add(message.id);
  if (message.type === 'close') process.exit(0);
});
process.on('disconnect', () => process.exit(0));
if (plan().startCrash) {
  console.error('the fake cannot start');
  process.exit(3);
}
say({ type: 'ready', provider: 'cpu', refused: [{ provider: 'cuda', reason: 'there is none here' }] });
