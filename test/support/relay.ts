// A client's way to a server, which can be cut and mended, as when a laptop sleeps.

import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface Relay {
  url: string;
  /** Cuts what is open, and whatever is tried until `mend`. */
  cut(): void;
  mend(): void;
  /** Ends the server's half of all open connections; what the client still sends arrives. */
  halfClose(): void;
  close(): Promise<void>;
}

export async function startRelay(targetUrl: string): Promise<Relay> {
  const { hostname, port } = new URL(targetUrl);
  const sockets = new Set<Socket>();
  const clients = new Set<Socket>();
  let isCut = false;
  const server = createServer({ allowHalfOpen: true }, (client) => {
    if (isCut) return client.resetAndDestroy();
    const target = connect(Number(port), hostname);
    clients.add(client);
    client.on('close', () => clients.delete(client));
    for (const [from, to] of [
      [client, target],
      [target, client],
    ] as const) {
      sockets.add(from);
      from.on('error', () => to.destroy()).on('close', () => sockets.delete(from) && to.destroy());
      from.pipe(to);
    }
    return undefined;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cutAll = (): void => sockets.forEach((socket) => socket.resetAndDestroy());
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: () => {
      isCut = true;
      cutAll();
    },
    mend: () => {
      isCut = false;
    },
    halfClose: () => clients.forEach((client) => client.end()),
    close: async () => {
      const closed = once(server.close(), 'close');
      cutAll();
      await closed;
    },
  };
}
