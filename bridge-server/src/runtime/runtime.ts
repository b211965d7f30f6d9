import type { Tensor, TensorType } from '../frame/tensor';

/** What onnxruntime can compute on, in the order in which `auto` tries them. */
export const providerNames = ['tensorrt', 'cuda', 'coreml', 'dml', 'webgpu', 'cpu'] as const;
export type ProviderName = (typeof providerNames)[number];

export type TensorInfo = {
  readonly name: string;
  readonly type: TensorType;
  readonly dims: readonly (number | string)[];
};

/** A tensor that stays on the device between two runs; only the runtime that made it can use it. */
export type DeviceTensor = { readonly device: true; readonly id: number; readonly dims: readonly number[] };

export type RunOptions = {
  /** Outputs to compute; all when absent. */
  readonly fetch?: readonly string[];
  /** Outputs left on the device and returned as handles. The CPU returns handles too, so that callers need one form. */
  readonly keepOnDevice?: readonly string[];
  /**
   * Inputs whose memory may be taken away: they travel without a copy and their arrays are empty afterwards.
   * Only for arrays that nobody else holds; the others are copied once.
   */
  readonly give?: readonly string[];
};

export interface Net {
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  /** @throws AppError NET_INPUT_WRONG, OUT_OF_MEMORY, NET_RUN_FAILED, CANCELLED */
  run(
    feeds: Readonly<Record<string, Tensor | DeviceTensor>>,
    options?: RunOptions,
  ): Promise<Record<string, Tensor | DeviceTensor>>;
  /** Copies a kept tensor to the host. */
  read(tensor: DeviceTensor): Promise<Tensor>;
  /** Gives one kept tensor back; unknown handles are ignored. */
  free(tensor: DeviceTensor): void;
  dispose(): Promise<void>;
}

export type LoadOptions = {
  /** Shown in logs and errors. */
  readonly label: string;
  readonly graphOptimization?: 'disabled' | 'basic' | 'extended' | 'all';
  /** Outputs that runs will keep. On WebGPU only these really stay on the device; elsewhere they wait beside the net. */
  readonly keepOnDevice?: readonly string[];
  /**
   * Whether memory is kept from one run to the next (it is, unless told otherwise): false for nets that run once. At
   * 1280x720 a step of the embedded net takes half the time with it, one of VGG-19 three quarters, for a tenth more memory.
   */
  readonly keepMemory?: boolean;
};

/** One device, opened once per worker process. `runtime/ort.ts` is the real one, `runtime/null.ts` checks shapes only. */
export interface Runtime {
  /** The provider that really runs, and why the ones before it do not. */
  readonly provider: ProviderName;
  readonly refused: readonly { readonly provider: ProviderName; readonly reason: string }[];
  /** @param model serialised ONNX. @throws AppError NET_LOAD_FAILED, OUT_OF_MEMORY */
  load(model: Uint8Array, options: LoadOptions): Promise<Net>;
  close(): Promise<void>;
}
