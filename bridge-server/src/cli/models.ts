import type { Command } from 'commander';
import { inspectionText } from '../models/inspect';
import { createInProcessRuntime } from '../runtime/ort';
import { action } from './command';
import { formatBytes } from './output';
import { openStore } from './open-store';

export function addModelsCommand(program: Command): void {
  const models = program.command('models').description('Nets: list, pull from their official places, import files.');
  models
    .command('list')
    .option('--json', 'one JSON object a line')
    .action(
      action(async output => {
        for (const net of await openStore().list()) {
          output.result(
            { type: 'net', net },
            `${net.installed ? '*' : ' '} ${net.name.padEnd(26)} ${net.kind.padEnd(9)} ${formatBytes(net.sizeBytes).padStart(8)}  ${net.title} (${net.licence})`,
          );
        }
      }),
    );
  models
    .command('pull')
    .argument('<name...>')
    .option('--json', 'one JSON object a line')
    .action(
      action(async (output, names: string[]) => {
        const store = openStore();
        for (const name of names) {
          const net = await store.pull(name, ({ doneBytes, totalBytes }) =>
            output.bar(
              doneBytes / Math.max(1, totalBytes),
              `${name}: ${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`,
            ),
          );
          output.endBar();
          output.result({ type: 'net', net }, `${name} is installed.`);
        }
      }),
    );
  models
    .command('import')
    .argument('<file>', '.onnx, .caffemodel, .tflite, or ncnn .param with its .bin beside it')
    .option('--name <name>', 'the name to file it under')
    .option('--style-net <file>', 'for a net that paints by numbers: the net that makes them of a style picture')
    .option('--look', 'say what is in it, and file nothing')
    .option('--json', 'one JSON object')
    .action(
      action(async (output, path: string, flags: { name?: string; styleNet?: string; look?: boolean }) => {
        const runtime = await createInProcessRuntime({ provider: 'cpu' });
        try {
          const { record, inspection } = await openStore().importFile(path, flags.name, {
            runtime,
            styleNet: flags.styleNet,
            dryRun: flags.look,
          });
          output.result({ type: 'net', net: record, inspection }, inspectionText(inspection));
        } finally {
          await runtime.close();
        }
      }),
    );
}
