import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { AppError } from '#protocol/errors';
import { checkRedis } from '../jobs/redis/redis-connection';
import { startBridge } from '../main';
import { action, collect } from './command';

type ServeFlags = {
  port: string;
  host: string;
  cert?: string;
  key?: string;
  origin: string[];
  publicHost: string[];
  redis?: string;
  nodeAddress?: string;
};

async function readPem(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new AppError('FILE_UNREADABLE', { path, problem: (error as Error).message }, { cause: error });
  }
}

export function addServeCommand(program: Command): void {
  program
    .command('serve')
    .description('Start the bridge: prints the address that opens the panel, with its token.')
    .option('--port <number>', '0 takes a free one', '0')
    .option('--host <address>', 'address to listen on; off the loopback it wants --cert and --key', '127.0.0.1')
    .option('--cert <file>', 'certificate (PEM)')
    .option('--key <file>', 'private key of the certificate (PEM)')
    .option('--public-host <host>', 'a further name under which this bridge is reached (again for more)', collect, [])
    .option('--origin <origin>', 'a further page origin that may connect with the token (again for more)', collect, [])
    .option(
      '--redis <url>',
      'give tasks to render nodes (`reverie worker`) through this Redis; REVERIE_REDIS when absent',
      process.env.REVERIE_REDIS,
    )
    .option('--node-address <url>', 'how render nodes reach this bridge; its first --public-host when absent')
    .option('--json', 'one JSON object a line')
    .action(
      action(async (output, flags: ServeFlags) => {
        const port = Number(flags.port);
        if (!Number.isInteger(port) || port < 0 || port > 65535)
          throw new AppError('PARAMETER_WRONG', {
            name: 'port',
            value: flags.port,
            problem: 'it is a number from 0 to 65535',
          });
        if ((flags.cert === undefined) !== (flags.key === undefined))
          throw new AppError('USAGE', { problem: 'A certificate and its key go together.' });
        const tls =
          flags.cert && flags.key ? { cert: await readPem(flags.cert), key: await readPem(flags.key) } : undefined;
        if (flags.redis) await checkRedis(flags.redis);
        const bridge = await startBridge({
          port,
          host: flags.host,
          tls,
          origins: flags.origin,
          publicHosts: flags.publicHost,
          redis: flags.redis,
          nodeAddress: flags.nodeAddress,
          log: line => output.event({ type: 'log', line }, line),
        });
        output.result(
          { type: 'serving', address: bridge.address, url: bridge.url, pid: process.pid },
          `Reverie is at ${bridge.url}\nOpen that address in a browser. Ctrl-C ends the bridge; unfinished jobs go on at its next start.`,
        );
        await new Promise<void>(resolve => {
          process.once('SIGINT', resolve);
          process.once('SIGTERM', resolve);
        });
        await bridge.close();
      }),
    );
}
