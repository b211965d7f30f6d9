import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { addPresetFlags, type PresetFlags } from '../../bridge-server/src/cli/preset-flags';
import { findPreset, makeSpec } from '../../bridge-server/src/cli/job-spec';
import { addPictureCommands } from '../../bridge-server/src/cli/pictures';
import { addRenderCommand } from '../../bridge-server/src/cli/render';
import { createBridgeCore, type BridgeCore } from '../../bridge-server/src/server/core';
import { makePicture, noNets } from '../fakes/bridge-client';
import { fakeWorker, makeClip, makePlace } from '../fakes/jobs';

const place = makePlace();
const painting = join(place.folder, 'painting.png');
let core: BridgeCore;
beforeAll(async () => {
  core = createBridgeCore({ home: join(place.folder, 'home'), worker: fakeWorker, nets: noNets });
  writeFileSync(painting, (await makePicture()).bytes);
});
afterAll(async () => {
  await core.close();
  place.remove();
});

/** The effects of the job that these words ask for. */
async function effectsOf(...words: string[]) {
  const command = new Command().exitOverride();
  const read = addPresetFlags(command);
  const flags = command.parse(words, { from: 'user' }).opts<PresetFlags>();
  const wishes = { ...read(flags), preset: await findPreset(core, flags.preset) };
  const { preset } = await makeSpec(core, makeClip(), wishes);
  return Object.fromEntries(preset.effects.map(({ effect, params }) => [effect, params]));
}

test('flags become parameters of the effects that they name', async () => {
  const words = [
    '--style-strength',
    '80',
    '--style-colour',
    'keep',
    '--style-long-term',
    'false',
    '--upscale-scale',
    '4',
  ];
  const effects = await effectsOf('--preset', 'tahiti', ...words);
  expect(effects.style).toMatchObject({
    strength: 80,
    colour: 'keep',
    longTerm: false,
    styles: [{ image: { painter: 'tahiti' } }],
  });
  expect(effects.upscale).toMatchObject({ scale: '4' });
});

test('pictures are filed, and a size may bring an upscaler', async () => {
  const { sha256 } = await core.addImage(painting);
  const effects = await effectsOf('--preset', 'quick-tahiti', '--style', painting, '--style', painting, '--size', '2x');
  expect(effects.style).toMatchObject({
    method: 'fast',
    styles: [{ image: { sha256 } }, { image: { sha256 } }],
  });
  expect(effects).toHaveProperty('upscale');
  expect((await effectsOf('--preset', 'dream-texture', '--guide', painting)).dream).toMatchObject({
    guide: { sha256 },
  });
});

test('what is out of range, no number, or of an effect that the preset lacks is refused', async () => {
  for (const words of [
    ['--style-strength', '101'],
    ['--style-strength', 'much'],
    ['--preset', 'dream-texture', '--style-strength', '50'],
  ])
    await expect(effectsOf(...words)).rejects.toMatchObject({ code: 'PARAMETER_WRONG' });
});

test('a still takes every flag of a render but those of time', () => {
  const program = new Command();
  addRenderCommand(program);
  addPictureCommands(program);
  const flagsOf = (name: string) => program.commands.find(each => each.name() === name)!.options.map(each => each.long);
  const ofTime = /^--(range|fps|codec|retime-.*|zoom-.*)$/;
  expect(flagsOf('still').sort()).toEqual(
    flagsOf('render')
      .filter(flag => !ofTime.test(flag!))
      .sort(),
  );
});
