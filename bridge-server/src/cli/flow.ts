import { writeFile } from 'node:fs/promises';
import { join, parse } from 'node:path';
import type { Command } from 'commander';
import { AppError } from '#protocol/errors';
import { encodePicture, loadPicture } from '../media/still';
import { computeFlowFiles, createFlowProvider } from '../stages/flow';
import { openDevice } from '../worker/device';
import { openHome } from '../server/home';
import { action } from './command';
import { checkDestination } from './deliver-result';

export function addFlowCommand(program: Command): void {
  program
    .command('flow')
    .description('Optical flow between two pictures, as a Middlebury .flo file and a colour picture.')
    .argument('<a>')
    .argument('<b>')
    .requiredOption('--out <file.flo>')
    .option('--both', 'also the way back, as NAME-backward.flo')
    .option('--flow <kind>', 'auto, classical, net, or the name of a flow net', 'auto')
    .option('--provider <name>', 'what computes', 'auto')
    .option('--force', 'overwrite what is there')
    .option('--json', 'one JSON object')
    .action(
      action(
        async (
          output,
          first: string,
          second: string,
          flags: { out: string; both?: boolean; flow: string; provider: string; force?: boolean },
        ) => {
          await checkDestination(flags.out, flags.force === true);
          const [a, b] = [await loadPicture(first), await loadPicture(second)];
          if (a.width !== b.width || a.height !== b.height) {
            throw new AppError('USAGE', {
              problem: `The pictures have to be of one size: the first is ${a.width}x${a.height}, the second ${b.width}x${b.height}.`,
            });
          }
          const device = await openDevice(flags.provider, () => undefined);
          const cancel = new AbortController();
          const provider = createFlowProvider(flags.flow, {
            nets: device.nets(openHome().nets).open(cancel.signal).nets,
            signal: cancel.signal,
          });
          try {
            const { dir, name } = parse(flags.out);
            for (const file of await computeFlowFiles(a, b, provider, { both: flags.both })) {
              const base = join(dir, file.direction === 'forward' ? name : `${name}-backward`);
              await writeFile(`${base}.flo`, file.bytes);
              await writeFile(`${base}.png`, await encodePicture(file.picture, 'png'));
              output.result(
                {
                  type: 'flow',
                  direction: file.direction,
                  flo: `${base}.flo`,
                  picture: `${base}.png`,
                  by: provider.name,
                },
                `${base}.flo and ${base}.png (${provider.name})`,
              );
            }
          } finally {
            await provider.close();
            await device.close();
          }
        },
      ),
    );
}
