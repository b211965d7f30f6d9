import type { Frame } from '../../frame/frame';

/** Motion both ways between two frames, in pixels; each [2, H, W], x then y. */
export type FlowPair = {
  /** From `a` to `b`, on a's grid: what was at p in `a` is at p + forward(p) in `b`. `warpBackward(b, forward)` rebuilds `a`. */
  readonly forward: Float32Array;
  /** From `b` to `a`, on b's grid. `warpBackward(a, backward)` rebuilds `b`. */
  readonly backward: Float32Array;
};

export interface FlowProvider {
  /** For the report: 'classical', or the name of a net. */
  readonly name: string;
  /** @throws AppError SHAPE_MISMATCH when the frames differ in size, NET_RUN_FAILED, CANCELLED */
  flow(a: Frame, b: Frame): Promise<FlowPair>;
  close(): Promise<void>;
}
