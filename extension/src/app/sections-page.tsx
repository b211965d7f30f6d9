import { useEffect, useRef, type KeyboardEvent } from 'react';
import { toAppError } from '#protocol/errors';
import { httpPaths } from '#protocol/http';
import type { JobStatus } from '#protocol/job';
import { formatTimecode, type Rate } from '#protocol/time';
import { Button } from '../components/button';
import { DropArea, Select, TextField, useFileChooser } from '../components/fields';
import { Picture } from '../components/picture';
import { saveText } from '../components/save-text';
import { followMouse, valueAfterKey } from '../components/slider';
import { Trouble } from '../components/trouble';
import { useTexts } from '../i18n/context';
import { useApp, useSession } from './context';
import { failureOf, fractionDone } from './jobs';
import { usePresetTitle } from './preset-chooser';
import {
  beatBeside,
  changeSection,
  mergeWithNext,
  moveBoundary,
  readFile,
  snapToBeat,
  splitAt,
  toFile,
  type Section,
} from './sections';
import { pieceOf, startFrame, type Piece } from './state';
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

/** One upright line for each beat. */
function beatLines(beats: readonly number[], frames: number, rate: Rate): string {
  const x = (beat: number) => ((beat * rate.num * 1000) / (rate.den * frames)).toFixed(2);
  return beats.map(beat => `M${x(beat)} 88V100`).join('');
}

/** Pixels within which a beat draws a boundary that is dragged. */
const snapPx = 6;

