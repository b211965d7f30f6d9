import { fillText, type ErrorDetails, type ErrorJson } from '#protocol/errors';
import { formatRate, type Rate } from '#protocol/time';
import { en, type Catalogue, type LabelKey, type ScreenKey } from './en';
import { fr } from './fr';

export const catalogues = { en, fr } as const;
export type Language = keyof typeof catalogues;

export function chooseLanguage(setting: Language | 'auto', system: readonly string[]): Language {
  if (setting !== 'auto') return setting;
  for (const tag of system) {
    const language = tag.slice(0, 2).toLowerCase();
    if (language in catalogues) return language as Language;
  }
  return 'en';
}

export type Texts = {
  readonly language: Language;
  /** A text of the catalogue. */
  t(key: ScreenKey | LabelKey, details?: ErrorDetails): string;
  /** A text whose key is made up from data (a parameter, a stage): `otherwise` where the catalogue has none. */
  find(key: string, otherwise: string): string;
  /** `<key>.one` or `<key>.other`. */
  count(key: 'frames' | 'setup.problems', count: number): string;
  cause(error: ErrorJson): string;
  remedy(error: ErrorJson): string;
  number(value: number, digits?: number): string;
  /** A number as it is typed: no separators between thousands. */
  plain(value: number, digits: number): string;
  percent(fraction: number): string;
  bytes(bytes: number): string;
  duration(seconds: number): string;
  rate(rate: Rate): string;
  date(iso: string): string;
};

const byteUnits = { en: ['B', 'KB', 'MB', 'GB', 'TB'], fr: ['o', 'Ko', 'Mo', 'Go', 'To'] } as const;

export function createTexts(language: Language): Texts {
  const catalogue: Catalogue & Readonly<Record<string, string | undefined>> = catalogues[language];
  const plurals = new Intl.PluralRules(language);
  const t: Texts['t'] = (key, details = {}) => fillText(catalogue[key], details);
  const number = (value: number, digits = 0) =>
    new Intl.NumberFormat(language, { minimumFractionDigits: 0, maximumFractionDigits: digits }).format(value);
  /** Reasons travel as words of the host's list; a person reads sentences. */
  const whyOf = ({ why }: ErrorDetails): ErrorDetails =>
    why === undefined
      ? {}
      : {
          why: String(why)
            .split(', ')
            .map(reason => catalogue[`selection.reason.${reason}`] ?? reason)
            .join(' '),
        };
  const row = (error: ErrorJson, part: 'cause' | 'remedy') =>
    fillText(catalogue[`error.${error.code}.${part}`] ?? catalogue[`error.INTERNAL.${part}`], {
      problem: error.code,
      ...error.details,
      ...whyOf(error.details ?? {}),
    });
  return {
    language,
    t,
    find: (key, otherwise) => catalogue[key] ?? otherwise,
    count: (key, count) => t(`${key}.${plurals.select(count) === 'one' ? 'one' : 'other'}`, { count: number(count) }),
    cause: error => row(error, 'cause'),
    remedy: error => row(error, 'remedy'),
    number,
    plain: (value, digits) =>
      new Intl.NumberFormat(language, { useGrouping: false, maximumFractionDigits: digits }).format(value),
    percent: fraction =>
      new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 0 }).format(fraction),
    bytes(bytes) {
      const units = byteUnits[language];
      const step = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log(bytes) / Math.log(1000)));
      const value = bytes / 1000 ** step;
      return `${number(value, step === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2)} ${units[step]}`;
    },
    duration(seconds) {
      const whole = Math.max(0, Math.round(seconds));
      if (whole < 1) return t('time.moment');
      if (whole < 60) return t('time.seconds', { s: whole });
      if (whole < 600)
        return whole % 60 === 0
          ? t('time.minutes', { m: whole / 60 })
          : t('time.minutesSeconds', { m: Math.floor(whole / 60), s: whole % 60 });
      const minutes = Math.round(whole / 60);
      if (minutes < 60) return t('time.minutes', { m: minutes });
      if (minutes < 24 * 60) return t('time.hours', { h: Math.floor(minutes / 60), m: minutes % 60 });
      return t('time.days', { d: Math.floor(minutes / 1440), h: Math.floor((minutes % 1440) / 60) });
    },
    rate(rate) {
      if (rate.den === 1) return String(rate.num);
      const value = rate.num / rate.den;
      // 23.976, 29.97 and 59.94 are how people know these; anything else is shown as it is.
      return rate.den === 1001 ? number(value, 3) : `${formatRate(rate)}`;
    },
    date(iso) {
      const date = new Date(iso);
      const today = new Date().toDateString() === date.toDateString();
      return new Intl.DateTimeFormat(
        language,
        today ? { timeStyle: 'short' } : { dateStyle: 'medium', timeStyle: 'short' },
      ).format(date);
    },
  };
}
