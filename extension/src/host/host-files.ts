import type { ByteSink, ByteSource } from '../bridge/bytes';

/** Written under another name and renamed by `finish`, which tells the path: a growing file would be imported too short. */
export type FileSink = ByteSink & { finish(): Promise<string>; discard(): Promise<void> };

/** The disk as a host adapter needs it: Node's in CEP, the plug-in's in UXP. */
export type HostFiles = {
  join(...parts: string[]): string;
  /** Last part of a path. */
  nameOf(path: string): string;
  /** undefined where there is no such file */
  sizeOf(path: string): Promise<number | undefined>;
  readText(path: string): Promise<string | undefined>;
  writeText(path: string, text: string): Promise<void>;
  /** A file that is not there is removed already. */
  remove(path: string): Promise<void>;
  /** With all folders above it. @throws AppError OUTPUT_UNWRITABLE also when it is there and cannot be written to */
  makeFolder(path: string): Promise<void>;
  /** @throws AppError FILE_NOT_FOUND, FILE_UNREADABLE */
  open(path: string): Promise<ByteSource>;
  /** Never over a file that is there. @throws AppError OUTPUT_UNWRITABLE */
  openSink(folder: string, fileName: string): Promise<FileSink>;
};
