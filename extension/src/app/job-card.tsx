import { useState } from 'react';
import { httpPaths } from '#protocol/http';
import type { Job, JobStatus } from '#protocol/job';
import { seconds } from '#protocol/time';
import { Button, SureButton } from '../components/button';
import { Compare } from '../components/compare';
import { Progress } from '../components/fields';
import { Icon, type IconName } from '../components/icon';
import { Picture } from '../components/picture';
import { saveFrom } from '../components/save-text';
import { Slider } from '../components/slider';
import { Trouble } from '../components/trouble';
import { useTexts } from '../i18n/context';
import { useApp, useSession } from './context';
import { failureOf, fractionDone, isUnderWay, sourceFrame, type JobEntry } from './jobs';
import { usePresetTitle } from './preset-chooser';
import { ReportView } from './report-view';
import { startFrame } from './state';
import styles from './jobs.module.css';

const statusIcons: Readonly<Record<JobStatus, IconName>> = {
  queued: 'clock',
  active: 'play',
  paused: 'pause',
  done: 'check',
  failed: 'warn',
  cancelled: 'stop',
};

/** A sharper preview of the same frame has the same name: the number makes a browser look again. */
function previewPath({ job, lastPreview }: JobEntry, frame: number): string {
  const path = httpPaths.preview(job.id, frame);
  return lastPreview?.frame === frame ? `${path}?v=${lastPreview.seq}` : path;
}

function spanSeconds(job: Job): number {
  const from = Date.parse(job.startedAt ?? job.createdAt);
  const to = Date.parse(job.finishedAt ?? '');
  return Number.isFinite(to - from) ? Math.max(0, (to - from) / 1000) : 0;
}

export function JobCard({ entry, openAtFirst }: { entry: JobEntry; openAtFirst: boolean }) {
  const { t, find, percent, duration, count, bytes, date } = useTexts();
  const session = useSession();
  const presetTitle = usePresetTitle();
  const builtIn = useApp(state =>
    state.presets.some(each => each.builtIn && each.preset.name === entry.job.spec.preset.name),
  );
  const connected = useApp(state => state.connection.status === 'open');
  const [opened, setOpened] = useState<boolean>();
  const { job } = entry;
  const { preset, range } = job.spec;
  const failure = failureOf(job);
  const name = job.spec.clipName || job.clip.name;
  const title = `${name} · ${presetTitle(preset, builtIn)}`;
  const underWay = isUnderWay(job.status);
  const open = opened ?? (openAtFirst && underWay);
  const fraction = fractionDone(job);
  const hasDetails = job.status === 'done' || entry.lastPreview !== undefined || entry.notices.length > 0;
  const places = session.host.capabilities.result === 'place';
  const thumb = entry.lastPreview && session.url(previewPath(entry, entry.lastPreview.frame));
  const first = startFrame(range?.first ?? 0, range?.last ?? job.clip.frames - 1);

  const nowLine = () => {
    if (job.status === 'active' && job.now) {
      const stage = find(`stage.${job.now.stage}`, job.now.stage);
      return job.now.frames > 0 ? t('job.frame', { stage, frame: job.now.frame + 1, frames: job.now.frames }) : stage;
    }
    if (job.status === 'done' && job.result) {
      const { width, height, frames, sizeBytes } = job.result;
      return `${width} × ${height} · ${count('frames', frames)} · ${bytes(sizeBytes)}`;
    }
    return '\u00a0';
  };
  const timeLine = () => {
    if (job.status === 'active' && job.progress.secondsLeft !== undefined)
      return t('job.left', { time: duration(job.progress.secondsLeft) });
    if (job.status === 'done') return t('job.took', { time: duration(spanSeconds(job)) });
    return '';
  };

  return (
    <li className={styles.card} data-job={job.id} data-status={job.status} aria-label={title}>
      <div className={styles.top}>
        <button
          type="button"
          className={styles.thumb}
          onClick={() => setOpened(!open)}
          aria-expanded={open}
          aria-label={t('job.details', { name: title })}
        >
          {/* What did not come while the bridge was away is asked for again when it is back. */}
          <Picture
            key={String(connected)}
            url={thumb ?? session.url(httpPaths.clipFrame(job.clip.sha256, first), 320)}
            sign="film"
          />
        </button>
        <div className={styles.body}>
          <span className={styles.title} title={title}>
            {title}
          </span>
          <span className={`${styles.dim} ${styles.facts}`}>
            {range ? t('job.range', { first: range.first, last: range.last }) : t('job.wholeClip')} ·{' '}
            {duration(seconds(range ? range.last - range.first + 1 : job.clip.frames, job.clip.rate))} ·{' '}
            {date(job.createdAt)}
            {job.spec.labels.section ? ` · ${job.spec.labels.section}` : ''}
          </span>
          {(underWay || (job.status !== 'done' && fraction > 0)) && (
            <Progress label={t('job.progress', { name: title })} done={job.status === 'queued' ? 0 : fraction} />
          )}
          <div className={styles.line}>
            <span className={`${styles.status} ${styles[job.status] ?? ''}`}>
              <Icon name={statusIcons[job.status]} />
              {t(`status.${job.status}`)}
              {job.status === 'active' || job.status === 'paused' ? ` ${percent(fraction)}` : ''}
            </span>
            <span className={`${styles.dim} ${styles.time}`}>{timeLine()}</span>
            <span className={`${styles.dim} ${styles.now}`}>{nowLine()}</span>
          </div>
        </div>
        <div className={styles.actions}>
          {job.status === 'done' && (
            <Button
              look="primary"
              icon={places ? 'place' : 'save'}
              onClick={() => session.takeResult(job.id)}
              disabled={entry.fetching !== undefined}
            >
              {entry.fetching === undefined
                ? t(places ? 'job.place' : 'job.download')
                : t('job.fetching', { percent: percent(entry.fetching) })}
            </Button>
          )}
          {entry.placed && (
            <span className={styles.dim} role="status">
              {t(`placed.${entry.placed.outcome}`, { track: (entry.placed.track ?? 0) + 1 })}
            </span>
          )}
          {places && entry.placed && (
            <Button look="quiet" icon="close" title={t('job.takeOff')} onClick={() => session.removeResult(job.id)} />
          )}
          {underWay && (
            <Button icon="pause" onClick={() => session.job('pause', job.id)}>
              {t('job.pause')}
            </Button>
          )}
          {(job.status === 'paused' || job.status === 'failed' || job.status === 'cancelled') && (
            <Button icon="play" onClick={() => session.job('resume', job.id)}>
              {t('job.resume')}
            </Button>
          )}
          {(underWay || job.status === 'paused') && (
            <Button icon="stop" onClick={() => session.job('cancel', job.id)}>
              {t('job.cancel')}
            </Button>
          )}
          {hasDetails && (
            <Button look="quiet" icon={open ? 'down' : 'right'} onClick={() => setOpened(!open)}>
              {t(job.status === 'done' ? 'report' : 'job.previews')}
            </Button>
          )}
          {job.status === 'failed' && (
            <Button
              icon="save"
              title={t('setup.sendReport.help')}
              onClick={() => saveFrom(session.url(httpPaths.support))}
            >
              {t('setup.sendReport')}
            </Button>
          )}
          {!underWay && (
            <Button look="quiet" icon="undo" title={t('job.again')} onClick={() => session.useSettings(preset)} />
          )}
          {!underWay && job.status !== 'paused' && (
            <SureButton
              look="quiet"
              icon="trash"
              title={t('job.delete')}
              question={t('job.delete.sure')}
              onClick={() => session.job('delete', job.id)}
            />
          )}
        </div>
        {failure && (job.status === 'failed' || job.status === 'paused') && (
          <div className={styles.trouble}>
            <Trouble error={failure} />
          </div>
        )}
        {entry.problem && (
          <div className={styles.trouble}>
            <Trouble error={entry.problem} />
          </div>
        )}
      </div>
      {open && hasDetails && <JobDetails entry={entry} />}
    </li>
  );
}

