import type { premierepro } from '@adobe/premierepro';

export type Premiere = premierepro;

/** How long the host is waited for where it does not say when it is done. */
export type HostTimes = {
  readonly pollMs: number;
  /** An import may go on after the call was answered. */
  readonly importMs: number;
  /** A file that has not grown for so long is complete. */
  readonly steadyMs: number;
  readonly exportMs: number;
  /** How often the bridge's file is looked at: a bridge that starts, or starts anew, is followed. */
  readonly followMs: number;
};
export const hostTimes: HostTimes = {
  pollMs: 500,
  importMs: 10_000,
  steadyMs: 30_000,
  exportMs: 55 * 60_000,
  followMs: 2000,
};

/** The part of UXP's `fs` that is used: Node's names, promises without a callback, ArrayBuffers. */
export type UxpFs = {
  open(path: string, flag: string): Promise<number>;
  close(file: number): Promise<unknown>;
  read(file: number, buffer: ArrayBuffer, at: number, length: number, position: number): Promise<{ bytesRead: number }>;
  write(
    file: number,
    buffer: ArrayBuffer,
    at: number,
    length: number,
    position: number,
  ): Promise<{ bytesWritten: number }>;
  readFile(path: string, options: { encoding: 'utf-8' }): Promise<string | ArrayBuffer>;
  writeFile(path: string, data: string, options: { encoding: 'utf-8' }): Promise<unknown>;
  lstat(path: string): Promise<{ size: number; isFile(): boolean }>;
  rename(from: string, to: string): Promise<unknown>;
  unlink(path: string): Promise<unknown>;
  mkdir(path: string, options?: { recursive: boolean }): Promise<unknown>;
  readdir(path: string): Promise<readonly string[]>;
};
export type UxpOs = { platform(): string; homedir(): string };

type PanelEntry = { create?(root: HTMLElement): void; show?(root: HTMLElement): void };
export type Uxp = {
  readonly entrypoints: {
    setup(entries: { panels: Record<string, PanelEntry>; commands: Record<string, { run(): void }> }): void;
  };
  /** `applicationPath` and `getBackgroundColor` came with 26.5. */
  readonly host: {
    readonly version: string;
    readonly applicationPath?: string;
    getBackgroundColor?(): Promise<string>;
  };
  readonly storage: {
    readonly localFileSystem: {
      getFileForOpening(options: { types: readonly string[] }): Promise<{ nativePath: string } | null | undefined>;
    };
  };
  readonly shell: { openPath(path: string, reason: string): Promise<string> };
};
