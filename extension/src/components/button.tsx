import { useEffect, useState, type ReactNode } from 'react';
import { Icon, type IconName } from './icon';
import styles from './controls.module.css';

export type ButtonProps = {
  readonly children?: ReactNode;
  readonly icon?: IconName;
  readonly onClick: () => void;
  readonly disabled?: boolean;
  readonly look?: 'primary' | 'danger' | 'quiet' | 'link';
  readonly big?: boolean;
  /** Tooltip; also the name of a button that has only an icon. */
  readonly title?: string;
  readonly pressed?: boolean;
  readonly className?: string;
};

export function Button({ children, icon, onClick, disabled, look, big, title, pressed, className }: ButtonProps) {
  const iconOnly = children === undefined;
  const classes = [
    look === 'link' ? styles.link : styles.button,
    look && look !== 'link' ? styles[look] : '',
    big ? styles.big : '',
    iconOnly ? styles.icon : '',
    pressed ? styles.pressed : '',
    className ?? '',
  ];
  return (
    <button
      type="button"
      className={classes.filter(Boolean).join(' ')}
      onClick={onClick}
      disabled={disabled}
      title={title}
      aria-label={iconOnly ? title : undefined}
      aria-pressed={pressed}
    >
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

const sureForMs = 4000;

/** Asks once more, in its own place, before something is lost for good: hosts' own question boxes stop their timeline. */
export function SureButton({ question, onClick, ...props }: ButtonProps & { readonly question: string }) {
  const [asking, setAsking] = useState(false);
  useEffect(() => {
    if (!asking) return undefined;
    const timer = setTimeout(() => setAsking(false), sureForMs);
    return () => clearTimeout(timer);
  }, [asking]);
  if (!asking) return <Button {...props} onClick={() => setAsking(true)} />;
  return (
    <Button look="danger" icon={props.icon} onClick={onClick}>
      {question}
    </Button>
  );
}
