import type { AfterEffectsScriptCalls } from '#protocol/host-facts';
import { AppError } from '#protocol/errors';
import { pickTemplate } from './after-effects-plan';
import type { HostReport, TaskContext } from './host';
import type { HostFiles } from './host-files';
import { askAll, checkFilm, expectThat, saveReport, writeCheckFilm, type Probe } from './host-probes';
import type { CallOf } from './script-call';

export type AfterEffectsProbeParts = {
  readonly call: CallOf<AfterEffectsScriptCalls>;
  readonly files: HostFiles;
  /** Films, renders and the report are kept there. */
  readonly folder: string;
  readonly system: string;
  readonly template: () => string | undefined;
  readonly now?: () => Date;
};

const exportTimeoutMs = 10 * 60_000;
/** Not the film's own: a size to be fitted to. */
const size = { width: 128, height: 96 };

/** What only a real After Effects can answer, asked in a composition that is made for it and taken away again. */
export async function probeAfterEffects(
  { call, files, folder, system, template, now = () => new Date() }: AfterEffectsProbeParts,
  context: TaskContext,
): Promise<HostReport> {
  const at = now();
  const bin = `Reverie host check ${at.getTime().toString(36)}`;
  const hello = await call('handshake', {});
  const films = await Promise.all(
    ['base', 'above', 'newer', 'cover'].map(name => writeCheckFilm(files, folder, `${name}.avi`)),
  );
  const [base, above, newer, cover] = films;
  let scratch: string | undefined;
  let templates: readonly string[] = [];
  const opened = () => {
    if (scratch === undefined) throw new AppError('NO_SEQUENCE');
    return scratch;
  };
  const factsOf = () => call('readTimeline', { sequence: opened() });
  const label = 'host%20check';

  const questions: Probe[] = [
    {
      question: 'composition',
      async ask() {
        scratch = (await call('openScratch', { name: bin, ...size, frames: 100, rate: 30000 / 1001 })).composition;
        const { composition } = await factsOf();
        expectThat(composition.frames === 100 && Math.abs(composition.frameRate - 29.97) < 0.002, composition);
        return composition;
      },
    },
    {
      question: 'templates',
      async ask() {
        ({ templates } = await call('templates', { composition: opened() }));
        return { templates, picked: pickTemplate(templates, template()) };
      },
    },
    {
      question: 'import',
      async ask() {
        const answer = await call('importFile', { path: base, bin, label, fps: checkFilm.fps });
        expectThat(answer.labelled && answer.copies === 1, answer);
        return answer;
      },
    },
    {
      question: 'place',
      async ask() {
        const where = { first: 10, end: 40, fit: true, outdated: [] };
        const answer = await call('place', { composition: opened(), path: base, label, ...where });
        expectThat(answer.layer.first === 10 && answer.layer.end === 40, answer);
        return answer;
      },
    },
    {
      question: 'order',
      async ask() {
        await call('importFile', { path: cover, bin, label, fps: checkFilm.fps });
        const covering = { first: 10, end: 40, fit: true, outdated: [] };
        await call('place', { composition: opened(), path: cover, label, ...covering });
        await call('importFile', { path: above, bin, label, fps: checkFilm.fps });
        const lowest = (await factsOf()).layers[1];
        const on = { index: lowest.index, name: lowest.name };
        const where = { first: 15, end: 30, above: on, fit: true, outdated: [] };
        const answer = await call('place', { composition: opened(), path: above, label, ...where });
        expectThat(answer.layer.track === 1, answer);
        return answer;
      },
    },
    {
      question: 'render',
      async ask() {
        const before = (await factsOf()).layers;
        const path = files.join(folder, `range-${at.getTime().toString(36)}`);
        const [top] = before;
        const answer = await call(
          'exportRange',
          {
            composition: opened(),
            template: pickTemplate(templates, template()),
            path,
            first: 12,
            end: 22,
            hide: [{ index: top.index, name: top.name }],
          },
          exportTimeoutMs,
        );
        const after = (await factsOf()).layers;
        await files.remove(path + (/\.\w+$/.exec(answer.path)?.[0] ?? ''));
        const isSame = JSON.stringify(after) === JSON.stringify(before);
        expectThat(answer.left === '' && answer.sizeBytes > 0 && isSame, { ...answer, isSame });
        return answer;
      },
    },
    {
      question: 'replace',
      async ask() {
        await call('replace', { from: above, to: newer, label });
        const layer = (await factsOf()).layers.find(each => each.mediaPath.includes('newer'));
        expectThat(layer?.inFrame === 15 && layer.outFrame === 30, layer ?? 'the layer is gone');
        return layer;
      },
    },
    {
      question: 'remove',
      ask: () => call('remove', { composition: opened(), path: newer }),
    },
    {
      question: 'markers',
      async ask() {
        const marker = { name: 'host check', comment: 'é', first: 20, frames: 7, colour: 3 };
        await call('writeMarkers', { composition: opened(), markers: [marker] });
        const [read] = (await factsOf()).markers;
        expectThat(/^host check[\r\n]+é$/.test(read?.comment ?? '') && read?.frames === 7, read ?? 'no marker');
        return read;
      },
    },
  ];
  const closing: Probe = {
    question: 'close',
    async ask() {
      if (scratch === undefined) return 'nothing was opened';
      const answer = await call('closeScratch', { composition: scratch, bin });
      await Promise.all(films.map(film => files.remove(film)));
      expectThat(answer.removed, answer);
      return answer;
    },
  };
  const probes = await askAll(questions, closing, context);
  return saveReport(files, folder, { host: 'aftereffects', version: hello.version, system, probes }, at);
}
