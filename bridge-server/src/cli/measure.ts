import { writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { Option, type Command } from 'commander';
import type { ClipInfo } from '#protocol/clip';
import { AppError } from '#protocol/errors';
import { formatRate } from '#protocol/time';
import { decodeFrames } from '../media/decode';
import { probeClip } from '../media/probe';
import { loadPicture } from '../media/still';
import { openHome } from '../server/home';
import { PresetStore } from '../server/preset-store';
import { detectCuts } from '../stages/cuts';
import { createFlowProvider } from '../stages/flow';
import { measureClip, type ClipFigures } from '../stages/measure';
import { measurePage } from '../stages/measure-page';
import { createStyleDistance } from '../stages/stylize/style-distance';
import { openDevice } from '../worker/device';
import { painters } from '../worker/painter-source';
import { createServices } from '../worker/task-services';
import type { RetimeStageParams } from '../stages/retime';
import { action } from './command';
import { compareFrames } from './compared-frames';
import { checkDestination } from './deliver-result';
import { findPreset } from './job-spec';
import { openStore } from './open-store';
import { createPaintAlone, styleOf } from './paint-alone';

type MeasureFlags = {
  source: string;
  first: string;
  style?: string;
  preset?: string;
  seed: string;
  page?: string;
  flow: string;
  retime: RetimeStageParams['method'];
  provider: string;
  maxSide: string;
  force?: boolean;
};

/** Cuts are seen as well in a small picture. */
const cutSide = 256;
/** Style pictures are measured at the length that `style-stroke-px` has by default. */
const strokePx = 512;
const thumbnails = 24;
const retimeMethods: readonly RetimeStageParams['method'][] = ['flow', 'blend', 'repeat', 'rife'];

/** The picture of `--style` has no name: there is only the one. */
const anyPicture = { sha256: '0'.repeat(64) };

function scaled(info: ClipInfo, side: number): { width: number; height: number } {
  const factor = Math.min(1, side / Math.max(info.width, info.height));
  return {
    width: Math.max(16, Math.round(info.width * factor)),
    height: Math.max(16, Math.round(info.height * factor)),
  };
}

async function cutsOf(path: string, info: ClipInfo): Promise<Set<number>> {
  return new Set(
    (await detectCuts(decodeFrames(path, info, { first: 0, last: info.frames - 1, scaleTo: scaled(info, cutSide) })))
      .cuts,
  );
}

function sentences(figures: ClipFigures): string {
  const number = (value: number | undefined, digits = 4) =>
    value === undefined ? 'not measured' : value.toFixed(digits);
  const alone = (value: number | undefined) =>
    value === undefined ? '' : `, of frames painted alone ${number(value)}`;
  const relative = (value: number | undefined) =>
    value === undefined ? '' : `, ${number(value, 3)} of that of frames painted alone`;
  return [
    `${figures.frames} frames of ${figures.width}x${figures.height} compared, ${figures.pairs} pairs.`,
    `Warping error    ${number(figures.warpingError, 6)}, the source's own ${number(figures.warpingErrorSource, 6)}, ratio ${number(figures.warpingErrorRatio, 2)}`,
    `Stability error  ${number(figures.stabilityError)}, the source's own ${number(figures.stabilityErrorSource)}${alone(figures.stabilityErrorIndependent)}`,
    `Flicker          ${number(figures.flicker)}, the source's own ${number(figures.flickerSource)}`,
    `Sharpness        ${number(figures.sharpnessRatioSource, 2)} of the source's${relative(figures.sharpnessRatio)}`,
    `Style loss       ${number(figures.styleLoss)}${relative(figures.styleLossRatio)}`,
    `PSNR             ${number(figures.psnr, 2)} dB`,
    `Damaged tiles    ${figures.defectTiles}${figures.defectFrames.length > 0 ? ` in frames ${figures.defectFrames.slice(0, 20).join(', ')}` : ''}`,
  ].join('\n');
}

export function addMeasureCommand(program: Command): void {
  program
    .command('measure')
    .description('Picture quality of a result against its source: steadiness, sharpness, style, damage.')
    .argument('<result>')
    .requiredOption('--source <clip>', 'the clip that it was made from')
    .option('--first <frame>', 'frame of the source with which the result begins', '0')
    .option('--style <image>', 'measure the distance to this picture')
    .option('--preset <name>', 'also paint some frames alone with this preset (or .json file), and compare with them')
    .option('--seed <number>', 'for --preset: that of the result', '0')
    .option('--page <file.html>', 'also write a page that plots the figures over time')
    .option('--flow <kind>', 'auto, classical, net, or the name of a flow net', 'auto')
    .addOption(
      new Option('--retime <method>', 'how the source is brought to the rate of a faster result: as the result was')
        .choices(retimeMethods)
        .default('flow'),
    )
    .option('--max-side <pixels>', "compare at most at this size; 0 keeps the result's own", '0')
    .option('--provider <name>', 'what computes', 'auto')
    .option('--force', 'overwrite the page')
    .option('--json', 'one JSON object')
    .action(
      action(async (output, resultPath: string, flags: MeasureFlags) => {
        if (flags.page) await checkDestination(flags.page, flags.force === true);
        const [result, source] = [await probeClip(resultPath), await probeClip(flags.source)];
        const begin = Number(flags.first);
        if (!Number.isInteger(begin) || begin < 0 || begin >= source.frames)
          throw new AppError('PARAMETER_WRONG', {
            name: 'first',
            value: flags.first,
            problem: `it is a frame of the source, 0 to ${source.frames - 1}`,
          });
        const cuts = await cutsOf(flags.source, source);
        const style = flags.style ? await loadPicture(flags.style) : undefined;
        const device = await openDevice(flags.provider, () => undefined);
        const cancel = new AbortController();
        const home = openHome();
        const preset = flags.preset
          ? await findPreset({ presets: new PresetStore(home.presets, openStore()) }, flags.preset)
          : undefined;
        const { nets } = device.nets(home.nets).open(cancel.signal);
        const services = createServices({ folders: home, clip: source, nets, painters, signal: cancel.signal });
        const flow = createFlowProvider(flags.flow, { nets, signal: cancel.signal });
        try {
          const compared = compareFrames(
            { path: resultPath, info: result },
            { path: flags.source, info: source },
            { begin, cuts, method: flags.retime },
            { signal: cancel.signal, nets, notice: notice => output.event({ type: 'notice', notice }, notice.text) },
          );
          const measured = await measureClip(compared.result, compared.source, {
            flow,
            styleLoss: style
              ? createStyleDistance(
                  { ...services, image: async () => style },
                  { styles: [{ image: anyPicture, weight: 1 }], strokePx },
                )
              : preset && styleOf(preset, services),
            independent:
              preset &&
              createPaintAlone({
                preset,
                clip: source,
                frames: compared.frames,
                result,
                services,
                seed: Number(flags.seed),
                signal: cancel.signal,
              }),
            maxSide: Number(flags.maxSide) || undefined,
            thumbnailEvery: Math.max(1, Math.ceil(compared.frames / thumbnails)),
            signal: cancel.signal,
            progress: frame => output.bar((frame + 1) / compared.frames, `frame ${frame + 1} of ${compared.frames}`),
          });
          output.endBar();
          if (flags.page)
            await writeFile(
              flags.page,
              measurePage(measured, { title: basename(resultPath), rate: formatRate(compared.rate) }),
            );
          const clip = {
            frames: result.frames,
            rate: formatRate(result.rate),
            width: result.width,
            height: result.height,
          };
          output.result(
            { type: 'measure', clip, flow: flow.name, ...measured.figures, series: measured.series },
            `${sentences(measured.figures)}${flags.page ? `\n${flags.page}` : ''}`,
          );
        } finally {
          await flow.close();
          await device.close();
        }
      }),
    );
}
