import { outputSize, planChain, planStill } from '../../bridge-server/src/effects/chain';
import { paintedSize } from '../../bridge-server/src/effects/style';
import { workingSize } from '../../bridge-server/src/effects/size';
import type { StageNode } from '../../bridge-server/src/jobs/task';
import { strokesFor, styleParams } from '#protocol/effects/style';
import { makeClip, makePreset } from '../fakes/jobs';

const cpu = { provider: 'cpu' };
const names = (stages: readonly StageNode[]) => stages.map(node => node.stage);
const paramsOf = (stages: readonly StageNode[], stage: string) =>
  stages.find(node => node.stage === stage)?.params as Record<string, unknown>;
const chainOf = (
  effects: Parameters<typeof makePreset>[0] & object,
  clip = makeClip({ width: 1280, height: 720, codedWidth: 1280, codedHeight: 720 }),
  machine = cpu,
) => planChain(makePreset(effects), clip, { first: 0, last: clip.frames - 1 }, machine);

test('a CPU paints 360 lines, and the upscaler makes twice the clip of them', () => {
  const chain = chainOf({ effects: [{ effect: 'style' }, { effect: 'upscale' }, { effect: 'retime' }] });
  expect(names(chain.stages)).toEqual(['resize', 'stylize', 'upscale', 'retime']);
  expect(paramsOf(chain.stages, 'resize')).toEqual({ width: 640, height: 360 });
  expect(paramsOf(chain.stages, 'upscale')).toEqual({
    enlarge: 'upconv7-scale2x',
    tta: false,
    tilePx: 0,
    width: 2560,
    height: 1440,
  });
  expect([chain.width, chain.height, chain.frames]).toEqual([2560, 1440, 200]);
});

test('a feed-forward net paints half as many lines again', () => {
  const chain = chainOf({ effects: [{ effect: 'style', params: { method: 'fast' } }] });
  expect(paramsOf(chain.stages, 'resize')).toEqual({ width: 960, height: 540 });
});

test('a GPU paints the whole clip', () => {
  expect(
    names(
      chainOf({ effects: [{ effect: 'style' }] }, makeClip({ width: 1280, height: 720, rate: { num: 50, den: 1 } }), {
        provider: 'cuda',
      }).stages,
    ),
  ).toEqual(['stylize']);
});

test("without an upscaler painted frames are brought back to the clip's size at the end", () => {
  const chain = chainOf({ effects: [{ effect: 'style' }] });
  expect(names(chain.stages)).toEqual(['resize', 'stylize', 'retime', 'resize']);
  expect(chain.stages[chain.stages.length - 1].params).toEqual({ width: 1280, height: 720 });
});

test("a clip at the output's rate is not retimed", () => {
  const clip = makeClip({ rate: { num: 50, den: 1 } });
  expect(names(chainOf({ effects: [{ effect: 'retime' }] }, clip).stages)).toEqual([]);
  expect(names(chainOf({ effects: [{ effect: 'upscale' }] }, clip).stages)).toEqual(['upscale']);
});

test('the order of a preset is the order of work', () => {
  const chain = chainOf({ effects: [{ effect: 'retime' }, { effect: 'style' }, { effect: 'dream' }] });
  expect(names(chain.stages)).toEqual(['retime', 'resize', 'stylize', 'dream', 'resize']);
});

test("what was keyed is put together again after the last painting effect, at the clip's own size", () => {
  const chain = chainOf({
    effects: [
      { effect: 'key', params: { over: 'source' } },
      { effect: 'style' },
      { effect: 'dream' },
      { effect: 'upscale' },
    ],
  });
  expect(names(chain.stages)).toEqual([
    'key',
    'resize',
    'stylize',
    'dream',
    'resize',
    'composite',
    'upscale',
    'retime',
  ]);
  expect(paramsOf(chain.stages, 'composite')).toMatchObject({ clip: 'c'.repeat(64), screenFrame: 0, over: 'source' });
});

test('see-through results want a codec that holds them', () => {
  expect(() => chainOf({ effects: [{ effect: 'key' }] })).toThrow(
    expect.objectContaining({ code: 'OUTPUT_UNSUITABLE' }),
  );
  expect(() => chainOf({ effects: [{ effect: 'key' }], output: { codec: 'prores4444' } })).not.toThrow();
});

test('the zoom takes one frame and makes as many as the result has', () => {
  const chain = chainOf({ effects: [{ effect: 'zoom', params: { reverse: true } }] });
  expect(paramsOf(chain.stages, 'zoom')).toMatchObject({ frames: 200, reverse: false });
  expect(chain.reversed).toBe(true);
  expect(chainOf({ effects: [{ effect: 'zoom', params: { frames: 33 } }] }).frames).toBe(33);
});

test('curves are given in frames of the range and reach the stage in frames of the clip', () => {
  const clip = makeClip();
  const preset = makePreset({
    effects: [
      {
        effect: 'dream',
        params: {
          strengthCurve: [
            { frame: 0, value: 1 },
            { frame: 10, value: 9 },
          ],
        },
      },
    ],
  });
  const chain = planChain(preset, clip, { first: 40, last: 60 }, cpu);
  expect(paramsOf(chain.stages, 'dream').strengthCurve).toEqual([
    { frame: 40, value: 1 },
    { frame: 50, value: 9 },
  ]);
});

