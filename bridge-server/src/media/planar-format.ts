/** How the samples of a raw picture lie in memory: whole planes one after the other, little endian above 8 bits. */
export type PlanarFormat = {
  /** ffmpeg's name for it. */
  readonly name: string;
  /** Planes Y, U, V, or G, B, R, or one plane of grey; alpha last. */
  readonly model: 'yuv' | 'rgb' | 'grey';
  /** Bits of a sample; 32 are floats. */
  readonly depth: number;
  /** Chroma planes are narrower and lower by these powers of two. */
  readonly chromaShiftX: 0 | 1;
  readonly chromaShiftY: 0 | 1;
  readonly alpha: boolean;
};

const subsampling: Readonly<Record<string, readonly [0 | 1, 0 | 1]>> = { '420': [1, 1], '422': [1, 0], '444': [0, 0] };

/** Packed and rare formats, and the planar one that holds the same samples without loss. */
const planarTwin: Readonly<Record<string, string>> = {
  ...{ nv12: 'yuv420p', nv21: 'yuv420p', nv16: 'yuv422p', nv24: 'yuv444p', nv42: 'yuv444p', yuv411p: 'yuv444p', yuv410p: 'yuv444p' },
  ...{ yuv440p: 'yuv444p', yuvj440p: 'yuvj444p', yuvj411p: 'yuvj444p', uyyvyy411: 'yuv444p', yuv440p10: 'yuv444p10le', yuv440p12: 'yuv444p12le' },
  ...{ yuyv422: 'yuv422p', uyvy422: 'yuv422p', yvyu422: 'yuv422p', vuya: 'yuva444p', vuyx: 'yuv444p', ayuv: 'yuva444p', ayuv64: 'yuva444p16le' },
  ...{ p010: 'yuv420p10le', p012: 'yuv420p12le', p016: 'yuv420p16le', p210: 'yuv422p10le', p216: 'yuv422p16le', p410: 'yuv444p10le' },
  ...{ p416: 'yuv444p16le', nv20: 'yuv422p10le', y210: 'yuv422p10le', y212: 'yuv422p12le', xv30: 'yuv444p10le', xv36: 'yuv444p12le' },
  ...{ rgb24: 'gbrp', bgr24: 'gbrp', '0rgb': 'gbrp', rgb0: 'gbrp', bgr0: 'gbrp', '0bgr': 'gbrp', rgb565: 'gbrp', rgb555: 'gbrp' },
  ...{ bgr565: 'gbrp', bgr555: 'gbrp', rgb444: 'gbrp', bgr444: 'gbrp', rgb8: 'gbrp', bgr8: 'gbrp', rgb4_byte: 'gbrp', bgr4_byte: 'gbrp' },
  ...{ rgba: 'gbrap', bgra: 'gbrap', argb: 'gbrap', abgr: 'gbrap', pal8: 'gbrap', ya8: 'gbrap', ya16: 'gbrap16le' },
  ...{ rgb48: 'gbrp16le', bgr48: 'gbrp16le', rgba64: 'gbrap16le', bgra64: 'gbrap16le', x2rgb10: 'gbrp10le', x2bgr10: 'gbrp10le', xyz12: 'gbrp16le' },
  ...{ gray8: 'gray', monow: 'gray', monob: 'gray', rgbf32: 'gbrpf32le', rgbaf32: 'gbrapf32le', grayf32: 'gbrpf32le' },
};

/** @returns undefined when the name is not one of the planar formats that are read and written here */
export function planarFormat(name: string): PlanarFormat | undefined {
  const yuv = /^yuv(a|j)?(420|422|444)p(9|10|12|14|16)?(?:le)?$/.exec(name);
  if (yuv) {
    const [x, y] = subsampling[yuv[2]];
    return { name, model: 'yuv', depth: Number(yuv[3] ?? 8), chromaShiftX: x, chromaShiftY: y, alpha: yuv[1] === 'a' };
  }
  const rgb = /^gbr(a)?p(9|10|12|14|16|f32)?(?:le)?$/.exec(name);
  if (rgb) {
    const depth = rgb[2] === 'f32' ? 32 : Number(rgb[2] ?? 8);
    return { name, model: 'rgb', depth, chromaShiftX: 0, chromaShiftY: 0, alpha: rgb[1] === 'a' };
  }
  const grey = /^gray(9|10|12|14|16)?(?:le)?$/.exec(name);
  if (grey) return { name, model: 'grey', depth: Number(grey[1] ?? 8), chromaShiftX: 0, chromaShiftY: 0, alpha: false };
  return undefined;
}

/**
 * The planar format in which a decoder's pictures are taken over: its own where that is planar, else the one that holds
 * the same samples.
 */
export function planarFormatFor(pixelFormat: string): PlanarFormat {
  const bare = pixelFormat.replace(/(le|be)$/, '');
  const own = planarFormat(bare);
  if (own) return { ...own, name: own.depth > 8 ? `${bare}le` : bare };
  // Unknown to this table: sixteen bits of RGB lose nothing that the eye could find.
  return planarFormat(planarTwin[bare] ?? planarTwin[pixelFormat] ?? 'gbrp16le')!;
}

/** Bits of a sample of any of ffmpeg's formats. */
export function bitDepthOf(pixelFormat: string): number {
  const bare = pixelFormat.replace(/(le|be)$/, '');
  if (/(rgb|bgr)(555|444)$/.test(bare)) return bare.endsWith('555') ? 5 : 4;
  return planarFormatFor(pixelFormat).depth;
}

/** Whether the format has room for alpha. */
export function hasAlphaPlane(pixelFormat: string): boolean {
  return pixelFormat !== 'pal8' && planarFormatFor(pixelFormat).alpha;
}

export type PlaneSize = { readonly width: number; readonly height: number; readonly offset: number };

/** Where each plane lies, in samples. */
export function planesOf(format: PlanarFormat, width: number, height: number): PlaneSize[] {
  const chroma = {
    width: (width + format.chromaShiftX) >> format.chromaShiftX,
    height: (height + format.chromaShiftY) >> format.chromaShiftY,
  };
  const whole = { width, height };
  const sizes = format.model === 'grey' ? [whole] : [whole, chroma, chroma];
  let offset = 0;
  return [...sizes, ...(format.alpha ? [whole] : [])].map(size => {
    const plane = { ...size, offset };
    offset += size.width * size.height;
    return plane;
  });
}

export function bytesPerSample(format: PlanarFormat): 1 | 2 | 4 {
  return format.depth === 32 ? 4 : format.depth > 8 ? 2 : 1;
}

/** Bytes of one raw picture. */
export function pictureBytes(format: PlanarFormat, width: number, height: number): number {
  const samples = planesOf(format, width, height).reduce((sum, plane) => sum + plane.width * plane.height, 0);
  return samples * bytesPerSample(format);
}

export type Samples = Uint8Array | Uint16Array | Float32Array;

/** The samples of a raw picture, without copying. `bytes` must begin its buffer, or lie at a multiple of the sample size. */
export function samplesOf(format: PlanarFormat, bytes: Uint8Array): Samples {
  const size = bytesPerSample(format);
  if (size === 1) return bytes;
  const View = size === 2 ? Uint16Array : Float32Array;
  return new View(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength / size);
}
