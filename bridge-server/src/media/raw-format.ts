/** How the samples of a raw picture lie in memory: in planes one after the other, or pixel by pixel. */
export type RawFormat = {
  /** ffmpeg's name for it. */
  readonly name: string;
  /** Planes Y, U, V, or G, B, R, or one plane of grey, alpha last; or RGB packed pixel by pixel. */
  readonly model: 'yuv' | 'rgb' | 'grey' | 'packed';
  /** Bits of a sample; 32 are floats. */
  readonly depth: number;
  /** Chroma planes are narrower and lower by these powers of two. */
  readonly chromaShiftX: 0 | 1;
  readonly chromaShiftY: 0 | 1;
  readonly alpha: boolean;
  /** Of packed pixels: samples a pixel, the places of R, G, B (and alpha) among them, and whether high bytes come first. */
  readonly packing?: { readonly samples: number; readonly places: readonly number[]; readonly bigEndian: boolean };
};

const subsampling: Readonly<Record<string, readonly [0 | 1, 0 | 1]>> = { '420': [1, 1], '422': [1, 0], '444': [0, 0] };

/** Rare formats, and the one among those below that holds the same samples. */
const twins: Readonly<Record<string, string>> = {
  ...{
    nv12: 'yuv420p',
    nv21: 'yuv420p',
    nv16: 'yuv422p',
    nv24: 'yuv444p',
    nv42: 'yuv444p',
    yuv411p: 'yuv444p',
    yuv410p: 'yuv444p',
  },
  ...{
    yuv440p: 'yuv444p',
    yuvj440p: 'yuvj444p',
    yuvj411p: 'yuvj444p',
    uyyvyy411: 'yuv444p',
    yuv440p10: 'yuv444p10le',
    yuv440p12: 'yuv444p12le',
  },
  ...{
    yuyv422: 'yuv422p',
    uyvy422: 'yuv422p',
    yvyu422: 'yuv422p',
    vuya: 'yuva444p',
    vuyx: 'yuv444p',
    ayuv: 'yuva444p',
    ayuv64: 'yuva444p16le',
  },
  ...{
    p010: 'yuv420p10le',
    p012: 'yuv420p12le',
    p016: 'yuv420p16le',
    p210: 'yuv422p10le',
    p216: 'yuv422p16le',
    p410: 'yuv444p10le',
  },
  ...{
    p416: 'yuv444p16le',
    nv20: 'yuv422p10le',
    y210: 'yuv422p10le',
    y212: 'yuv422p12le',
    xv30: 'yuv444p10le',
    xv36: 'yuv444p12le',
  },
  ...{
    rgb565: 'rgb24',
    rgb555: 'rgb24',
    bgr565: 'rgb24',
    bgr555: 'rgb24',
    rgb444: 'rgb24',
    bgr444: 'rgb24',
    rgb8: 'rgb24',
    bgr8: 'rgb24',
  },
  ...{
    rgb4_byte: 'rgb24',
    bgr4_byte: 'rgb24',
    pal8: 'rgba',
    x2rgb10: 'gbrp10le',
    x2bgr10: 'gbrp10le',
    xyz12: 'gbrp16le',
  },
  ...{ gray8: 'gray', monow: 'gray', monob: 'gray', rgbf32: 'gbrpf32le', rgbaf32: 'gbrapf32le', grayf32: 'gbrpf32le' },
};

const plain = { chromaShiftX: 0, chromaShiftY: 0 } as const;

/** "rgb24", "bgra", "0rgb", "rgba64be", "ya16le": read as they are, for ffmpeg's scaler does not repack them without loss. */
function packedFormat(name: string): RawFormat | undefined {
  const deep = /^(rgb|bgr)(48)(le|be)?$|^(rgba|bgra)(64)(le|be)?$|^(ya)(16)(le|be)?$/.exec(name);
  const shallow = /^(rgb|bgr)24$|^([rgba0]{4})$|^(ya)8$/.exec(name);
  const letters = deep?.[1] ?? deep?.[4] ?? deep?.[7] ?? shallow?.[1] ?? shallow?.[2] ?? shallow?.[3];
  if (!letters) return undefined;
  const places =
    letters === 'ya'
      ? [0, 0, 0, 1]
      : ['r', 'g', 'b', ...(letters.includes('a') ? ['a'] : [])].map(letter => letters.indexOf(letter));
  if (places.includes(-1)) return undefined;
  const bigEndian = name.endsWith('be');
  return {
    name: deep && !/[lb]e$/.test(name) ? `${name}le` : name,
    model: 'packed',
    depth: deep ? 16 : 8,
    ...plain,
    alpha: letters.includes('a'),
    packing: { samples: letters.length, places, bigEndian },
  };
}

