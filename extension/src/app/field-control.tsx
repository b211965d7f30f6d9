import { imagePath } from '#protocol/http';
import type { Curve, ImageRef } from '#protocol/effects/parameter';
import { upscaleFamilies, upscaleFamilyOf } from '#protocol/effects/upscale';
import type { NetInfo } from '#protocol/messages';
import { Button } from '../components/button';
import { Choice, NumberField, Row, Select, TextField, Toggle, useFileChooser } from '../components/fields';
import { Slider } from '../components/slider';
import { Picture } from '../components/picture';
import { useTexts } from '../i18n/context';
import { useApp, useSession } from './context';
import type { StyleEntry } from './draft';
import { digitsOf, type Field } from './form';
import { LayersControl } from './layers-control';
import { ShapesControl, type Shapes } from './shapes';
import { pictureFiles, StylePictures } from './style-pictures';
import controls from '../components/controls.module.css';
import styles from './form.module.css';

export type FieldControlProps = {
  readonly field: Field;
  readonly value: unknown;
  /** All parameters of the effect: a layer belongs to the net beside it. */
  readonly params: Readonly<Record<string, unknown>>;
  readonly onChange: (value: unknown) => void;
};

/** Which nets fit a `net` parameter, by its label; a painter that optimises needs a judge, a quick one a net that paints. */
function netUse(
  label: string,
  params: Readonly<Record<string, unknown>>,
): readonly NetInfo['uses'][number][] | undefined {
  if (label === 'style.net') return [params.method === 'fast' ? 'style-fast' : 'style-features'];
  if (label === 'dream.net') return ['dream'];
  return label === 'upscale.net' ? ['upscale'] : undefined;
}

/** One parameter's control, chosen by its row in the table alone. */
export function FieldControl({ field, value, params, onChange }: FieldControlProps) {
  const { t, find, plain } = useTexts();
  const label = find(field.label, field.key);
  const help = find(`${field.label}.help`, field.help);
  const unit = field.unit ? find(`unit.${field.unit}`, field.unit) : undefined;

  switch (field.control) {
    case 'slider':
    case 'number': {
      const number = Number(value ?? field.min ?? 0);
      const initial = typeof field.initial === 'number' ? field.initial : undefined;
      const bounded = field.min !== undefined && field.max !== undefined;
      const shown = plain(number, digitsOf(field.step));
      return (
        <Row
          label={label}
          help={
            initial === undefined
              ? help
              : `${help}\n${t('form.reset', { value: plain(initial, digitsOf(field.step)) })}`
          }
        >
          {bounded && field.control === 'slider' && (
            <Slider
              label={label}
              value={number}
              min={field.min ?? 0}
              max={field.max ?? 1}
              step={field.step}
              initial={initial}
              valueText={unit ? `${shown} ${unit}` : shown}
              onChange={onChange}
            />
          )}
          <NumberField
            label={label}
            value={number}
            min={field.min}
            max={field.max}
            step={field.step}
            onChange={onChange}
          />
          <span className={controls.unit}>{unit}</span>
        </Row>
      );
    }
    case 'choice':
      return (
        <Row label={label} help={help}>
          <Choice
            label={label}
            value={String(value)}
            options={field.choices.map(choice => ({ value: choice, label: find(`${field.label}.${choice}`, choice) }))}
            onChange={onChange}
          />
        </Row>
      );
    case 'toggle':
      return (
        <Row label={label} help={help}>
          <Toggle label={label} value={value === true} onChange={onChange} />
        </Row>
      );
    case 'net':
      return (
        <Row label={label} help={help}>
          <NetChoice label={label} uses={netUse(field.label, params)} value={String(value)} onChange={onChange} />
        </Row>
      );
    case 'images':
      return (
        <Row label={label} help={help} tall>
          <StylePictures label={label} value={value as readonly StyleEntry[]} onChange={onChange} />
        </Row>
      );
    case 'image':
      return (
        <Row label={label} help={help}>
          <ImageChoice value={value as ImageRef | undefined} onChange={onChange} />
        </Row>
      );
    case 'colour':
      return (
        <Row label={label} help={help}>
          <ColourChoice label={label} value={String(value)} auto={field.initial === 'auto'} onChange={onChange} />
        </Row>
      );
    case 'curve':
      return (
        <Row label={label} help={help} tall>
          <CurveControl label={label} value={(value ?? []) as Curve} onChange={onChange} />
        </Row>
      );
    case 'layer':
      return (
        <Row label={label} help={help} tall>
          <LayersControl net={String(params.net)} value={value as never} onChange={onChange} />
        </Row>
      );
    case 'shapes':
      return (
        <Row label={label} help={help} tall>
          <ShapesControl name={field.label} value={(value ?? []) as Shapes} onChange={onChange} />
        </Row>
      );
    case 'text':
    case 'point':
      if (field.label === 'key.matteClip' || field.label === 'key.plateClip') {
        return (
          <Row label={label} help={help}>
            <ClipChoice value={value as string | undefined} onChange={onChange} />
          </Row>
        );
      }
      return (
        <Row label={label} help={help}>
          <TextField
            label={label}
            value={String(value ?? '')}
            onChange={next => onChange(next === '' && field.optional ? undefined : next)}
          />
        </Row>
      );
    case 'group':
      return null;
  }
}

