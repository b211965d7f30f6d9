import { open, type FileHandle } from 'node:fs/promises';
import { AppError } from '#protocol/errors';
import { chunkBytes, creditChunks } from '#protocol/messages';

/** A file on its way to a client: never more than the credit is under way, whatever the file's size. */
export class Download {
  private sent: number;
  private received: number;
  private pumping = false;
  private closed = false;

  private constructor(
    readonly number: number,
    private readonly file: FileHandle,
    private readonly sizeBytes: number,
    offset: number,
    private readonly send: (offset: number, bytes: Uint8Array) => void,
    private readonly onError: (error: unknown) => void,
  ) {
    this.sent = offset;
    this.received = offset;
  }

  /** @throws AppError FILE_NOT_FOUND, MESSAGE_INVALID for an offset behind the end */
  static async open(
    number: number,
    path: string,
    offset: number,
    send: (offset: number, bytes: Uint8Array) => void,
    onError: (error: unknown) => void,
  ): Promise<Download> {
    const file = await open(path, 'r').catch((error: unknown) => {
      throw new AppError('FILE_NOT_FOUND', { path: 'the result' }, { cause: error });
    });
    const { size } = await file.stat();
    if (offset > size) {
      await file.close();
      throw new AppError('MESSAGE_INVALID', { problem: `offset ${offset} of ${size}` });
    }
    return new Download(number, file, size, offset, send, onError);
  }

  /** The receiver has `receivedBytes` in all. Nonsense (backwards, or more than was sent) changes nothing. */
  credit(receivedBytes: number): void {
    if (receivedBytes > this.received && receivedBytes <= this.sent) this.received = receivedBytes;
    this.pump();
  }

  pump(): void {
    if (this.pumping || this.closed) return;
    this.pumping = true;
    void this.run()
      .catch(error => this.onError(error))
      .finally(() => {
        this.pumping = false;
        // Credit that came while the last chunk was read.
        if (!this.closed && this.mayGoOn()) this.pump();
      });
  }

  private mayGoOn(): boolean {
    return this.sent < this.sizeBytes && this.sent - this.received < creditChunks * chunkBytes;
  }

  private async run(): Promise<void> {
    while (!this.closed && this.mayGoOn()) {
      const length = Math.min(
        chunkBytes,
        this.sizeBytes - this.sent,
        creditChunks * chunkBytes - (this.sent - this.received),
      );
      const { bytesRead, buffer } = await this.file.read(Buffer.allocUnsafe(length), 0, length, this.sent);
      if (this.closed) return;
      if (bytesRead === 0) throw new AppError('RESULT_INCOMPLETE', { actual: this.sent, expected: this.sizeBytes });
      this.send(this.sent, buffer.subarray(0, bytesRead));
      this.sent += bytesRead;
    }
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await this.file.close();
  }
}
