/**
 * Built-ins that Chromium 88 (Premiere 22 to 24) lacks and that the panel or its dependencies use. Loaded first; added
 * only where they are missing. The end-to-end test runs the panel with the browser's own removed.
 */
function add(target: object, name: string, value: unknown) {
  if (!(name in target)) Object.defineProperty(target, name, { value, writable: true, configurable: true });
}

function at<T>(this: ArrayLike<T>, index: number): T | undefined {
  const whole = Math.trunc(index) || 0;
  return this[whole < 0 ? this.length + whole : whole];
}
add(Array.prototype, 'at', at);
add(String.prototype, 'at', at);
add(Object, 'hasOwn', (object: object, key: PropertyKey) => Object.prototype.hasOwnProperty.call(object, key));
