import { codecNames, type CodecName, type Preset } from '#protocol/preset';
import { formatRate, parseRate } from '#protocol/time';
import { NumberField, Row, Select } from '../components/fields';
import { useTexts } from '../i18n/context';
import { useApp, useSession } from './context';
import { setOutput } from './draft';
import type { ChangePreset } from './effect-form';
import controls from '../components/controls.module.css';
import styles from './form.module.css';

const usualRates = ['50', '24000/1001', '24', '25', '30000/1001', '30', '60000/1001', '60'];
const usualSizes = [
  [1280, 720],
  [1920, 1080],
  [2560, 1440],
  [3840, 2160],
] as const;

/** What the result is: format, rate, size; and the seed. */
export function OutputForm({ preset, onChange }: { preset: Preset; onChange: ChangePreset }) {
  const { t, rate } = useTexts();
  const session = useSession();
  const seed = useApp(state => state.settings.seed);
  const { output } = preset;
  const rateText = output.rate === 'source' ? 'source' : formatRate(output.rate);
  const rates = usualRates.includes(rateText) || rateText === 'source' ? usualRates : [rateText, ...usualRates];
  const sizeText = output.size === 'source' ? 'source' : `${output.size.width}x${output.size.height}`;
  const isUsual = sizeText === 'source' || usualSizes.some(([width, height]) => sizeText === `${width}x${height}`);
  const side = (name: 'width' | 'height', size: { width: number; height: number }) => (
    <NumberField
      label={t(`output.${name}`)}
      value={size[name]}
      min={16}
      max={8192}
      step={2}
      onChange={value =>
        onChange(now =>
          now.output.size === 'source' ? now : setOutput(now, { size: { ...now.output.size, [name]: value } }),
        )
      }
    />
  );
  return (
    <section className={styles.section} aria-label={t('output')}>
      <div className={styles.head}>
        <h3 className={styles.title}>{t('output')}</h3>
      </div>
      <div className={styles.body}>
        <Row label={t('output.codec')}>
          <Select<CodecName>
            label={t('output.codec')}
            value={output.codec}
            options={codecNames.map(codec => ({ value: codec, label: t(`output.codec.${codec}`) }))}
            onChange={codec => onChange(now => setOutput(now, { codec }))}
          />
        </Row>
        <Row label={t('output.rate')}>
          <Select
            label={t('output.rate')}
            value={rateText}
            options={[
              { value: 'source', label: t('output.rate.source') },
              ...rates.map(text => ({ value: text, label: t('output.rate.fps', { rate: rate(parseRate(text)) }) })),
            ]}
            onChange={text => onChange(now => setOutput(now, { rate: text === 'source' ? 'source' : parseRate(text) }))}
          />
        </Row>
        <Row label={t('output.size')}>
          <Select
            label={t('output.size')}
            value={isUsual ? sizeText : 'own'}
            options={[
              { value: 'source', label: t('output.size.source') },
              ...usualSizes.map(([width, height]) => ({ value: `${width}x${height}`, label: `${width} × ${height}` })),
              { value: 'own', label: t('output.size.own') },
            ]}
            onChange={text => {
              if (text === 'source') onChange(now => setOutput(now, { size: 'source' }));
              else if (text === 'own') onChange(now => setOutput(now, { size: { width: 1000, height: 1000 } }));
              else {
                const [width, height] = text.split('x').map(Number);
                onChange(now => setOutput(now, { size: { width, height } }));
              }
            }}
          />
        </Row>
        {!isUsual && output.size !== 'source' && (
          <Row label={`${t('output.width')} × ${t('output.height')}`}>
            {side('width', output.size)}
            <span>×</span>
            {side('height', output.size)}
            <span className={controls.unit}>px</span>
          </Row>
        )}
        <Row label={t('output.seed')} help={t('output.seed.help')}>
          <NumberField
            label={t('output.seed')}
            value={seed}
            min={0}
            max={0x7fffffff}
            step={1}
            onChange={next => session.changeSettings({ seed: next })}
          />
        </Row>
      </div>
    </section>
  );
}
