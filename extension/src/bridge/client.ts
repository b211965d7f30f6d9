import { bridgeUrl, httpPaths } from '#protocol/http';
import { socketUrl, type BridgeAddress } from './address';
import type { ByteSink, ByteSource } from './bytes';
import { createConnection, type Connection } from './connection';
import { download, type Downloaded, type DownloadOptions } from './download';
import { openWebSocket } from './socket';
import { upload, type Uploaded, type UploadKind, type UploadOptions } from './upload';

/** All that the panel asks of the bridge. */
export interface Bridge {
  readonly connection: Connection;
  /** Address of a picture or file that the bridge serves, with the token in it. */
  url(path: string, width?: number): string;
  upload(source: ByteSource, kind: UploadKind, options?: UploadOptions): Promise<Uploaded>;
  download(job: string, sink: ByteSink, options?: DownloadOptions): Promise<Downloaded>;
}

export function createBridge(address: BridgeAddress, client: string): Bridge {
  const connection = createConnection({
    open: openWebSocket(socketUrl(address)),
    client,
    async probe() {
      const response = await fetch(bridgeUrl(address.base, httpPaths.health, address.token));
      const health: unknown = await response.json();
      // The bridge names itself only to those who have the token.
      return typeof health === 'object' && health !== null && 'ok' in health && !('bridge' in health)
        ? 'unauthorised'
        : 'absent';
    },
  });
  return {
    connection,
    url: (path, width) => bridgeUrl(address.base, path, address.token, width),
    upload: (source, kind, options) => upload(connection, source, kind, options),
    download: (job, sink, options) => download(connection, 'result', job, sink, options),
  };
}