/** A song in parts, a preset for each, all rendered by one button. */
export function SectionsPage() {
  const { t } = useTexts();
  const session = useSession();
  const source = useApp(state => state.source);
  const sections = useApp(state => state.sections);
  const playhead = useApp(state => state.playhead);
  const chooser = useFileChooser('application/json,.json', false, files => void openFile(files[0]));
  const jobs = useApp(state => state.jobs);
  const sha256 = source.phase === 'ready' ? source.clip.sha256 : undefined;
  const { listen } = session;
  useEffect(() => {
    if (sha256) listen();
  }, [sha256, listen]);
  const song = useFileChooser(soundFiles, false, files => session.openSong(files[0]));
  const piece = pieceOf({ source, sections });
  if (!piece) return <Invitation />;
  const clip = source.phase === 'ready' ? source : undefined;
  const hasSound = sections.song !== undefined || clip?.clip.hasAudio === true;
  const { list } = sections;
  const { host } = session;
  const wanted = list.filter(each => each.preset !== undefined);
  const done = wanted.filter(each => each.job && jobs[each.job]?.job.status === 'done');

  async function openFile(file: File) {
    try {
      const { rate, frames } = piece as Piece;
      const found = readFile(await file.text(), rate, frames);
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
      {song.input}
      <div className={styles.bar}>
        <Button
          onClick={session.findSections}
          disabled={!hasSound || sections.listening}
          title={hasSound ? undefined : t('sections.silent')}
        >
          {t(sections.listening ? 'sections.finding' : 'sections.find')}
        </Button>
        <Button title={t('sections.song.help')} disabled={sections.listening} onClick={song.open}>
          {t('sections.song')}
        </Button>
        {clip && (host.readMarkers || clip.timeline.markers.length > 0) && (
          <Button onClick={session.sectionsFromMarkers}>{t('sections.markers')}</Button>
        )}
        {clip && host.writeMarkers && <Button onClick={session.markersFromSections}>{t('sections.toMarkers')}</Button>}
        <Button onClick={() => session.changeSections(now => splitAt(now, playhead))}>{t('sections.split')}</Button>
        <Button
          look="quiet"
          icon="undo"
          title={t('sections.undo')}
          disabled={!sections.canUndo}
          onClick={session.undoSections}
        />
        <Button look="quiet" onClick={chooser.open}>
          {t('sections.import')}
        </Button>
        <Button
          look="quiet"
          onClick={() =>
            saveText(
              `${piece.name.replace(/\.[^.]*$/, '')}-sections.json`,
              `${JSON.stringify(toFile(list, piece.rate), null, 2)}\n`,
            )
          }
        >
          {t('sections.export')}
        </Button>
        <span className={styles.spring} />
        {wanted.length > 0 && (
          <span className={styles.dim} role="status">
            {t('sections.done', { done: done.length, wanted: wanted.length })}
          </span>
        )}
        {clip && host.capabilities.result === 'place' && done.length > 0 && (
          <Button icon="place" onClick={() => session.takeAllResults(clip.timeline.sequence.id)}>
            {t('jobs.takeAll.place')}
          </Button>
        )}
        {clip ? (
          <Button look="primary" icon="sparkle" disabled={wanted.length === 0} onClick={session.renderSections}>
            {t('sections.render')}
          </Button>
        ) : (
          <Button look="primary" onClick={() => session.go('render')}>
            {t('sections.toClip')}
          </Button>
        )}
      </div>
      {sections.song && (
        <p className={styles.bar}>
          {t(clip ? 'sections.song.used' : 'sections.song.alone', { name: sections.song.name })}
          {clip && <Button look="quiet" icon="close" title={t('sections.song.remove')} onClick={session.closeSong} />}
        </p>
      )}
      {!hasSound && <p className={styles.dim}>{t('sections.silent')}</p>}
      {sections.error && <Trouble error={sections.error} />}
      <Ribbon list={list} frames={piece.frames} rate={piece.rate} sound={sections.sound} />
      <p className={styles.dim}>{t('sections.help')}</p>
      <ul className={styles.list} aria-label={t('page.sections')}>
        {list.map((section, index) => (
          <SectionRow key={index} section={section} index={index} isLast={index === list.length - 1} />
        ))}
      </ul>
    </div>
  );
}

const soundFiles = 'audio/*,.mp3,.wav,.flac,.m4a,.aac,.aif,.aiff,.ogg,.opus,video/*';

/** Before there is anything to cut: a song can be listened to without a clip. */
function Invitation() {
  const { t } = useTexts();
  const session = useSession();
  const { listening, error } = useApp(state => state.sections);
  const connected = useApp(state => state.connection.status === 'open');
  const song = useFileChooser(soundFiles, false, files => session.openSong(files[0]));
  return (
    <DropArea hint={t('sections.drop')} onFiles={files => session.openSong(files[0])} className={styles.page}>
      {song.input}
      <div className={styles.invitation}>
        <h2 className={styles.heading}>{t('sections.none')}</h2>
        <p className={styles.dim}>{t('sections.none.hint')}</p>
        {error && <Trouble error={error} />}
        <div className={styles.bar}>
          <Button look="primary" disabled={!connected || listening} onClick={song.open}>
            {t(listening ? 'sections.finding' : 'sections.chooseSong')}
          </Button>
          <Button onClick={() => session.go('render')}>{t('sections.toClip')}</Button>
        </div>
      </div>
    </DropArea>
  );
}

const statusLook: Readonly<Partial<Record<JobStatus, string>>> = {
  done: 'waveDone',
  active: 'waveActive',
  queued: 'waveActive',
  failed: 'waveFailed',
};

type RibbonProps = {
  readonly list: readonly Section[];
  readonly frames: number;
  readonly rate: Rate;
  readonly sound: { readonly waveform: readonly number[]; readonly beats: readonly number[] } | undefined;
};

/** Waveform, beats, sections and playhead over one another; boundaries are dragged, or moved by keys. */
function Ribbon({ list, frames, rate, sound }: RibbonProps) {
  const { t } = useTexts();
  const session = useSession();
  const ref = useRef<HTMLDivElement>(null);
  const jobs = useApp(state => state.jobs);
  const playhead = useApp(state => state.playhead);
  const beats = sound?.beats ?? [];
  const left = (frame: number) => `${(frame / frames) * 100}%`;
  const position = (frame: number) => t('range.position', { timecode: formatTimecode(frame, rate), frame });
  const move = (index: number, frame: number) =>
    session.changeSections(now => moveBoundary(now, index, frame), `boundary ${index}`);
  const afterKey = (event: KeyboardEvent, frame: number, min: number, max: number) => {
    const step = { PageUp: 1, PageDown: -1 }[event.key] as 1 | -1 | undefined;
    const next =
      step && beats.length > 0
        ? beatBeside(frame, beats, rate, step)
        : valueAfterKey(event.key, event.shiftKey, frame, min, max, 1);
    if (next === undefined) return undefined;
    event.preventDefault();
    return Math.max(min, Math.min(max, next));
  };
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
        <path d={outline(sound?.waveform ?? [])} />
        <path className={styles.beats} d={beatLines(beats, frames, rate)} vectorEffect="non-scaling-stroke" />
      </svg>
      {list.map((section, index) => {
        const status = section.job ? jobs[section.job]?.job.status : undefined;
        const min = index > 0 ? list[index - 1].first + 1 : 0;
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
                aria-valuemin={min}
                aria-valuemax={section.last}
                aria-valuenow={section.first}
                aria-valuetext={position(section.first)}
                onKeyDown={event => {
                  const next = afterKey(event, section.first, min, section.last);
                  if (next !== undefined) move(index, next);
                }}
                onMouseDown={event => {
                  event.stopPropagation();
                  event.preventDefault();
                  event.currentTarget.focus();
                  if (!ref.current) return;
                  const reach = event.altKey ? 0 : (snapPx * frames) / Math.max(1, ref.current.clientWidth);
                  followMouse(ref.current, share => move(index, snapToBeat(share * frames, beats, rate, reach)))(event);
                }}
              />
            )}
          </div>
        );
      })}
      <div
        className={styles.wavePlayhead}
        style={{ left: left(playhead + 0.5) }}
        role="slider"
        tabIndex={0}
        aria-label={t('sections.playhead')}
        aria-valuemin={0}
        aria-valuemax={frames - 1}
        aria-valuenow={playhead}
        aria-valuetext={position(playhead)}
        onKeyDown={event => {
          const next = afterKey(event, playhead, 0, frames - 1);
          if (next !== undefined) session.setPlayhead(next);
        }}
      />
    </div>
  );
}