function NetChoice({
  label,
  uses,
  value,
  onChange,
}: {
  label: string;
  uses?: readonly NetInfo['uses'][number][];
  value: string;
  onChange: (value: string) => void;
}) {
  const { t, find } = useTexts();
  const nets = useApp(state => state.nets);
  const fitting = nets.filter(net => !uses || net.uses.some(use => uses.includes(use)));
  // Noise level and size choose the net within a family.
  const families = upscaleFamilies.filter(family => fitting.some(net => upscaleFamilyOf(net.name) === family));
  const options = [
    ...(uses?.includes('dream') ? [] : [{ value: 'auto', label: t('form.auto') }]),
    ...families.map(family => {
      const installed = fitting.some(net => upscaleFamilyOf(net.name) === family && net.installed);
      const title = find(`upscale.net.${family}`, family);
      return { value: family, label: installed ? title : `${title} (${t('net.missing')})`, disabled: !installed };
    }),
    ...fitting
      .filter(net => !upscaleFamilyOf(net.name))
      .map(net => ({
        value: net.name,
        label: net.installed ? net.title : `${net.title} (${t('net.missing')})`,
        disabled: !net.installed,
      })),
  ];
  if (!options.some(option => option.value === value)) options.unshift({ value, label: value });
  return <Select label={label} value={value} options={options} onChange={onChange} />;
}

function ImageChoice({
  value,
  onChange,
}: {
  value: ImageRef | undefined;
  onChange: (value: ImageRef | undefined) => void;
}) {
  const { t } = useTexts();
  const session = useSession();
  const chooser = useFileChooser(
    pictureFiles,
    false,
    files => void session.sendPicture(files[0]).then(sha256 => sha256 && onChange({ sha256 })),
  );
  return (
    <div className={styles.line}>
      {chooser.input}
      {value && (
        <span className={styles.swatch}>
          <Picture url={session.url(imagePath(value), 96)} />
        </span>
      )}
      <Button onClick={chooser.open}>{t('image.choose')}</Button>
      {value && <Button icon="close" look="quiet" title={t('images.remove')} onClick={() => onChange(undefined)} />}
    </div>
  );
}

function ClipChoice({ value, onChange }: { value: string | undefined; onChange: (value: string | undefined) => void }) {
  const { t } = useTexts();
  const session = useSession();
  const chooser = useFileChooser(
    'video/*,image/*,.mov,.mxf,.mkv',
    false,
    files => void session.sendClip(files[0]).then(sha256 => sha256 && onChange(sha256)),
  );
  return (
    <div className={styles.line}>
      {chooser.input}
      <Button onClick={chooser.open}>{t('clipFile.choose')}</Button>
      {value && <span className={styles.grow}>{t('clipFile.chosen', { hash: value.slice(0, 8) })}</span>}
      {value && <Button icon="close" look="quiet" title={t('images.remove')} onClick={() => onChange(undefined)} />}
    </div>
  );
}

