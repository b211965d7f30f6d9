import type { ImageRef } from './effects/parameter';
import type { JobId } from './job';

/**
 * What the bridge serves over HTTP beside the panel's page, and where its socket is. Everything below needs the token
 * (`?token=`, or the cookie that the page was given); the page itself, its script and `/health` do not.
 * Pictures are JPEG or PNG; `width` asks for a smaller one, never for a larger one.
 */
export const tokenParameter = 'token';

export const httpPaths = {
  socket: '/socket',
  health: '/health',
  /** Frame `frame` of a clip, counted from 0 at the clip's rate, as shown (rotated, square pixels). */
  clipFrame: (clip: string, frame: number) => `/clips/${clip}/frames/${frame}.jpg`,
  /** A small picture of a file on this computer; the key comes in the reply to `glimpses`. */
  glimpse: (key: string) => `/glimpses/${key}.jpg`,
  /** A picture that a client sent. */
  image: (sha256: string) => `/images/${sha256}`,
  /** The picture of a built-in painter. */
  painter: (name: string) => `/painters/${name}.jpg`,
  /** A preview of a job; `frame` is the number in its `preview` event. */
  preview: (job: JobId, frame: number) => `/jobs/${job}/previews/${frame}.jpg`,
  /** The finished clip, with ranges and `Content-Disposition: attachment`. */
  result: (job: JobId) => `/jobs/${job}/result`,
  /** `report.json`. */
  report: (job: JobId) => `/jobs/${job}/report`,
  /** What helps to find a fault, as one zip without private names, paths or pictures. */
  support: '/support.zip',
  atlas: (job: string) => `/jobs/${job}/atlas.zip`,
  /** POST: a local tool asks a panel to act (a `trigger` message); `?preset=` and `?host=` name which. */
  trigger: (action: 'stylize-selection' | 'place-finished') => `/trigger/${action}`,
} as const;

/** The path of a style's picture, whether it was sent or comes with Reverie. */
export function imagePath(image: ImageRef): string {
  return 'sha256' in image ? httpPaths.image(image.sha256) : httpPaths.painter(image.painter);
}

/** `path` of a bridge at `base` ("http://127.0.0.1:4711") with the token, and the width that is wanted. */
export function bridgeUrl(base: string, path: string, token: string, width?: number): string {
  // Without a token the page's cookie may still open the door; an empty token would be a wrong one.
  const query = [
    ...(token ? [`${tokenParameter}=${encodeURIComponent(token)}`] : []),
    ...(width === undefined ? [] : [`width=${width}`]),
  ];
  const question = query.length === 0 ? '' : path.includes('?') ? '&' : '?';
  return `${base.replace(/\/$/, '')}${path}${question}${query.join('&')}`;
}
