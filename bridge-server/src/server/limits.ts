/** Bounds on what clients can make the bridge do. Generous for people, small for mischief. */
export type Limits = {
  readonly connections: number;
  /** Control messages a second and connection, and how many may come at once. */
  readonly messagesPerSecond: number;
  readonly messageBurst: number;
  readonly requestsUnderWay: number;
  readonly uploadsPerConnection: number;
  readonly downloadsPerConnection: number;
  readonly uploadBytes: { readonly clip: number; readonly image: number; readonly net: number; readonly sound: number };
  /** Free disk that an upload must leave. */
  readonly spareDiskBytes: number;
  readonly unfinishedJobs: number;
  /** Bytes waiting in a socket before events that can be missed are left out, and before the connection is given up. */
  readonly lazyBytes: number;
  readonly deadBytes: number;
  /** Messages that cannot be understood before the connection is closed. */
  readonly badMessages: number;
};

export const defaultLimits: Limits = {
  connections: 128,
  messagesPerSecond: 200,
  messageBurst: 600,
  requestsUnderWay: 64,
  uploadsPerConnection: 4,
  downloadsPerConnection: 4,
  uploadBytes: { clip: 256e9, image: 256e6, net: 4e9, sound: 4e9 },
  spareDiskBytes: 1e9,
  unfinishedJobs: 1000,
  lazyBytes: 4e6,
  deadBytes: 64e6,
  badMessages: 20,
};

/** Lets `perSecond` things through on average and `burst` at once. */
export function createBucket(
  perSecond: number,
  burst: number,
  now = () => Date.now(),
): { take(cost?: number): boolean } {
  let level = burst;
  let last = now();
  return {
    take(cost = 1) {
      const at = now();
      level = Math.min(burst, level + ((at - last) / 1000) * perSecond);
      last = at;
      if (level < cost) return false;
      level -= cost;
      return true;
    },
  };
}
