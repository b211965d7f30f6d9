/** A failure that the panel can explain; the code is a row of the error table. */
export type Failure = { reverieFailure: true; code: string; details: { [name: string]: string | number } };

export function fail(code: string, details: { [name: string]: string | number }): never {
  var failure: Failure = { reverieFailure: true, code: code, details: details };
  throw failure;
}

export function asFailure(thrown: unknown): Failure {
  var known = thrown as Failure;
  if (known && known.reverieFailure === true) return known;
  var problem =
    thrown instanceof Error
      ? thrown.message + ' (line ' + String((thrown as Error & { line?: number }).line) + ')'
      : String(thrown);
  return { reverieFailure: true, code: 'HOST_FAILED', details: { problem: problem } };
}
