/**
 * Stands for the work that is sold: the endpoint's handler calls it, and every call is one execution. Its answer holds a text that
 * nobody can know who did not get the work, so that a delivery is told from a refusal, and one piece of work from another.
 */
import { randomBytes } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";
import { setTimeout } from "node:timers/promises";
import { closing, listen } from "./listen.ts";
import type { Timeline } from "./timeline.ts";

/** How the next piece of work goes. */
export interface WorkScript {
  readonly status?: number;
  readonly afterMs?: number;
}

export interface Witness extends AsyncDisposable {
  readonly url: string;
  /** The next call goes so; those after it well again. */
  next(script: WorkScript): void;
  /** Takes back what was said of the next call; called once the case is over. */
  forget(): void;
  /** What the endpoint's hook after the settlement is answered with. */
  hookStatus: number;
}

export async function openWitness(options: {
  readonly port: number;
  readonly timeline: Timeline;
}): Promise<Witness> {
  const { port, timeline } = options;
  let scripts: WorkScript[] = [];
  const over = new AbortController();
  const work = async (response: ServerResponse) => {
    const marker = `work-${randomBytes(9).toString("hex")}`;
    const { status = 200, afterMs = 0 } = scripts.shift() ?? {};
    timeline.add({ what: "work", marker, ...(status === 200 ? {} : { fault: `${status}` }) });
    if (afterMs > 0)
      await setTimeout(afterMs, undefined, { signal: over.signal }).catch(() => undefined);
    answer(response, status, status === 200 ? { work: marker } : { error: "the work failed" });
  };
  const server = createServer((request, response) => {
    request.resume();
    response.on("error", () => undefined);
    if (request.url?.endsWith("/after-settle")) {
      timeline.add({ what: "after-settle" });
      answer(response, witness.hookStatus, {});
    } else void work(response);
  });
  const witness: Witness = {
    url: await listen(server, port, "--witness-port"),
    hookStatus: 200,
    next: (script) => void scripts.push(script),
    forget: () => void (scripts = []),
    async [Symbol.asyncDispose]() {
      over.abort();
      await closing(server);
    },
  };
  return witness;
}

function answer(response: ServerResponse, status: number, body: object): void {
  if (response.destroyed) return;
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}
