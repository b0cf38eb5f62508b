/** The way between processes and shops: messages are late, lost, or arrive twice, and a connection may break on the way back. */
import type { Chance } from "./chance.ts";
import type { Answer, Message } from "./messages.ts";
import type { Actor, Scheduler } from "./scheduler.ts";

interface NetworkFaults {
  drop: number;
  duplicate: number;
  slow: number;
}

export interface NetworkOptions {
  readonly scheduler: Scheduler;
  readonly chance: Chance;
  readonly faults: NetworkFaults;
  /** Told of every message at the moment it leaves a process. */
  readonly onLeave: (actor: Actor, message: Message) => void;
  /** The other end. */
  readonly serve: (message: Message, reply: (answer: Answer) => void) => void;
}

/** `fetch` as one process has it. */
export function openNetwork(options: NetworkOptions, actor: Actor): typeof globalThis.fetch {
  const { scheduler, chance, faults, onLeave, serve } = options;
  const latency = () =>
    chance.happens(faults.slow) ? chance.int(1_000, 15_000) : chance.int(1, 40);
  return (input, init = {}) => {
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    const { signal, method = "GET" } = init;
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    const headers = new Headers(init.headers);
    const url = input instanceof Request ? input.url : String(input);
    const message: Message = { method, url, headers, body: textOf(init.body) };
    onLeave(actor, message);
    // Of the answers to a duplicated request the first one is heard, and of a promise the first settlement.
    const reply = ({ status, headers = {}, body = "" }: Answer) => {
      if (chance.happens(faults.drop)) {
        if (chance.happens(0.5)) scheduler.schedule(latency(), actor, () => reject(reset()));
        return;
      }
      const answer = () => resolve(new Response(body, { status, headers }));
      scheduler.schedule(latency(), actor, answer);
    };
    signal?.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
    const copies = chance.happens(faults.duplicate) ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      if (!chance.happens(faults.drop)) {
        scheduler.schedule(latency(), undefined, () => serve(message, reply));
      } else if (chance.happens(0.5)) {
        scheduler.schedule(latency(), actor, () => reject(reset()));
      }
    }
    return promise;
  };
}

function reset(): TypeError {
  return new TypeError("fetch failed: the connection was reset");
}

function textOf(body: unknown): string {
  if (body instanceof Uint8Array) return Buffer.from(body).toString("utf8");
  return typeof body === "string" ? body : "";
}
