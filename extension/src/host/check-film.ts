/**
 * A film for the host checks: uncompressed AVI, which every host reads without help. Each frame is of one grey, the
 * next one lighter.
 */
export function makeCheckFilm({
  width,
  height,
  frames,
  fps,
}: {
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly fps: number;
}): Uint8Array {
  const frameBytes = width * height * 3;
  const chunk = 8 + frameBytes;
  const movie = 4 + frames * chunk;
  const headers = 4 + (8 + 56) + (8 + 4 + (8 + 56) + (8 + 40));
  const index = frames * 16;
  const bytes = new Uint8Array(12 + (8 + headers) + (8 + movie) + (8 + index));
  const view = new DataView(bytes.buffer);
  let at = 0;
  const word = (text: string) => {
    for (const letter of text) bytes[at++] = letter.charCodeAt(0);
  };
  const number = (...values: readonly number[]) => {
    for (const value of values) {
      view.setUint32(at, value, true);
      at += 4;
    }
  };
  const half = (...values: readonly number[]) => {
    for (const value of values) {
      view.setUint16(at, value, true);
      at += 2;
    }
  };

  word('RIFF');
  number(bytes.length - 8);
  word('AVI LIST');
  number(headers);
  word('hdrlavih');
  number(
    56,
    Math.round(1_000_000 / fps),
    frameBytes * fps,
    0,
    0x10,
    frames,
    0,
    1,
    frameBytes,
    width,
    height,
    0,
    0,
    0,
    0,
  );
  word('LIST');
  number(4 + (8 + 56) + (8 + 40));
  word('strlstrh');
  number(56);
  word('vidsDIB ');
  number(0, 0, 0, 1, fps, 0, frames, frameBytes, 0xffffffff, 0);
  half(0, 0, width, height);
  word('strf');
  number(40, 40, width, height);
  half(1, 24);
  number(0, frameBytes, 0, 0, 0, 0);
  word('LIST');
  number(movie);
  word('movi');
  for (let frame = 0; frame < frames; frame++) {
    word('00db');
    number(frameBytes);
    bytes.fill(Math.round((255 * frame) / frames), at, at + frameBytes);
    at += frameBytes;
  }
  word('idx1');
  number(index);
  for (let frame = 0; frame < frames; frame++) {
    word('00db');
    number(0x10, 4 + frame * chunk, frameBytes);
  }
  return bytes;
}
