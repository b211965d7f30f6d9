import type { DreamParams } from '#protocol/effects/dream';
import { Button } from '../components/button';
import { NumberField, Select } from '../components/fields';
import { useTexts } from '../i18n/context';
import { useApp, useSession } from './context';
import styles from './form.module.css';

type Objectives = DreamParams['objectives'];
const mostObjectives = 8;

/** The layers that a dream raises, with weights and channels; or the way to the page where they are seen. */
export function LayersControl({
  net,
  value,
  onChange,
}: {
  net: string;
  value: Objectives;
  onChange: (value: Objectives) => void;
}) {
  const { t } = useTexts();
  const session = useSession();
  const page = useApp(state => state.page);
  const info = useApp(state => state.nets.find(each => each.name === net));
  const change = (index: number, part: Partial<Objectives[number]>) =>
    onChange(value.map((each, at) => (at === index ? { ...each, ...part } : each)));
  return (
    <div className={styles.stack}>
      {value.map((objective, index) => {
        const layer = info?.layers.find(each => each.name === objective.layer);
        const options = (info?.layers ?? []).map(each => ({ value: each.name, label: each.name }));
        if (!layer) options.unshift({ value: objective.layer, label: objective.layer });
        const last = (layer?.channels ?? 1) - 1;
        return (
          <div key={index} className={styles.stack}>
            <div className={`${styles.line} ${styles.layer}`}>
              <Select
                label={t('layer.name')}
                value={objective.layer}
                options={options}
                onChange={name => change(index, { layer: name, channels: undefined })}
              />
              <NumberField
                label={t('layer.weight')}
                value={objective.weight}
                min={-10}
                max={10}
                step={0.1}
                onChange={weight => change(index, { weight })}
              />
              {value.length > 1 && (
                <Button
                  icon="close"
                  look="quiet"
                  title={t('layer.remove')}
                  onClick={() => onChange(value.filter((_, at) => at !== index))}
                />
              )}
            </div>
            {objective.channels && (
              <div className={styles.line}>
                <span className={styles.grow}>
                  {t('layer.channels', { first: objective.channels[0], last: objective.channels[1] })}
                </span>
                <NumberField
                  label={t('layer.first')}
                  value={objective.channels[0]}
                  min={0}
                  max={Math.max(last, objective.channels[0])}
                  step={1}
                  onChange={first =>
                    change(index, { channels: [first, Math.max(first, objective.channels?.[1] ?? first)] })
                  }
                />
                <NumberField
                  label={t('layer.last')}
                  value={objective.channels[1]}
                  min={0}
                  max={Math.max(last, objective.channels[1])}
                  step={1}
                  onChange={end => change(index, { channels: [Math.min(end, objective.channels?.[0] ?? end), end] })}
                />
                <Button
                  icon="close"
                  look="quiet"
                  title={t('layer.all')}
                  onClick={() => change(index, { channels: undefined })}
                />
              </div>
            )}
          </div>
        );
      })}
      <div className={styles.line}>
        {page !== 'dream' && (
          <Button icon="layers" onClick={() => session.go('dream')}>
            {t('layer.choose')}
          </Button>
        )}
        {value.length < mostObjectives && info && info.layers.length > 0 && (
          <Button
            icon="plus"
            look="quiet"
            title={t('layer.add')}
            onClick={() => onChange([...value, { layer: info.layers[0].name, weight: 1 }])}
          />
        )}
      </div>
    </div>
  );
}
