import { useRef, type KeyboardEvent } from 'react';
import { toAppError } from '#protocol/errors';
import type { JobStatus } from '#protocol/job';
import { formatTimecode } from '#protocol/time';
import { Button } from '../components/button';
import { Select, TextField, useFileChooser } from '../components/fields';
import { saveText } from '../components/save-text';
import { followMouse, valueAfterKey } from '../components/slider';
import { Trouble } from '../components/trouble';
import { useTexts } from '../i18n/context';
import { useApp, useSession } from './context';
import { fractionDone } from './jobs';
import { usePresetTitle } from './preset-chooser';
import { changeSection, mergeWithNext, moveBoundary, readFile, splitAt, toFile, type Section } from './sections';
import styles from './list.module.css';

/** Loudness over time as one closed outline around the middle. */
export function outline(waveform: readonly number[]): string {
  if (waveform.length === 0) return '';
  const top = waveform.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-6);
  const x = (index: number) => ((index / Math.max(1, waveform.length - 1)) * 1000).toFixed(1);
  const y = (value: number, sign: number) => (50 - sign * (Math.abs(value) / top) * 46).toFixed(1);
  const upper = waveform.map((value, index) => `${x(index)} ${y(value, 1)}`);
  const lower = waveform.map((value, index) => `${x(index)} ${y(value, -1)}`).reverse();
  return `M${[...upper, ...lower].join(' L')}Z`;
}

/** A song in parts, a preset for each, all rendered by one button. */
export function SectionsPage() {
  const { t } = useTexts();
  const session = useSession();
  const source = useApp(state => state.source);
  const sections = useApp(state => state.sections);
  const playhead = useApp(state => state.playhead);
  const chooser = useFileChooser('application/json,.json', false, files => void openFile(files[0]));
  if (source.phase !== 'ready') return <p className={`${styles.page} ${styles.dim}`}>{t('sections.none')}</p>;
  const { clip, timeline } = source;
  const { list } = sections;
  const { host } = session;

  async function openFile(file: File) {
    try {
      const found = readFile(await file.text(), clip.rate, clip.frames);
      if ('problem' in found)
        session.say({ code: 'PRESET_INVALID', details: { problem: `${file.name}: ${found.problem}` } });
      else session.changeSections(() => found.sections);
    } catch (thrown) {
      session.say(toAppError(thrown).toJSON());
    }
  }

  return (
    <div className={styles.page}>
      {chooser.input}
      <div className={styles.bar}>
        <Button
          onClick={session.findSections}
          disabled={!clip.hasAudio || sections.listening}
          title={clip.hasAudio ? undefined : t('sections.silent')}
        >
          {t(sections.listening ? 'sections.finding' : 'sections.find')}
        </Button>
        {(host.readMarkers || timeline.markers.length > 0) && (
          <Button onClick={session.sectionsFromMarkers}>{t('sections.markers')}</Button>
        )}
        {host.writeMarkers && <Button onClick={session.markersFromSections}>{t('sections.toMarkers')}</Button>}
        <Button onClick={() => session.changeSections(now => splitAt(now, playhead))}>{t('sections.split')}</Button>
        <Button look="quiet" onClick={chooser.open}>
          {t('sections.import')}
        </Button>
        <Button
          look="quiet"
          onClick={() =>
            saveText(
              `${source.name.replace(/\.[^.]*$/, '')}-sections.json`,
              `${JSON.stringify(toFile(list, clip.rate), null, 2)}\n`,
            )
          }
        >
          {t('sections.export')}
        </Button>
        <span className={styles.spring} />
        <Button
          look="primary"
          icon="sparkle"
          disabled={!list.some(each => each.preset)}
          onClick={session.renderSections}
        >
          {t('sections.render')}
        </Button>
      </div>
      {!clip.hasAudio && <p className={styles.dim}>{t('sections.silent')}</p>}
      {sections.error && <Trouble error={sections.error} />}
      <Ribbon list={list} frames={clip.frames} waveform={sections.sound?.waveform ?? []} />
      <ul className={styles.list} aria-label={t('page.sections')}>
        {list.map((section, index) => (
          <SectionRow key={index} section={section} index={index} isLast={index === list.length - 1} />
        ))}
      </ul>
    </div>
  );
}

const statusLook: Readonly<Partial<Record<JobStatus, string>>> = {
  done: 'waveDone',
  active: 'waveActive',
  queued: 'waveActive',
  failed: 'waveFailed',
};

