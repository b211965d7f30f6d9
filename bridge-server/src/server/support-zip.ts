import { readFile } from 'node:fs/promises';
import { homedir, hostname, userInfo } from 'node:os';
import { basename, join, parse } from 'node:path';
import { strToU8, zipSync, type Zippable } from 'fflate';
import type { Job } from '#protocol/job';
import { logName } from '../jobs/job-log';
import type { BridgeCore } from './core';
import { examine } from './doctor';
import { isBuiltIn } from './preset-store';
import { createScrubber, type Secret } from './scrub';

/** Jobs that are told of, the newest first, and how much of each log and journal: its end. */
const mostJobs = 10;
const mostBytes = 300_000;

const about = `What Reverie found out about itself, for whoever is to help.

checks.json    what is installed and what is missing
machine.json   what this machine computes on, and how fast
jobs/          the newest jobs: how each stands, its settings, its log, its report

There are no pictures, clips, sounds or nets in here. Names of files and folders, of this machine and its user, of
sequences and sections, and the bridge's token were taken out. The files are plain text: read them before you send them.
`;

/** Everything that helps to find a fault, and nothing private: one zip. */
export async function makeSupportZip(core: BridgeCore): Promise<Uint8Array> {
  const jobs = (await core.engine.list()).reverse();
  const scrub = createScrubber({
    folder: core.home.root,
    names: [...(await doorSecrets(core)), ...jobs.flatMap((job, index) => jobSecrets(job, index))],
    words: placeSecrets(core),
  });
  const files: Zippable = { 'about.txt': strToU8(about) };
  const add = (name: string, text: string) => (files[name] = strToU8(scrub(text)));
  add('checks.json', json(await examine(core)));
  const { machine } = core;
  add(
    'machine.json',
    json({ provider: machine.provider(), refused: machine.refused(), calibration: machine.calibration() }),
  );
  for (const [index, job] of jobs.slice(0, mostJobs).entries()) {
    const folder = core.engine.folder(job.id);
    const name = `jobs/${String(index + 1).padStart(2, '0')}-${job.status}`;
    add(`${name}/job.json`, json(withoutNames(job)));
    for (const file of [logName, 'events.jsonl', 'report.json']) {
      const text = await endOf(join(folder, file));
      if (text !== undefined) add(`${name}/${file}`, text);
    }
  }
  return zipSync(files, { level: 6 });
}

const json = (value: unknown) => `${JSON.stringify(value, null, 1)}\n`;

/** A job as it stands, without the words that people gave to things. */
function withoutNames(job: Job): unknown {
  const { clip, spec, ...rest } = job;
  const { labels: _labels, clipName: _clipName, sender: _sender, preset, ...wishes } = spec;
  const own = !isBuiltIn(preset.name);
  return {
    ...rest,
    clip: { ...clip, name: 'the clip' },
    spec: { ...wishes, preset: own ? { ...preset, name: 'own', title: '', description: '' } : preset },
  };
}

/** Who and where. */
function placeSecrets(core: BridgeCore): Secret[] {
  const secrets: Secret[] = [
    { text: hostname(), as: '<machine>' },
    { text: basename(homedir()), as: '<user>' },
    ...(core.depot?.present() ?? []).map(({ name }) => ({ text: name, as: '<node>' })),
  ];
  try {
    return [...secrets, { text: userInfo().username, as: '<user>' }];
  } catch {
    // A container may run under a number without a name.
    return secrets;
  }
}

/** What opens the bridge. */
async function doorSecrets(core: BridgeCore): Promise<Secret[]> {
  const text = await readFile(core.home.bridgeFile, 'utf8').catch(() => undefined);
  if (text === undefined) return [];
  const { token, address } = JSON.parse(text) as { token: string; address: string };
  return [
    { text: token, as: '<token>' },
    { text: address, as: '<bridge>' },
  ];
}

/** The words that a person gave: clips, sequences, sections, their own presets. */
function jobSecrets(job: Job, index: number): Secret[] {
  const clip = `<clip ${index + 1}>`;
  const names = [job.spec.clipName, job.clip.name].flatMap(name => [name, parse(name).name]);
  const own = isBuiltIn(job.spec.preset.name) ? [] : [job.spec.preset.name];
  return [
    ...names.map(text => ({ text, as: clip })),
    ...Object.values(job.spec.labels).map(text => ({ text, as: '<label>' })),
    ...own.map(text => ({ text, as: '<preset>' })),
  ];
}

async function endOf(path: string): Promise<string | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  return text === undefined || text.length <= mostBytes
    ? text
    : text.slice(text.indexOf('\n', text.length - mostBytes) + 1);
}
