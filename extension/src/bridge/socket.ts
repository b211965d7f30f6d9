/** The one thing that the bridge client needs from a WebSocket; tests hand in one that cuts. */
export interface Socket {
  send(data: string | Uint8Array): void;
  close(): void;
  /** Bytes that were given to `send` and have not left yet. */
  bufferedBytes(): number;
}

export type SocketEvents = {
  onOpen(): void;
  onText(text: string): void;
  onBinary(bytes: Uint8Array): void;
  /** Always called, exactly once, also when the socket never opened. */
  onClose(code: number): void;
};

export type OpenSocket = (events: SocketEvents) => Socket;

export function openWebSocket(url: string): OpenSocket {
  return events => {
    const socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => events.onOpen();
    socket.onmessage = message =>
      typeof message.data === 'string'
        ? events.onText(message.data)
        : events.onBinary(new Uint8Array(message.data as ArrayBuffer));
    socket.onclose = event => events.onClose(event.code);
    return {
      send: data => socket.send(data as string | Uint8Array<ArrayBuffer>),
      close: () => socket.close(),
      bufferedBytes: () => socket.bufferedAmount,
    };
  };
}
