/** What ffmpeg says about an input before it touches a frame; read from the lines that every version prints. */
export type StreamFacts = {
  readonly container: string;
  readonly streams: readonly { readonly kind: string; readonly attachedPicture: boolean }[];
  readonly video?: VideoFacts;
  readonly hasAudio: boolean;
  /** Rounded to 10 ms by ffmpeg; absent where the container does not say. Never used to count frames. */
  readonly durationSeconds?: number;
};

export type VideoFacts = {
  readonly codec: string;
  readonly pixelFormat: string;
  readonly range?: 'tv' | 'pc';
  readonly matrix: string;
  readonly primaries: string;
  readonly transfer: string;
  readonly width: number;
  readonly height: number;
  readonly sampleAspect: { readonly num: number; readonly den: number };
  /** Degrees clockwise by which the stored picture is turned for display. */
  readonly rotation: 0 | 90 | 180 | 270;
  readonly interlaced: boolean;
  /** VP8 and VP9 keep their alpha in a second picture that ffmpeg names only in a tag. */
  readonly alphaBeside: boolean;
  /** The rates that the container claims, as ffmpeg rounds them ("29.97", "23.98"). */
  readonly claimedRates: readonly string[];
};

/** "yuv420p(tv, bt709/bt709/iec61966-2-1, top first)" without its name. */
function parseColour(inside: string): Pick<VideoFacts, 'range' | 'matrix' | 'primaries' | 'transfer' | 'interlaced'> {
  const parts = inside.split(/, ?/).map(part => part.trim());
  const range = parts.find(part => part === 'tv' || part === 'pc') as 'tv' | 'pc' | undefined;
  const isOther = (part: string) =>
    part === '' || part === range || /(first|progressive|swapped|bpc|left|center|top|bottom|unspecified)/.test(part);
  const colours = parts.find(part => !isOther(part)) ?? 'unknown';
  const [matrix, primaries = matrix, transfer = matrix] = colours
    .split('/')
    .map(name => name.replace('reserved', 'unknown'));
  return { range, matrix, primaries, transfer, interlaced: /first/.test(inside) };
}

function parseVideo(line: string, details: readonly string[]): VideoFacts | undefined {
  const found = /: Video: (\w+)(.*)$/.exec(line);
  if (!found) return undefined;
  const [, codec, rest] = found;
  const size = /, (\d{1,6})x(\d{1,6})(?=[ ,[]|$)/.exec(rest);
  const format = /, ([a-z][a-z0-9_]*)(?:\(([^()]*(?:\([^()]*\)[^()]*)*)\))?, \d{1,6}x\d{1,6}/.exec(rest);
  const aspect = /SAR (\d+):(\d+)/.exec(rest);
  const turned = details.map(detail => /rotation of (-?[\d.]+) degrees/.exec(detail)?.[1]).find(Boolean);
  const quarter = ((Math.round(-Number(turned ?? 0) / 90) % 4) + 4) % 4;
  const rates = [/([\d.]+)(k?) fps/, /([\d.]+)(k?) tbr/].flatMap(pattern => {
    const rate = pattern.exec(rest);
    return rate && rate[2] === '' ? [rate[1]] : [];
  });
  return {
    codec,
    pixelFormat: format?.[1] ?? 'unknown',
    ...parseColour(format?.[2] ?? ''),
    width: Number(size?.[1] ?? 0),
    height: Number(size?.[2] ?? 0),
    sampleAspect:
      aspect && Number(aspect[1]) > 0 && Number(aspect[2]) > 0
        ? { num: Number(aspect[1]), den: Number(aspect[2]) }
        : { num: 1, den: 1 },
    rotation: [0, 90, 180, 270][quarter] as VideoFacts['rotation'],
    alphaBeside: details.some(detail => /^\s*alpha_mode\s*:\s*1\s*$/.test(detail)),
    claimedRates: rates,
  };
}

/** @param lines of ffmpeg's report at level "info", as `startFfmpeg` hands them out */
export function parseStreamFacts(lines: readonly string[]): StreamFacts | undefined {
  const plain = lines.map(line => line.replace(/^\[info\] /, ''));
  const start = plain.findIndex(line => /^Input #0, /.test(line));
  if (start < 0) return undefined;
  const after = plain.slice(start + 1).findIndex(line => /^(Output #0|Stream mapping:|At least one|Press )/.test(line));
  const input = plain.slice(start, after < 0 ? undefined : start + 1 + after);
  const isStream = (line: string) => /^\s{2,4}Stream #0:\d+/.test(line);
  const heads = input.flatMap((line, at) => (isStream(line) ? [at] : []));
  const streams = heads.map((at, order) => {
    const line = input[at];
    const details = input.slice(at + 1, heads[order + 1]);
    return {
      kind: /Stream #0:\d+.*?: (Video|Audio|Subtitle|Data|Attachment)(?=:)/.exec(line)?.[1] ?? 'Unknown',
      attachedPicture: /\(attached pic\)/.test(line),
      line,
      details,
    };
  });
  const picture = streams.find(stream => stream.kind === 'Video' && !stream.attachedPicture);
  const clock = input.map(line => /^\s+Duration: (\d+):(\d\d):(\d\d\.\d+)/.exec(line)).find(Boolean);
  return {
    container: /^Input #0, ([^ ]+), from/.exec(input[0])?.[1] ?? 'unknown',
    streams: streams.map(({ kind, attachedPicture }) => ({ kind, attachedPicture })),
    video: picture && parseVideo(picture.line, picture.details),
    hasAudio: streams.some(stream => stream.kind === 'Audio'),
    ...(clock ? { durationSeconds: Number(clock[1]) * 3600 + Number(clock[2]) * 60 + Number(clock[3]) } : {}),
  };
}
