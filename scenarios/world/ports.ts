/**
 * A world that reopens needs its old ports. A program that was killed a moment ago may still hold them while its children end,
 * so a taken port is waited for a little before it is refused.
 */
import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { WorldError, type WorldPart } from "./world-error.ts";

const WAIT_MS = 3_000;
const STEP_MS = 25;

/** Resolves when the port is free, or throws `WORLD_PORT_TAKEN`. */
export async function requirePort(part: WorldPart, port: number): Promise<void> {
  for (let waited = 0; !(await isFree(port)); waited += STEP_MS) {
    if (waited >= WAIT_MS) {
      throw new WorldError("WORLD_PORT_TAKEN", {
        problem: `Port ${port} on 127.0.0.1, which the world's ${part} was at, is in use.`,
        nextStep: "Stop what uses the port, or open a new world in another folder.",
        details: { part, port: String(port) },
      });
    }
    await delay(STEP_MS);
  }
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
