import type { NetInfo } from '#protocol/messages';

/** What the bridge asks of the catalogue of nets. */
export type NetShelf = {
  list(): Promise<NetInfo[]>;
  /** Takes a net that a person brought. @throws AppError NET_UNKNOWN_FORMAT, NET_DAMAGED, NET_UNSUPPORTED */
  importFile(path: string, name?: string, styleNet?: string): Promise<NetInfo>;
  /** SHA-256 of installed nets by name. */
  hashes(): Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>;
};
