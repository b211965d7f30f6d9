import { createContext, useContext, useState, type KeyboardEvent, type MouseEvent, type ReactNode } from 'react';
import { Button } from '../components/button';
import { useTexts } from '../i18n/context';
import styles from './form.module.css';
import overlayStyles from './shapes.module.css';

export type Point = [number, number];
export type Shapes = Point[][];

/** The shapes that are being drawn: the form says which parameter, the monitor shows and takes the corners. */
type Drawing = { readonly name: string; readonly shapes: Shapes; readonly onChange: (shapes: Shapes) => void };
const DrawingContext = createContext<{ drawing?: Drawing; setDrawing(drawing: Drawing | undefined): void }>({
  setDrawing() {},
});

export function DrawingProvider({ children }: { children: ReactNode }) {
  const [drawing, setDrawing] = useState<Drawing>();
  return <DrawingContext.Provider value={{ drawing, setDrawing }}>{children}</DrawingContext.Provider>;
}

const mostShapes = 16;
const mostCorners = 64;

export function ShapesControl({
  name,
  value,
  onChange,
}: {
  name: string;
  value: Shapes;
  onChange: (value: Shapes) => void;
}) {
  const { t } = useTexts();
  const { drawing, setDrawing } = useContext(DrawingContext);
  const active = drawing?.name === name;
  return (
    <div className={styles.stack}>
      <div className={styles.line}>
        <span className={styles.grow}>
          {value.length === 0 ? t('shapes.none') : t('shapes.count', { count: value.length })}
        </span>
        <Button
          pressed={active}
          disabled={value.length >= mostShapes}
          onClick={() => setDrawing(active ? undefined : { name, shapes: value, onChange })}
        >
          {t('shapes.draw')}
        </Button>
        {value.length > 0 && (
          <Button icon="trash" look="quiet" title={t('shapes.clear')} onClick={() => onChange([])} />
        )}
      </div>
      {active && <span className={styles.hint}>{t('shapes.drawing')}</span>}
    </div>
  );
}

/** A click this near to the first corner (share of the picture) closes the shape. */
const closeEnough = 0.02;

/** Drawn over the picture while a shapes parameter is being edited. Keyboard: arrows move the cross, Space sets a corner. */
export function ShapesOverlay() {
  const { t } = useTexts();
  const { drawing, setDrawing } = useContext(DrawingContext);
  const [corners, setCorners] = useState<Shapes[number]>([]);
  const [cross, setCross] = useState<Point>([0.5, 0.5]);
  if (!drawing) return null;

  const finish = (points: Shapes[number]) => {
    setCorners([]);
    if (points.length < 3) return;
    const shapes = [...drawing.shapes, points];
    drawing.onChange(shapes);
    setDrawing(shapes.length < mostShapes ? { ...drawing, shapes } : undefined);
  };
  const addCorner = (point: Point) => {
    const [first] = corners;
    if (first && corners.length >= 3 && Math.hypot(point[0] - first[0], point[1] - first[1]) < closeEnough)
      finish(corners);
    else if (corners.length + 1 >= mostCorners) finish([...corners, point]);
    else setCorners([...corners, point]);
  };
  const onMouseDown = (event: MouseEvent<SVGSVGElement>) => {
    event.stopPropagation();
    const box = event.currentTarget.getBoundingClientRect();
    const clamp = (value: number) => Math.max(0, Math.min(1, Math.round(value * 10000) / 10000));
    const point: Point = [clamp((event.clientX - box.left) / box.width), clamp((event.clientY - box.top) / box.height)];
    setCross(point);
    addCorner(point);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const far = event.shiftKey ? 0.05 : 0.01;
    const by = { ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, -far], ArrowDown: [0, far] }[event.key];
    if (by) setCross(([x, y]) => [Math.max(0, Math.min(1, x + by[0])), Math.max(0, Math.min(1, y + by[1]))]);
    else if (event.key === ' ') addCorner(cross);
    else if (event.key === 'Enter') finish(corners);
    else if (event.key === 'Escape') {
      setCorners([]);
      setDrawing(undefined);
    } else return;
    event.preventDefault();
  };
  const line = (points: Shapes[number]) => points.map(([x, y]) => `${x * 100},${y * 100}`).join(' ');
  return (
    <svg
      className={overlayStyles.overlay}
      viewBox="0 0 100 100"
      preserveAspectRatio="none"
      tabIndex={0}
      role="application"
      aria-label={t('shapes.drawing')}
      onMouseDown={onMouseDown}
      onKeyDown={onKeyDown}
    >
      {drawing.shapes.map((shape, index) => (
        <polygon key={index} className={overlayStyles.shape} points={line(shape)} />
      ))}
      <polyline className={overlayStyles.line} points={line(corners)} />
      {corners.map(([x, y], index) => (
        <circle key={index} className={overlayStyles.corner} cx={x * 100} cy={y * 100} r={0.9} />
      ))}
      <circle className={overlayStyles.cross} cx={cross[0] * 100} cy={cross[1] * 100} r={0.6} />
    </svg>
  );
}