/** Waveform, sections and playhead over one another; boundaries are dragged, or moved by the arrow keys. */
function Ribbon({ list, frames, waveform }: { list: readonly Section[]; frames: number; waveform: readonly number[] }) {
  const { t } = useTexts();
  const session = useSession();
  const ref = useRef<HTMLDivElement>(null);
  const jobs = useApp(state => state.jobs);
  const rate = useApp(state => (state.source.phase === 'ready' ? state.source.clip.rate : undefined));
  const playhead = useApp(state => state.playhead);
  const left = (frame: number) => `${(frame / frames) * 100}%`;
  const move = (index: number, frame: number) => session.changeSections(now => moveBoundary(now, index, frame));
  return (
    <div
      ref={ref}
      className={styles.wave}
      role="group"
      aria-label={t('sections.waveform')}
      onMouseDown={event =>
        ref.current && followMouse(ref.current, share => session.setPlayhead(Math.floor(share * frames)))(event)
      }
    >
      <svg viewBox="0 0 1000 100" preserveAspectRatio="none" aria-hidden="true">
        <path d={outline(waveform)} />
      </svg>
      {list.map((section, index) => {
        const status = section.job ? jobs[section.job]?.job.status : undefined;
        return (
          <div
            key={index}
            className={`${styles.waveSection} ${status ? (styles[statusLook[status] ?? ''] ?? '') : ''}`}
            style={{ left: left(section.first), width: left(section.last + 1 - section.first) }}
          >
            {section.label}
            {index > 0 && (
              <div
                className={styles.boundary}
                role="slider"
                tabIndex={0}
                aria-label={t('sections.boundary', { section: section.label })}
                aria-valuemin={list[index - 1].first + 1}
                aria-valuemax={section.last}
                aria-valuenow={section.first}
                aria-valuetext={
                  rate && t('range.position', { timecode: formatTimecode(section.first, rate), frame: section.first })
                }
                onKeyDown={(event: KeyboardEvent) => {
                  const next = valueAfterKey(
                    event.key,
                    event.shiftKey,
                    section.first,
                    list[index - 1].first + 1,
                    section.last,
                    1,
                  );
                  if (next === undefined) return;
                  event.preventDefault();
                  move(index, next);
                }}
                onMouseDown={event => {
                  event.stopPropagation();
                  event.preventDefault();
                  event.currentTarget.focus();
                  if (ref.current) followMouse(ref.current, share => move(index, share * frames))(event);
                }}
              />
            )}
          </div>
        );
      })}
      <div className={styles.wavePlayhead} style={{ left: left(playhead + 0.5) }} />
    </div>
  );
}

function SectionRow({ section, index, isLast }: { section: Section; index: number; isLast: boolean }) {
  const { t, count, percent } = useTexts();
  const session = useSession();
  const title = usePresetTitle();
  const presets = useApp(state => state.presets);
  const entry = useApp(state => (section.job ? state.jobs[section.job] : undefined));
  const rate = useApp(state => (state.source.phase === 'ready' ? state.source.clip.rate : { num: 25, den: 1 }));
  const change = (part: Partial<Section>) => session.changeSections(now => changeSection(now, index, part));
  const { first, last, label, preset } = section;
  return (
    <li className={styles.item} data-section={index}>
      <span className={styles.sectionName}>
        <TextField
          label={t('sections.name', { number: index + 1 })}
          value={label}
          onChange={next => change({ label: next.slice(0, 80) })}
        />
      </span>
      <span className={styles.words}>
        <span className={`${styles.dim} ${styles.clamp}`}>
          {t('sections.at', {
            start: formatTimecode(first, rate),
            end: formatTimecode(last, rate),
            frames: count('frames', last - first + 1),
          })}
        </span>
        {entry && (
          <span className={entry.job.status === 'done' ? styles.good : entry.job.status === 'failed' ? styles.bad : ''}>
            {t(`status.${entry.job.status}`)} {entry.job.status === 'active' ? percent(fractionDone(entry.job)) : ''}
          </span>
        )}
      </span>
      <span className={styles.sectionPreset}>
        <Select
          label={t('sections.preset', { section: label })}
          value={preset ?? ''}
          options={[
            { value: '', label: t('sections.skip') },
            ...presets.map(each => ({ value: each.preset.name, label: title(each.preset, each.builtIn) })),
          ]}
          onChange={name => change({ preset: name || undefined, job: undefined })}
        />
      </span>
      {isLast ? (
        <span className={styles.noButton} />
      ) : (
        <Button
          look="quiet"
          icon="down"
          title={t('sections.merge', { section: label })}
          onClick={() => session.changeSections(now => mergeWithNext(now, index))}
        />
      )}
    </li>
  );
}
