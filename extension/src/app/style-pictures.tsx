import { useEffect, useRef } from 'react';
import { imagePath } from '#protocol/http';
import type { ImageRef } from '#protocol/effects/parameter';
import { Button } from '../components/button';
import { DropArea, NumberField, useFileChooser } from '../components/fields';
import { Slider } from '../components/slider';
import { Picture } from '../components/picture';
import { useTexts } from '../i18n/context';
import { useApp, useSession } from './context';
import { addStyle, mostStyles, paintersOf, sameImage, type StyleEntry } from './draft';
import styles from './form.module.css';

export const pictureFiles = 'image/png,image/jpeg,image/tiff,image/webp,.png,.jpg,.jpeg,.tif,.tiff,.webp';

export function painterTitle(find: (key: string, otherwise: string) => string, name: string): string {
  const words = name.replace(/-/g, ' ');
  return find(`painter.${name}`, words.charAt(0).toUpperCase() + words.slice(1));
}

/** The pictures to paint like: own ones by drop or choice, or built-in painters; with weights where there are several. */
export function StylePictures({
  label,
  value,
  onChange,
}: {
  label: string;
  value: readonly StyleEntry[];
  onChange: (value: readonly StyleEntry[]) => void;
}) {
  const { t, find } = useTexts();
  const session = useSession();
  const presets = useApp(state => state.presets);
  const coming = useApp(state => state.picturesComing);
  const painters = paintersOf(presets);
  // A picture arrives later than it was dropped, and by then the list may be another.
  const latest = useRef(value);
  useEffect(() => {
    latest.current = value;
  }, [value]);
  const add = (files: File[]) => {
    void session.sendPictures(files.slice(0, mostStyles), sha256 => onChange(addStyle(latest.current, { sha256 })));
  };
  const chooser = useFileChooser(pictureFiles, true, add);
  // One painter alone shows as pressed among the painters.
  const onlyPainter =
    value.length === 1 &&
    'painter' in value[0].image &&
    painters.length > 1 &&
    painters.includes(value[0].image.painter);
  const name = (image: ImageRef, index: number) =>
    'painter' in image ? painterTitle(find, image.painter) : t('images.own', { number: index + 1 });
  return (
    <DropArea hint={t('images.drop')} onFiles={add} className={styles.stack}>
      {chooser.input}
      <ul className={styles.stack} aria-label={label} hidden={onlyPainter}>
        {value.map((entry, index) => (
          <li key={index} className={styles.line}>
            <span className={styles.swatch}>
              <Picture url={session.url(imagePath(entry.image), 96)} />
            </span>
            {value.length > 1 ? (
              <>
                <Slider
                  label={t('images.weight', { name: name(entry.image, index) })}
                  value={Math.min(3, entry.weight)}
                  min={0}
                  max={3}
                  step={0.05}
                  initial={1}
                  onChange={weight => onChange(value.map((each, at) => (at === index ? { ...each, weight } : each)))}
                />
                <NumberField
                  label={t('images.weight', { name: name(entry.image, index) })}
                  value={entry.weight}
                  min={0}
                  max={10}
                  step={0.05}
                  onChange={weight => onChange(value.map((each, at) => (at === index ? { ...each, weight } : each)))}
                />
                <Button
                  icon="close"
                  look="quiet"
                  title={t('images.remove')}
                  onClick={() => onChange(value.filter((_, at) => at !== index))}
                />
              </>
            ) : (
              <span className={styles.grow}>{name(entry.image, index)}</span>
            )}
          </li>
        ))}
      </ul>
      {painters.length > 1 && (
        <div className={styles.painters} role="group" aria-label={t('images.painters')}>
          {painters.map(painter => {
            const image = { painter };
            const on = value.some(entry => sameImage(entry.image, image));
            return (
              <button
                key={painter}
                type="button"
                className={`${styles.painter} ${on ? styles.painterOn : ''}`}
                aria-pressed={on}
                aria-label={painterTitle(find, painter)}
                title={painterTitle(find, painter)}
                onClick={event => {
                  // Alone by a click; together with what is there by Shift or Ctrl, as lists work elsewhere.
                  const together = event.shiftKey || event.ctrlKey || event.metaKey;
                  if (!together) onChange([{ image, weight: 1 }]);
                  else if (!on) onChange(addStyle(value, image));
                  else if (value.length > 1) onChange(value.filter(entry => !sameImage(entry.image, image)));
                }}
              >
                <Picture url={session.url(imagePath(image), 96)} />
              </button>
            );
          })}
        </div>
      )}
      <div className={styles.line}>
        <Button icon="picture" onClick={chooser.open} disabled={value.length >= mostStyles}>
          {t('images.add')}
        </Button>
        {coming > 0 && (
          <span className={styles.hint} role="status">
            {t('images.sending')}
          </span>
        )}
      </div>
    </DropArea>
  );
}
