/** Motion between two grey pictures, each [2, H, W]. */
export type DisResult = { readonly forward: Float32Array; readonly backward: Float32Array };

export type DisSettings = {
  /** Pixels between patches of 8x8. */
  readonly step: number;
  /** Gauss-Newton steps of a patch, both passes together. */
  readonly iterations: number;
  /** Rounds of refinement on each smaller level, and at full size. */
  readonly rounds: number;
  readonly lastRounds: number;
};

export type DisDriver = (
  a: Float32Array,
  b: Float32Array,
  width: number,
  height: number,
  settings: DisSettings,
  directions: 1 | 2 | 3,
) => DisResult;

/**
 * Runs the compiled search. This function is also handed to a thread as its source text, so it uses nothing from
 * around it but its argument and what every JavaScript realm has.
 * @param module what `dis.as.ts` was compiled to
 */
export function createDisDriver(module: WebAssembly.Module): DisDriver {
  type Exports = {
    memory: WebAssembly.Memory;
    layout(width: number, height: number, step: number): number;
    tune(iterations: number, rounds: number, lastRounds: number): void;
    picture(index: number): number;
    result(index: number): number;
    run(directions: number): void;
  };
  const stop = () => {
    throw new Error('the flow code stopped');
  };
  const search = new WebAssembly.Instance(module, { env: { abort: stop } }).exports as unknown as Exports;
  return (a, b, width, height, settings, directions) => {
    const area = width * height;
    // Addresses come back as signed numbers.
    const bytes = search.layout(width, height, settings.step) >>> 0;
    const missing = Math.ceil((bytes - search.memory.buffer.byteLength) / 65536);
    if (missing > 0) search.memory.grow(missing);
    search.tune(settings.iterations, settings.rounds, settings.lastRounds);
    const plane = (address: number) => new Float32Array(search.memory.buffer, address >>> 0, area);
    plane(search.picture(0)).set(a);
    plane(search.picture(1)).set(b);
    search.run(directions);
    const both = (u: number) => {
      const flow = new Float32Array(2 * area);
      flow.set(plane(search.result(u)), 0);
      flow.set(plane(search.result(u + 1)), area);
      return flow;
    };
    const none = new Float32Array(0);
    return { forward: directions & 1 ? both(0) : none, backward: directions & 2 ? both(2) : none };
  };
}
