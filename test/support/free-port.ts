/**
 * A port of this machine that nothing listens on now. It is one of those that the system gives nobody who asks for any (they are above
 * 32,767 on Linux and above 49,151 elsewhere), so that no server of another test gets it before it is used.
 */
import { randomInt } from "node:crypto";
import { createServer } from "node:net";

export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 32_768);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const server = createServer()
      .once("error", () => resolve(false))
      .listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
    if (await promise) return port;
  }
}
