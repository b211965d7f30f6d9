import { mkdtemp, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { loadPicture } from '../media/still';
import { openHome } from '../server/home';
import { zipFolder } from '../server/zip-folder';
import { openDevice } from '../worker/device';
import { runAtlas } from '../worker/run-atlas';
import { action } from './command';
import { checkDestination, makeFolder } from './deliver-result';

type AtlasFlags = { out: string; net: string; image?: string; channels?: string; provider: string; force?: boolean };

export function addAtlasCommand(program: Command): void {
  program
    .command('atlas')
    .description('One picture per layer of a net: what each of them dreams of.')
    .requiredOption('--out <folder|file.zip>')
    .option('--net <name>', 'an installed net', 'openimages')
    .option('--image <image>', 'the picture that is dreamt into')
    .option('--channels <layer>', 'one picture per channel of this layer')
    .option('--provider <name>', 'what computes', 'auto')
    .option('--force', 'overwrite what is there')
    .option('--json', 'one JSON object a line')
    .action(
      action(async (output, flags: AtlasFlags) => {
        await checkDestination(flags.out, flags.force === true);
        const zipped = /\.zip$/i.test(flags.out);
        const out = resolve(flags.out);
        const folder = zipped ? await mkdtemp(join(dirname(out), '.atlas-')) : out;
        if (!zipped) await makeFolder(folder);
        const home = openHome();
        const device = await openDevice(flags.provider, () => undefined);
        const control = new AbortController();
        const stop = () => control.abort();
        process.once('SIGINT', stop);
        let tiles = 0;
        try {
          const image = flags.image === undefined ? undefined : await loadPicture(flags.image);
          const order = {
            net: flags.net,
            channelsOf: flags.channels,
            provider: flags.provider,
            folder,
            folders: { clips: home.clips, images: home.images, nets: home.nets },
          };
          await runAtlas(order, {
            device,
            image,
            signal: control.signal,
            onTile: tile => {
              tiles = tile.done;
              output.event({ type: 'atlas-tile', ...tile });
              output.bar(tile.done / tile.total, `${tile.layer}, ${tile.done} of ${tile.total}`);
            },
          });
          output.endBar();
          if (zipped) await zipFolder(folder, out);
          output.result({ type: 'atlas', out, tiles }, `${flags.out}: ${tiles} pictures`);
        } finally {
          process.off('SIGINT', stop);
          if (zipped) await rm(folder, { recursive: true, force: true });
          await device.close();
        }
      }),
    );
}
