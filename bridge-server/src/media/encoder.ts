import type { CodecName } from '#protocol/preset';
import type { Rate } from '#protocol/time';
import type { Frame } from '../frame/frame';

export type EncoderOptions = {
  readonly codec: CodecName;
  readonly rate: Rate;
  /** Of the frames that will be written. */
  readonly width: number;
  readonly height: number;
  /** Whether alpha is kept; only ProRes 4444 and PNG can. */
  readonly alpha?: boolean;
  /** Number of the first picture of a PNG sequence. */
  readonly firstNumber?: number;
};

export type Encoded = {
  /** The file; of a sequence its folder. */
  readonly path: string;
  readonly frames: number;
  readonly sizeBytes: number;
};

export type Encoder = {
  /** Size of the written picture; a column or row larger than the frames where the codec takes even sizes only. */
  readonly width: number;
  readonly height: number;
  /** What was changed to suit the codec, for the report. */
  readonly note?: string;
  /** Waits until the encoder has taken the frame before. @throws AppError DISK_FULL, FFMPEG_FAILED */
  write(frame: Frame): Promise<void>;
  /** Completes the file and gives it its name. @throws AppError DISK_FULL, FFMPEG_FAILED, OUTPUT_UNWRITABLE */
  finish(): Promise<Encoded>;
  /** Leaves nothing behind. */
  abort(): Promise<void>;
};