/** @returns undefined when the name is not one of the formats that are read here */
export function rawFormat(name: string): RawFormat | undefined {
  const yuv = /^yuv(a|j)?(420|422|444)p(9|10|12|14|16)?(?:le)?$/.exec(name);
  if (yuv) {
    const [x, y] = subsampling[yuv[2]];
    return { name, model: 'yuv', depth: Number(yuv[3] ?? 8), chromaShiftX: x, chromaShiftY: y, alpha: yuv[1] === 'a' };
  }
  const rgb = /^gbr(a)?p(9|10|12|14|16|f32)?(?:le)?$/.exec(name);
  if (rgb) {
    const depth = rgb[2] === 'f32' ? 32 : Number(rgb[2] ?? 8);
    return { name, model: 'rgb', depth, ...plain, alpha: rgb[1] === 'a' };
  }
  const grey = /^gray(9|10|12|14|16)?(?:le)?$/.exec(name);
  if (grey) return { name, model: 'grey', depth: Number(grey[1] ?? 8), ...plain, alpha: false };
  return packedFormat(name);
}

/**
 * The format in which a decoder's pictures are taken over: its own where that is read here, else one that holds the same
 * samples.
 */
export function rawFormatFor(pixelFormat: string): RawFormat {
  const packed = packedFormat(pixelFormat);
  if (packed) return packed;
  const bare = pixelFormat.replace(/(le|be)$/, '');
  const own = rawFormat(bare);
  if (own) return { ...own, name: own.depth > 8 ? `${bare}le` : bare };
  // Unknown to this table: sixteen bits of RGB lose nothing that the eye could find.
  return rawFormat(twins[bare] ?? 'gbrp16le')!;
}

/** Bits of a sample of any of ffmpeg's formats. */
export function bitDepthOf(pixelFormat: string): number {
  const bare = pixelFormat.replace(/(le|be)$/, '');
  if (/(rgb|bgr)(555|444)$/.test(bare)) return bare.endsWith('555') ? 5 : 4;
  return rawFormatFor(pixelFormat).depth;
}

/** Whether the format has room for alpha. */
export function hasAlphaPlane(pixelFormat: string): boolean {
  return pixelFormat !== 'pal8' && rawFormatFor(pixelFormat).alpha;
}

export type PlaneSize = { readonly width: number; readonly height: number; readonly offset: number };

/** Where each plane lies, in samples. */
export function planesOf(format: RawFormat, width: number, height: number): PlaneSize[] {
  const chroma = {
    width: (width + format.chromaShiftX) >> format.chromaShiftX,
    height: (height + format.chromaShiftY) >> format.chromaShiftY,
  };
  const whole = { width, height };
  if (format.packing) return [{ width: width * format.packing.samples, height, offset: 0 }];
  const sizes = format.model === 'grey' ? [whole] : [whole, chroma, chroma];
  let offset = 0;
  return [...sizes, ...(format.alpha ? [whole] : [])].map(size => {
    const plane = { ...size, offset };
    offset += size.width * size.height;
    return plane;
  });
}

export function bytesPerSample(format: RawFormat): 1 | 2 | 4 {
  return format.depth === 32 ? 4 : format.depth > 8 ? 2 : 1;
}

/** Bytes of one raw picture. */
export function pictureBytes(format: RawFormat, width: number, height: number): number {
  const samples = planesOf(format, width, height).reduce((sum, plane) => sum + plane.width * plane.height, 0);
  return samples * bytesPerSample(format);
}

export type Samples = Uint8Array | Uint16Array | Float32Array;

/** The samples of a raw picture, without copying. `bytes` must begin its buffer, or lie at a multiple of the sample size. */
export function samplesOf(format: RawFormat, bytes: Uint8Array): Samples {
  const size = bytesPerSample(format);
  if (size === 1) return bytes;
  const View = size === 2 ? Uint16Array : Float32Array;
  return new View(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength / size);
}