function SectionRow({ section, index, isLast }: { section: Section; index: number; isLast: boolean }) {
  const { t, count, percent } = useTexts();
  const session = useSession();
  const title = usePresetTitle();
  const presets = useApp(state => state.presets);
  const entry = useApp(state => (section.job ? state.jobs[section.job] : undefined));
  const source = useApp(state => (state.source.phase === 'ready' ? state.source : undefined));
  const rate = source?.clip.rate ?? { num: 25, den: 1 };
  const change = (part: Partial<Section>, gesture?: string) =>
    session.changeSections(now => changeSection(now, index, part), gesture);
  const { first, last, label, preset } = section;
  const isMissing = preset !== undefined && !presets.some(each => each.preset.name === preset);
  const preview = entry?.lastPreview;
  const problem = entry && (entry.problem ?? failureOf(entry.job));
  const picture =
    entry && preview
      ? session.url(httpPaths.preview(entry.job.id, preview.frame))
      : source && session.url(httpPaths.clipFrame(source.clip.sha256, startFrame(first, last)), 160);
  return (
    <li className={styles.item} data-section={index} data-status={entry?.job.status}>
      <button
        type="button"
        className={styles.sectionPicture}
        title={t('sections.go', { section: label })}
        aria-label={t('sections.go', { section: label })}
        onClick={() => session.setPlayhead(first)}
      >
        <Picture url={picture} sign="film" />
      </button>
      <span className={styles.sectionName}>
        <TextField
          label={t('sections.name', { number: index + 1 })}
          value={label}
          onChange={next => change({ label: next.slice(0, 80) }, `name ${index}`)}
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
            {entry.placed && ` · ${t(`placed.${entry.placed.outcome}`, { track: (entry.placed.track ?? 0) + 1 })}`}
          </span>
        )}
      </span>
      <span className={styles.sectionPreset}>
        <Select
          label={t('sections.preset', { section: label })}
          value={preset ?? ''}
          options={[
            { value: '', label: t('sections.skip') },
            ...(isMissing ? [{ value: preset, label: t('sections.missing', { preset }) }] : []),
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
          icon="join"
          title={t('sections.merge', { section: label })}
          onClick={() => session.changeSections(now => mergeWithNext(now, index))}
        />
      )}
      {problem && (
        <span className={styles.sectionTrouble}>
          <Trouble error={problem} />
        </span>
      )}
    </li>
  );
}
