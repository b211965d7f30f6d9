import type { Frame } from '../../bridge-server/src/frame/frame';
import type { Tensor } from '../../bridge-server/src/frame/tensor';
import { NetDraft } from '../../bridge-server/src/models/net-draft';
import type { InputConvention } from '../../bridge-server/src/nets/dream-net';
import { createRandom } from '../../bridge-server/src/pipeline/random';
import type { StageContext, StageState } from '../../bridge-server/src/pipeline/stage';
import { createInProcessRuntime } from '../../bridge-server/src/runtime/ort';
import type { Net, Runtime } from '../../bridge-server/src/runtime/runtime';
import type { Notice } from '#protocol/report';

/** A net of random weights with the layer names of VGG and five sizes, quick enough for tests: relu1_1 .. relu5_1. */
export function makeTinyNet(): Uint8Array {
  let state = 7;
  const random = () => (state = (state * 48271) % 2147483647) / 2147483647 - 0.5;
  const draft = new NetDraft('tiny');
  let x = draft.input('image', [1, 3, 'height', 'width']);
  const channels = [3, 4, 6, 6, 8, 8];
  for (let level = 1; level <= 5; level++) {
    if (level > 1) x = draft.node('MaxPool', [x], { kernel_shape: [2, 2], strides: [2, 2] });
    const [from, to] = [channels[level - 1], channels[level]];
    const weights = draft.weight(
      `w${level}`,
      [to, from, 3, 3],
      Float32Array.from({ length: to * from * 9 }, () => random() / Math.sqrt(from)),
    );
    const bias = draft.weight(
      `b${level}`,
      [to],
      Float32Array.from({ length: to }, () => 0.2 * random()),
    );
    const before = draft.node('Conv', [x, weights, bias], {
      kernel_shape: [3, 3],
      pads: [1, 1, 1, 1],
      strides: [1, 1],
    });
    x = draft.node('Relu', [before], {}, `relu${level}_1`);
    draft.output(x, [1, to, `height${level}`, `width${level}`]);
  }
  return draft.toBytes();
}

export type TestContext = {
  readonly ctx: StageContext;
  readonly states: StageState[];
  readonly notices: Notice[];
  readonly previews: Frame[];
};

let shared: { readonly runtime: Runtime; readonly nets: Map<string, Promise<Net>> } | undefined;

/** A stage's surroundings with real nets on the CPU; compiled nets are shared by the tests of a file. */
export async function makeContext(options: {
  readonly pictures?: Readonly<Record<string, Frame>>;
  readonly painters?: Readonly<Record<string, Uint8Array>>;
  readonly resumed?: StageState;
  readonly bytes?: (name: string) => Uint8Array;
  readonly convention?: InputConvention;
}): Promise<TestContext> {
  shared ??= { runtime: await createInProcessRuntime({ provider: 'cpu', threads: 1 }), nets: new Map() };
  const { runtime, nets } = shared;
  const [states, notices, previews]: [StageState[], Notice[], Frame[]] = [[], [], []];
  const ctx: StageContext = {
    signal: new AbortController().signal,
    random: frame => createRandom(0, 'stylize', frame),
    nets: {
      provider: 'cpu',
      bytes: async name => (options.bytes ?? (() => makeTinyNet()))(name),
      convention: async () => options.convention ?? { order: 'rgb', scale: 1, mean: [0, 0, 0] },
      compiled: (key, build, load) => {
        const known = nets.get(key) ?? build().then(model => runtime.load(model, { label: key, ...load }));
        nets.set(key, known);
        return known;
      },
    },
    image: async ref => options.pictures?.['sha256' in ref ? ref.sha256 : ref.painter] as Frame,
    painter: async name => options.painters?.[name] as Uint8Array,
    clip: () => {
      throw new Error('no clip in this test');
    },
    notice: notice => void notices.push(notice),
    progress: step => void (step.preview && previews.push(step.preview)),
    store: state => void states.push(copyOf(state)),
    ...(options.resumed ? { resumed: options.resumed } : {}),
  };
  return { ctx, states, notices, previews };
}

export async function closeShared(): Promise<void> {
  await shared?.runtime.close();
  shared = undefined;
}

/** As it would be after a way through the disk. */
function copyOf(state: StageState): StageState {
  const copy = (tensor: Tensor): Tensor => ({ ...tensor, data: tensor.data.slice() as Tensor['data'] });
  return {
    nextIndex: state.nextIndex,
    tensors: Object.fromEntries(Object.entries(state.tensors).map(([name, tensor]) => [name, copy(tensor)])),
  };
}
