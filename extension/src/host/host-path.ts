/** One kind of slash; no case where a drive letter or a share says Windows. */
export function normalPath(path: string): string {
  const slashes = path.replace(/\\/g, '/');
  return /^([A-Za-z]:)?\/\//.test(slashes) || /^[A-Za-z]:\//.test(slashes) ? slashes.toLowerCase() : slashes;
}
export const isInside = (path: string, folder: string) =>
  normalPath(path).startsWith(`${normalPath(folder).replace(/\/+$/, '')}/`);
