import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { AppError } from '#protocol/errors';
import { startRenderNode } from '../jobs/redis/render-node';
import { isProviderName } from '../runtime/choose';
import { providerNames } from '../runtime/runtime';
import { providerEnvironment } from '../runtime/provider-libraries';
import { programVersion, workerProgram } from '../server/core';
import { openHome } from '../server/home';
import { action } from './command';

type WorkerFlags = { redis?: string; provider: string; name?: string; ca?: string; folder?: string };

export function addWorkerCommand(program: Command): void {
  program
    .command('worker')
    .description('Make this machine a render node of the bridges that use the same Redis (`reverie serve --redis`).')
    .option(
      '--redis <url>',
      'redis://host:6379 or rediss://user:password@host:6379; REVERIE_REDIS when absent',
      process.env.REVERIE_REDIS,
    )
    .option('--provider <name>', 'what this node computes on: auto, cpu, webgpu, cuda, tensorrt, dml or coreml', 'auto')
    .option('--name <name>', 'what reports call this machine', hostname())
    .option('--ca <file>', 'certificate (PEM) of the bridge, where no public authority signed it')
    .option('--folder <folder>', 'where clips and unfinished tasks are kept; `node` in REVERIE_HOME when absent')
    .option('--json', 'one JSON object a line')
    .action(
      action(async (output, flags: WorkerFlags) => {
        const { redis, provider, name = hostname() } = flags;
        if (!redis)
          throw new AppError('USAGE', {
            problem: 'A render node needs the address of a Redis: --redis, or REVERIE_REDIS.',
          });
        if (provider !== 'auto' && !isProviderName(provider))
          throw new AppError('PARAMETER_WRONG', {
            name: 'provider',
            value: provider,
            problem: `choose auto or one of ${providerNames.join(', ')}`,
          });
        const ca = flags.ca
          ? await readFile(flags.ca).catch((error: Error) => {
              throw new AppError('FILE_UNREADABLE', { path: flags.ca!, problem: error.message }, { cause: error });
            })
          : undefined;
        const node = await startRenderNode({
          redis,
          provider,
          name,
          ca,
          folder: flags.folder ?? join(openHome().root, 'node'),
          worker: workerProgram(),
          workerEnv: providerEnvironment(provider),
          version: programVersion,
          log: line => output.event({ type: 'log', line }, line),
        });
        output.result(
          { type: 'node', name: node.name, provider: node.provider, pid: process.pid },
          `${node.name} renders on ${node.provider}. Ctrl-C leaves; what is under way goes on elsewhere.`,
        );
        await new Promise<void>(resolve => {
          process.once('SIGINT', resolve);
          process.once('SIGTERM', resolve);
        });
        await node.close();
      }),
    );
}