/** The frames that have come so far, against their source; and the report when there is one. */
function JobDetails({ entry }: { entry: JobEntry }) {
  const { t } = useTexts();
  const session = useSession();
  const [picked, setPicked] = useState<number>();
  const [zoomed, setZoomed] = useState(false);
  const { job } = entry;
  const { previews } = job;
  const frame =
    picked !== undefined && previews.includes(picked)
      ? picked
      : (entry.lastPreview?.frame ?? previews[previews.length - 1]);
  const index = frame === undefined ? -1 : previews.indexOf(frame);
  const before = frame === undefined ? undefined : sourceFrame(job, frame);
  return (
    <div className={styles.details}>
      {frame !== undefined && (
        <>
          <Compare
            className={styles.monitor}
            mode={before === undefined ? 'result' : 'compare'}
            zoomed={zoomed}
            width={job.clip.width}
            height={job.clip.height}
            before={
              before === undefined
                ? undefined
                : {
                    url: session.url(httpPaths.clipFrame(job.clip.sha256, before), zoomed ? undefined : 1280),
                    alt: t('view.frame', { frame: before }),
                  }
            }
            after={{ url: session.url(previewPath(entry, frame)), alt: t('view.painted', { frame }) }}
          />
          <div className={styles.line}>
            {previews.length > 1 && (
              <Slider
                label={t('job.previews')}
                value={Math.max(0, index)}
                min={0}
                max={previews.length - 1}
                step={1}
                valueText={t('view.painted', { frame })}
                onChange={at => setPicked(at === previews.length - 1 ? undefined : previews[at])}
              />
            )}
            <span className={styles.dim}>{t('view.painted', { frame })}</span>
            <Button pressed={zoomed} title={t('view.zoom.help')} onClick={() => setZoomed(!zoomed)}>
              {t('view.zoom')}
            </Button>
          </div>
        </>
      )}
      <ReportView entry={entry} />
    </div>
  );
}
