import { useState } from 'react';
import { httpPaths } from '#protocol/http';
import type { DreamParams } from '#protocol/effects/dream';
import { Button } from '../components/button';
import { Progress, Select } from '../components/fields';
import { Trouble } from '../components/trouble';
import { useTexts } from '../i18n/context';
import { useApp, useSession } from './context';
import { addEffect, removeEffect, setParam, type Path } from './draft';
import { EffectForm } from './effect-form';
import { Footer } from './footer';
import { Monitor } from './monitor';
import { DrawingProvider } from './shapes';
import page from './render.module.css';
import styles from './list.module.css';
import type { Preset } from '#protocol/preset';

/** Where the preset dreams: its dream effect, or the dream inside its zoom. */
function dreamOf(preset: Preset | undefined): { index: number; path: Path; params: DreamParams } | undefined {
  const index = preset?.effects.findIndex(effect => effect.effect === 'dream') ?? -1;
  const effect = preset?.effects[index];
  if (effect?.effect === 'dream') return { index, path: [], params: effect.params };
  const zoomIndex = preset?.effects.findIndex(each => each.effect === 'zoom') ?? -1;
  const zoom = preset?.effects[zoomIndex];
  return zoom?.effect === 'zoom' ? { index: zoomIndex, path: ['dream'], params: zoom.params.dream } : undefined;
}

/** A dream made by looking: the layers as pictures, strength and size beside the still. */
export function DreamPage() {
  const { t, find } = useTexts();
  const session = useSession();
  const draft = useApp(state => state.draft);
  const nets = useApp(state => state.nets);
  const atlas = useApp(state => state.atlas);
  const ready = useApp(state => state.source.phase === 'ready');
  const dreamers = nets.filter(net => net.uses.includes('dream') && net.installed);
  const dream = dreamOf(draft);
  // Looking at another net's layers changes nothing yet: a layer belongs to its net, and both are picked together.
  const [wanted, setWanted] = useState<string>();
  const net = wanted ?? dream?.params.net ?? dreamers[0]?.name ?? '';
  const painting = draft?.effects.findIndex(({ effect }) => effect === 'style') ?? -1;
  const shown = atlas.phase !== 'none' && atlas.net === net ? atlas : undefined;

  const pick = (layer: string, channel?: number) => {
    const objectives: DreamParams['objectives'] = [
      { layer, weight: 1, ...(channel === undefined ? {} : { channels: [channel, channel] as [number, number] }) },
    ];
    session.changeDraft(now => {
      const with_ = dreamOf(now) ? now : addEffect(now, 'dream');
      const at = dreamOf(with_);
      if (!at) return now;
      return setParam(
        setParam(with_, at.index, [...at.path, 'net'], net),
        at.index,
        [...at.path, 'objectives'],
        objectives,
      );
    });
  };
  const chosen = dream?.params.net === net ? dream.params.objectives[0] : undefined;

  return (
    <DrawingProvider>
      <div className={page.page}>
        <div className={styles.page}>
          {dreamers.length === 0 ? (
            <p className={styles.dim}>{t('dream.none')}</p>
          ) : (
            <div className={styles.split}>
              <section className={styles.column} aria-label={t('dream.atlas')}>
                <div className={styles.bar}>
                  <Select
                    label={t('dream.net.label')}
                    value={net}
                    options={dreamers.map(each => ({ value: each.name, label: each.title }))}
                    onChange={next => {
                      setWanted(next);
                      session.showAtlas(next);
                    }}
                  />
                  {shown?.phase === 'coming' ? (
                    <Button icon="stop" onClick={session.stopAtlas}>
                      {t('dream.atlas.stop')}
                    </Button>
                  ) : (
                    <Button icon="layers" look={shown ? undefined : 'primary'} onClick={() => session.showAtlas(net)}>
                      {t(
                        shown && shown.phase !== 'failed' && shown.channelsOf ? 'dream.atlas.back' : 'dream.atlas.load',
                      )}
                    </Button>
                  )}
                  {shown?.phase === 'done' && shown.job && (
                    <a className={styles.dim} href={session.url(httpPaths.atlas(shown.job))} download={`${net}.zip`}>
                      {t('dream.atlas.save')}
                    </a>
                  )}
                </div>
                {shown?.phase === 'failed' && <Trouble error={shown.error} />}
                {shown && shown.phase === 'coming' && (
                  <>
                    <p className={styles.dim} role="status">
                      {t('dream.atlas.coming', { done: shown.done, total: shown.total || '…' })}
                    </p>
                    <Progress label={t('dream.atlas')} done={shown.total > 0 ? shown.done / shown.total : undefined} />
                  </>
                )}
                {(!shown || shown.phase === 'done') && <p className={styles.dim}>{t('dream.atlas.hint')}</p>}
                {shown && shown.phase !== 'failed' && (
                  <div className={styles.tiles}>
                    {shown.tiles.map((tile, index) => {
                      const channel = shown.channelsOf === undefined ? undefined : index;
                      const layer = shown.channelsOf ?? tile.layer;
                      const on = chosen?.layer === layer && (channel === undefined || chosen.channels?.[0] === channel);
                      return (
                        <div key={tile.layer} className={styles.cell}>
                          <button
                            type="button"
                            className={`${styles.tile} ${on ? styles.tileOn : ''}`}
                            aria-pressed={on}
                            title={t('dream.atlas.pick', { layer: tile.layer })}
                            aria-label={t('dream.atlas.pick', { layer: tile.layer })}
                            onClick={() => pick(layer, channel)}
                          >
                            <img src={session.url(tile.path)} alt="" draggable={false} />
                          </button>
                          <div className={styles.tileLine}>
                            <span className={styles.tileName}>{tile.layer}</span>
                            {shown.channelsOf === undefined && tile.channels > 1 && (
                              <Button
                                icon="layers"
                                look="quiet"
                                onClick={() => session.showAtlas(net, tile.layer)}
                                title={t('dream.atlas.channels', { layer: tile.layer })}
                              />
                            )}
                          </div>
                        </div>
                      );
                    })}
                  </div>
                )}
              </section>
              <section className={styles.column} aria-label={find('effect.dream', 'dream')}>
                {ready && <Monitor />}
                {draft && dream && painting >= 0 && (
                  <div className={styles.bar}>
                    <span className={styles.dim}>{t('dream.painted')}</span>
                    <Button icon="close" onClick={() => session.changeDraft(now => removeEffect(now, painting))}>
                      {t('dream.only')}
                    </Button>
                  </div>
                )}
                {draft && dream ? (
                  <EffectForm
                    preset={draft}
                    only={dream.path.length === 0 ? 'dream' : 'zoom'}
                    onChange={session.changeDraft}
                  />
                ) : (
                  <div className={styles.bar}>
                    <span className={styles.dim}>{t('dream.hint')}</span>
                    <Button icon="plus" onClick={() => session.changeDraft(now => addEffect(now, 'dream'))}>
                      {find('effect.dream', 'dream')}
                    </Button>
                  </div>
                )}
              </section>
            </div>
          )}
        </div>
        <Footer />
      </div>
    </DrawingProvider>
  );
}
