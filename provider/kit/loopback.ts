/** An HTTP server on 127.0.0.1 that is either on the port it was told, or on a free one, and that stops within seconds. */
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { PurserError } from "../../protocol/index.ts";

export class LoopbackError extends PurserError<"PORT_TAKEN"> {}

export interface Loopback {
  readonly port: number;
  readonly server: Server;
  close(): Promise<void>;
}

const CLOSE_TIMEOUT_MS = 1_000;

/** Listens, or throws `PORT_TAKEN`. Port 0 is any free one. */
export async function listenOnLoopback(listener: RequestListener, port = 0): Promise<Loopback> {
  const server = createServer(listener);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject).listen(port, "127.0.0.1", resolve);
  await promise.catch((cause: unknown) => {
    throw new LoopbackError("PORT_TAKEN", {
      problem: `Port ${port} on 127.0.0.1 cannot be listened on (${(cause as NodeJS.ErrnoException).code}).`,
      nextStep: "Stop the program that holds it, and try again.",
      cause,
    });
  });
  return {
    port: (server.address() as AddressInfo).port,
    server,
    close: () => stop(server),
  };
}

/** Lets the requests under way end, for a moment. */
async function stop(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  const timer = setTimeout(() => server.closeAllConnections(), CLOSE_TIMEOUT_MS);
  await promise;
  clearTimeout(timer);
}