test('net names follow the family, the noise level and what is there without a download', () => {
  const upscale = (params: object, clip = makeClip(), machine = cpu) =>
    paramsOf(chainOf({ effects: [{ effect: 'upscale', params }] }, clip, machine).stages, 'upscale');
  expect(upscale({})).toMatchObject({ enlarge: 'upconv7-scale2x' });
  expect(upscale({ noise: 1 })).toMatchObject({ enlarge: 'upconv7-noise1-scale2x' });
  expect(upscale({ scale: '1', noise: 3 })).toMatchObject({ clean: 'cunet-noise3' });
  expect(upscale({ scale: '1', net: 'upconv7', noise: 3 })).toMatchObject({ clean: 'upconv7-noise3' });
  expect(upscale({ scale: '1', net: 'upconv7-photo' })).toMatchObject({ clean: 'upconv7-photo-noise0-scale2x' });
  expect(upscale({ scale: '1', net: 'my-own' })).toMatchObject({ clean: 'my-own' });
  expect(upscale({ noise: 1 }, makeClip({ isStill: true, frames: 1 }))).toMatchObject({
    enlarge: 'cunet-noise1-scale2x',
  });
  expect(upscale({ noise: 2 }, makeClip(), { provider: 'cuda' })).toMatchObject({ enlarge: 'cunet-noise2-scale2x' });
  expect(upscale({ net: 'cunet', noise: 2 })).toMatchObject({ enlarge: 'cunet-noise2-scale2x' });
  expect(upscale({ net: 'my-own' })).toMatchObject({ enlarge: 'my-own' });
});

test('odd sides are cut by a pixel where the codec pairs pixels, and kept in pictures', () => {
  const clip = makeClip({ width: 853, height: 479 });
  expect(outputSize(makePreset({ output: { codec: 'h264' } }), clip)).toEqual({ width: 852, height: 478 });
  expect(outputSize(makePreset({ output: { codec: 'png' } }), clip)).toEqual({ width: 853, height: 479 });
});

test('what would be larger than anything can hold is refused', () => {
  expect(() =>
    outputSize(
      makePreset({ effects: [{ effect: 'upscale', params: { scale: '4' } }] }),
      makeClip({ width: 4096, height: 2160 }),
    ),
  ).toThrow(expect.objectContaining({ code: 'SIZE_REFUSED' }));
});

test('working sizes keep the shape, are even, and never enlarge', () => {
  expect(workingSize({ width: 1920, height: 1080 }, 0, cpu)).toEqual({ width: 640, height: 360 });
  expect(workingSize({ width: 1080, height: 1920 }, 0, cpu)).toEqual({ width: 360, height: 640 });
  expect(workingSize({ width: 320, height: 192 }, 0, cpu)).toEqual({ width: 320, height: 192 });
  expect(workingSize({ width: 853, height: 479 }, 240, cpu)).toEqual({ width: 428, height: 240 });
});

test('a picture is dreamt at its own size, a film as the machine can or as lines are named', () => {
  const dreamt = (workingHeight: number, isStill = false) =>
    chainOf(
      { effects: [{ effect: 'dream', params: { workingHeight } }], output: { rate: 'source' } },
      makeClip({ width: 1280, height: 720, isStill }),
    ).stages.map(({ stage, params }) => (stage === 'resize' ? (params as { height: number }).height : stage));
  expect(dreamt(0)).toEqual([360, 'dream', 720]);
  expect(dreamt(0, true)).toEqual(['dream']);
  expect(dreamt(720)).toEqual(['dream']);
  expect(dreamt(540)).toEqual([540, 'dream', 720]);
});

test('a picture is painted with more lines than a film; strokes and pyramid grow with the lines beyond 360', () => {
  const clip = (isStill: boolean) => makeClip({ width: 1920, height: 1080, isStill });
  const painted = (isStill: boolean, params: object, machine = cpu) =>
    paintedSize(styleParams.parse(params), clip(isStill), isStill, machine).height;
  expect(painted(false, {})).toBe(360);
  expect(painted(true, {})).toBe(720);
  expect(painted(true, {}, { provider: 'cuda' })).toBe(1080);
  expect(painted(true, { workingHeight: 240 })).toBe(240);
  expect(painted(false, { detail: 'fine' })).toBe(540);
  expect(painted(false, { detail: 'fine', method: 'fast' })).toBe(540);
  expect(painted(true, { detail: 'draft' })).toBe(216);
  expect(painted(true, { method: 'fast' })).toBe(540);

  const strokes = (width: number, height: number) => strokesFor({ strokePx: 512, scales: 3 }, { width, height });
  expect(strokes(320, 180)).toEqual({ strokePx: 512, scales: 3 });
  expect(strokes(640, 360)).toEqual({ strokePx: 512, scales: 3 });
  expect(strokes(720, 1280)).toEqual({ strokePx: 1024, scales: 5 });
  expect(strokes(1920, 1080)).toEqual({ strokePx: 1536, scales: 6 });
});

test('a still shows strokes as long in proportion as the clip will have them, and leaves out enlarging and time', () => {
  const clip = makeClip({ width: 1920, height: 1080 });
  const preset = makePreset({
    effects: [{ effect: 'style', params: { strokePx: 512 } }, { effect: 'upscale' }, { effect: 'retime' }],
  });
  const still = planStill(preset, clip, 10, cpu, 320);
  expect(names(still.stages)).toEqual(['stylize']);
  expect([still.width, still.height]).toEqual([320, 180]);
  expect(paramsOf(still.stages, 'stylize').strokePx).toBeCloseTo(256);
});
