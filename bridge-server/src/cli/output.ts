import { errors, fillText, toAppError } from '#protocol/errors';

/** What a command says: people read sentences, programs read one JSON object a line. */
export type Output = {
  /** A result: to standard output. */
  result(value: Record<string, unknown>, text: string): void;
  /** Something that happens on the way: JSON to standard output, text to standard error. */
  event(value: Record<string, unknown>, text?: string): void;
  bar(fraction: number, text: string): void;
  endBar(): void;
};

const barWidth = 28;

export function createOutput(json: boolean): Output {
  let barShown = false;
  const clearBar = () => {
    if (barShown && process.stderr.isTTY) process.stderr.write('\r\x1b[2K');
    barShown = false;
  };
  let lastLine = 0;
  return {
    result(value, text) {
      clearBar();
      process.stdout.write(json ? `${JSON.stringify(value)}\n` : `${text}\n`);
    },
    event(value, text) {
      clearBar();
      if (json) process.stdout.write(`${JSON.stringify(value)}\n`);
      else if (text) process.stderr.write(`${text}\n`);
    },
    bar(fraction, text) {
      if (json) return;
      const filled = Math.round(Math.min(1, Math.max(0, fraction)) * barWidth);
      const line = `[${'#'.repeat(filled)}${'-'.repeat(barWidth - filled)}] ${(fraction * 100).toFixed(0).padStart(3)} % ${text}`;
      if (process.stderr.isTTY) {
        process.stderr.write(`\r\x1b[2K${line.slice(0, (process.stderr.columns ?? 100) - 1)}`);
        barShown = true;
      } else if (Date.now() - lastLine > 10_000) {
        // Into a file or a pipe: a line now and then instead of a moving bar.
        lastLine = Date.now();
        process.stderr.write(`${line}\n`);
      }
    },
    endBar() {
      clearBar();
    },
  };
}

export function formatSeconds(value: number): string {
  const whole = Math.max(0, Math.round(value));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (h > 0) return `${h} h ${String(m).padStart(2, '0')} min`;
  return m > 0 ? `${m} min ${String(s).padStart(2, '0')} s` : `${s} s`;
}

export function formatBytes(value: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let [size, unit] = [value, 0];
  while (size >= 1000 && unit < units.length - 1) [size, unit] = [size / 1000, unit + 1];
  return `${size >= 100 || unit === 0 ? size.toFixed(0) : size.toFixed(1)} ${units[unit]}`;
}

/** One sentence of cause, one of remedy; the exit status of the failure. */
export function reportFailure(thrown: unknown, json: boolean): number {
  const failure = toAppError(thrown);
  const row = errors[failure.code];
  const cause = fillText(row.cause, failure.details);
  const remedy = fillText(row.remedy, failure.details);
  if (json)
    process.stdout.write(
      `${JSON.stringify({ type: 'error', code: failure.code, details: failure.details, cause, remedy })}\n`,
    );
  process.stderr.write(`${cause}\n${remedy}\n`);
  if (failure.code === 'INTERNAL' && process.env.REVERIE_DEBUG)
    process.stderr.write(`${(failure.cause as Error | undefined)?.stack ?? ''}\n`);
  return row.exit;
}
