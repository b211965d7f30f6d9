import type { ErrorJson } from '#protocol/errors';
import type { Tensor } from '../frame/tensor';
import type { KeptTensor, SessionSettings } from './ort-sessions';
import type { LoadOptions } from './runtime';
import type { Signature } from './tiny-model';

/** What the worker's main thread asks of the thread that computes; answered in order, one at a time. */
export type ThreadRequest =
  | {
      readonly id: number;
      readonly do: 'load';
      readonly net: number;
      readonly model: Uint8Array;
      readonly options: LoadOptions;
    }
  | {
      readonly id: number;
      readonly do: 'run';
      readonly net: number;
      readonly feeds: Readonly<Record<string, Tensor | KeptTensor>>;
      readonly fetch?: readonly string[];
      readonly keepOnDevice: readonly string[];
    }
  | { readonly id: number; readonly do: 'read'; readonly kept: number }
  | { readonly id: number; readonly do: 'free'; readonly kept: number }
  | { readonly id: number; readonly do: 'dispose'; readonly net: number }
  | { readonly id: number; readonly do: 'close' };

export type ThreadAnswer =
  | {
      readonly id: number;
      readonly ok: true;
      readonly signature?: Signature;
      readonly outputs?: Record<string, Tensor | KeptTensor>;
      readonly tensor?: Tensor;
    }
  | { readonly id: number; readonly ok: false; readonly error: ErrorJson };

export type ThreadData = { readonly settings: SessionSettings };
