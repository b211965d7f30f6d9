import { Redis, type RedisOptions } from 'ioredis';
import { AppError } from '#protocol/errors';

/** Tasks of bridges and nodes of one version; another version's would give other pixels. */
export const queueName = (version: string) => `reverie-${version}`;
export const bridgeKey = (name: string) => `reverie:bridge:${name}`;
export const nodeKey = (id: string) => `reverie:node:${id}`;
export const nodesKey = 'reverie:nodes';

/** How long records of bridges and nodes outlive their last sign, and how often that is given. */
export const recordMs = 10_000;
export const signMs = 2_000;

/**
 * A connection that waits for a Redis which is away and comes back by itself. `rediss://` is TLS; user and password
 * stand in the address. @throws AppError USAGE for something that is no such address
 */
export function connectRedis(url: string, options: RedisOptions = {}): Redis {
  if (!/^rediss?:\/\/\S+$/.test(url))
    throw new AppError('USAGE', {
      problem: 'The address of Redis is written like redis://host:6379 or rediss://user:password@host:6379.',
    });
  return new Redis(url, {
    // BullMQ wants commands to wait for the connection instead of failing.
    maxRetriesPerRequest: null,
    retryStrategy: times => Math.min(2000, 100 * times),
    ...options,
  });
}

/** Asks Redis once. @throws AppError REDIS_UNREACHABLE */
export async function checkRedis(url: string, withinMs = 5000): Promise<void> {
  const redis = connectRedis(url, {
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    connectTimeout: withinMs,
  });
  // The first reason is the telling one; `connect` only says that the connection is closed.
  let reason: string | undefined;
  redis.on('error', error => (reason ??= error.message));
  try {
    await redis.connect();
    await redis.ping();
  } catch (error) {
    throw new AppError(
      'REDIS_UNREACHABLE',
      { address: withoutPassword(url), problem: reason ?? (error as Error).message },
      { cause: error },
    );
  } finally {
    redis.disconnect();
  }
}

/** The address as it may be shown. */
export function withoutPassword(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//');
}
