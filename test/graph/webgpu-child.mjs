/**
 * Runs each model of a folder on WebGPU and on the CPU and prints the worst relative difference per output, as JSON
 * lines. A process of its own, because a broken driver ends it.
 * Arguments: the folder (models `*.onnx`, their feeds `*.json`).
 */
import { readFileSync, readdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import ort from 'onnxruntime-node';

async function main(folder) {
  for (const file of readdirSync(folder)
    .filter(name => name.endsWith('.onnx'))
    .sort()) {
    const model = readFileSync(join(folder, file));
    const stored = JSON.parse(readFileSync(join(folder, file.replace(/onnx$/, 'json')), 'utf8'));
    const feeds = Object.fromEntries(
      Object.entries(stored).map(([name, { dims, data }]) => [
        name,
        new ort.Tensor('float32', Float32Array.from(data), dims),
      ]),
    );
    try {
      process.stdout.write(JSON.stringify({ file, ...(await compare(folder, model, feeds)) }) + '\n');
    } catch (error) {
      process.stdout.write(
        JSON.stringify({
          file,
          differences: {},
          onCpu: [],
          failed: String(error && error.message ? error.message : error),
        }) + '\n',
      );
    }
  }
}

async function compare(folder, model, feeds) {
  const results = {};
  const profile = join(folder, 'profile');
  for (const provider of ['cpu', 'webgpu']) {
    const session = await ort.InferenceSession.create(model, {
      executionProviders: [provider],
      logSeverityLevel: 4,
      intraOpNumThreads: 1,
      enableMemPattern: false,
      ...(provider === 'webgpu' ? { enableProfiling: true, profileFilePrefix: profile } : {}),
    });
    const fed = Object.fromEntries(session.inputNames.map(name => [name, feeds[name]]));
    results[provider] = await session.run(fed);
    if (provider === 'webgpu') session.endProfiling();
    await session.release();
  }
  const differences = {};
  for (const [name, tensor] of Object.entries(results.cpu)) {
    const other = results.webgpu[name].data;
    let worst = 0;
    let scale = 1e-30;
    for (let i = 0; i < other.length; i++) {
      const difference = Math.abs(Number(other[i]) - Number(tensor.data[i]));
      if (!(difference <= worst)) worst = difference;
      scale = Math.max(scale, Math.abs(Number(tensor.data[i])));
    }
    differences[name] = worst / scale;
  }
  const log = readdirSync(folder)
    .filter(name => name.startsWith('profile'))
    .map(name => join(folder, name))
    .sort()
    .pop();
  const nodes = JSON.parse(readFileSync(log, 'utf8')).filter(
    entry => entry.cat === 'Node' && entry.args && entry.args.provider,
  );
  const onCpu = [
    ...new Set(nodes.filter(entry => entry.args.provider === 'CPUExecutionProvider').map(entry => entry.args.op_name)),
  ];
  unlinkSync(log);
  return { differences, onCpu };
}

main(process.argv[2]).catch(error => {
  process.stderr.write(String(error && error.message ? error.message : error) + '\n');
  process.exit(1);
});
