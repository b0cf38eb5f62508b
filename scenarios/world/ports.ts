/** A world that reopens needs its old ports; one that is somebody else's now is told by its part and number. */
import { createServer } from "node:net";
import { WorldError, type WorldPart } from "./world-error.ts";

/** Resolves when the port is free, or throws `WORLD_PORT_TAKEN`. */
export async function requirePort(part: WorldPart, port: number): Promise<void> {
  if (await isFree(port)) return;
  throw new WorldError("WORLD_PORT_TAKEN", {
    problem: `Port ${port} on 127.0.0.1, which the world's ${part} was at, is in use.`,
    nextStep: "Stop what uses the port, or open a new world in another folder.",
    details: { part, port: String(port) },
  });
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () =>
      server.close(() => resolve(true)),
    );
  });
}