function ColourChoice({
  label,
  value,
  auto,
  onChange,
}: {
  label: string;
  value: string;
  auto: boolean;
  onChange: (value: string) => void;
}) {
  const { t } = useTexts();
  const isAuto = value === 'auto';
  return (
    <div className={styles.line}>
      <input
        className={styles.colour}
        type="color"
        aria-label={label}
        title={t('colour.pick')}
        value={isAuto ? '#00b140' : value}
        style={isAuto ? { opacity: 0.4 } : undefined}
        onChange={event => onChange(event.target.value)}
      />
      {auto && (
        <Toggle label={t('colour.auto')} showLabel value={isAuto} onChange={on => onChange(on ? 'auto' : '#00b140')} />
      )}
      {!isAuto && <span className={styles.hint}>{value.toUpperCase()}</span>}
    </div>
  );
}

/** Keys over time: a small drawing, and a line for each key. */
function CurveControl({ label, value, onChange }: { label: string; value: Curve; onChange: (value: Curve) => void }) {
  const { t } = useTexts();
  const playhead = useApp(state => state.playhead);
  const start = useApp(state => state.range.first);
  const keys = [...value].sort((a, b) => a.frame - b.frame);
  const change = (index: number, part: Partial<Curve[number]>) =>
    onChange(keys.map((key, at) => (at === index ? { ...key, ...part } : key)));
  const add = () => {
    const frame = Math.max(0, playhead - start);
    const before = [...keys].reverse().find(key => key.frame <= frame) ?? keys[0];
    onChange(
      [...keys.filter(key => key.frame !== frame), { frame, value: before?.value ?? 1 }].sort(
        (a, b) => a.frame - b.frame,
      ),
    );
  };
  return (
    <div className={styles.stack}>
      {keys.length > 1 && <CurveDrawing keys={keys} />}
      {keys.length === 0 && <span className={styles.hint}>{t('curve.none')}</span>}
      {keys.map((key, index) => (
        <div key={index} className={styles.line}>
          <span className={styles.hint}>{t('curve.frame')}</span>
          <NumberField
            label={`${label}: ${t('curve.frame')} ${index + 1}`}
            value={key.frame}
            min={0}
            step={1}
            onChange={frame => change(index, { frame })}
          />
          <span className={styles.hint}>{t('curve.value')}</span>
          <NumberField
            label={`${label}: ${t('curve.value')} ${index + 1}`}
            value={key.value}
            step={0.001}
            onChange={next => change(index, { value: next })}
          />
          <Button
            icon="close"
            look="quiet"
            title={t('curve.remove')}
            onClick={() => onChange(keys.filter((_, at) => at !== index))}
          />
        </div>
      ))}
      <div className={styles.line}>
        <Button icon="plus" look="quiet" onClick={add}>
          {t('curve.add')}
        </Button>
      </div>
    </div>
  );
}

function CurveDrawing({ keys }: { keys: Curve }) {
  const [low, high] = [Math.min(...keys.map(key => key.value)), Math.max(...keys.map(key => key.value))];
  const end = Math.max(1, keys[keys.length - 1].frame);
  const y = (value: number) => (high > low ? 40 - ((value - low) / (high - low)) * 36 : 22);
  const line = [`0 ${y(keys[0].value)}`, ...keys.map(key => `${(key.frame / end) * 100} ${y(key.value)}`)].join(' L');
  return (
    <svg className={styles.graph} viewBox="0 0 100 44" preserveAspectRatio="none" aria-hidden="true">
      <path d={`M${line}`} />
    </svg>
  );
}
