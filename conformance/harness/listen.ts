/** Servers of the tester's own: on this machine alone, on a port that the user was told. */
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { ConformanceError } from "../conformance-error.ts";

/** Resolves to its URL, or throws `CHECK_PORT_TAKEN`. */
export async function listen(server: Server, port: number, option: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(port, "127.0.0.1", resolve);
  await promise.catch((cause: unknown) => {
    throw new ConformanceError("CHECK_PORT_TAKEN", {
      problem: `It cannot listen on port ${port} of this machine.`,
      nextStep: `Stop what listens there, or give another port (${option}).`,
      cause,
    });
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export async function closing(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  server.closeAllConnections();
  await promise;
}
