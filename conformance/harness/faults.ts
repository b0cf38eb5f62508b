/**
 * What facilitators, and networks on the way to them, do to a question: each by its name, as a small script over one request. `forward`
 * asks the real facilitator, which really settles; what the endpoint then hears is up to the fault.
 */
import type { ServerResponse } from "node:http";
import { setTimeout } from "node:timers/promises";

/** What the real facilitator answered. */
export interface Truth {
  readonly status: number;
  readonly body: string;
}

export interface Way {
  readonly response: ServerResponse;
  readonly forward: () => Promise<Truth>;
  /** Aborts when the test is over. */
  readonly signal: AbortSignal;
}

export interface Fault {
  readonly name: string;
  readonly act: (way: Way) => Promise<void> | void;
}

/** A text that stands in every broken answer: an operator may see it, a buyer must not. */
export const INTERNAL = "facilitator-internal-8c1f";

const send = (
  { response }: Way,
  status: number,
  body: string | Buffer,
  headers: Readonly<Record<string, string>> = {},
) => {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(body);
};
const reset = ({ response }: Way) => void response.socket?.resetAndDestroy();

/** Half of a body, and then the connection ends as `end` says. */
async function half(way: Way, end: () => void): Promise<void> {
  const { body } = await way.forward();
  const { response } = way;
  response.writeHead(200, {
    "content-type": "application/json",
    "content-length": `${Buffer.byteLength(body)}`,
  });
  response.write(body.slice(0, body.length >> 1), end);
}

const fault = (name: string, act: Fault["act"]): Fault => ({ name, act });

/** The facilitator was not asked, or its answer does not matter. */
export const OUTAGES = {
  reset: fault("reset-before-forward", reset),
  unavailable: fault("5xx", (way) => send(way, 503, JSON.stringify({ error: INTERNAL }))),
  garbage: fault("garbage-json", (way) => send(way, 200, `<html>${INTERNAL}</html>`)),
  nothing: fault("empty-body", (way) => send(way, 200, "")),
  oversize: fault("oversize", (way) =>
    send(way, 200, Buffer.alloc(10 * 1024 * 1024, `"${INTERNAL}" `)),
  ),
  redirect: fault("redirect", (way) =>
    send(way, 308, INTERNAL, { location: "http://127.0.0.1:9/elsewhere" }),
  ),
  missing: fault("not-found", (way) => send(way, 404, `Cannot find it: ${INTERNAL}`)),
  hang: fault("hang", () => undefined),
  drip: fault("slow-drip", async (way) => {
    way.response.writeHead(200, { "content-type": "application/json" });
    for (const letter of `{"isValid":true,"${INTERNAL.repeat(40)}":1}`) {
      if (way.response.destroyed) return;
      way.response.write(letter);
      await setTimeout(500, undefined, { signal: way.signal }).catch(() => undefined);
    }
  }),
} as const;

/** The facilitator did what it was asked, and the endpoint does not hear of it. */
export const LOST_ANSWERS = {
  dropped: fault("drop-response-after-forward", async (way) => {
    await way.forward();
    reset(way);
  }),
  error: fault("5xx-after-commit", async (way) => {
    await way.forward();
    send(way, 500, JSON.stringify({ error: INTERNAL }));
  }),
  cut: fault("reset-mid-body", (way) => half(way, () => reset(way))),
  truncated: fault("truncated-json", async (way) => {
    const { body } = await way.forward();
    send(way, 200, body.slice(0, body.length >> 1));
  }),
  garbage: fault("garbage-after-commit", async (way) => {
    await way.forward();
    send(way, 200, `<html>${INTERNAL}</html>`);
  }),
  silence: fault("hang-after-forward", async (way) => void (await way.forward())),
} as const;

/** Those of them that do not keep anybody waiting. */
export const LOUD_LOSSES: readonly Fault[] = [
  LOST_ANSWERS.dropped,
  LOST_ANSWERS.error,
  LOST_ANSWERS.cut,
  LOST_ANSWERS.truncated,
  LOST_ANSWERS.garbage,
];

/** Nothing is lost by these: an honest link may do it too. */
export const ROUGH = {
  twice: fault("dup-request", async (way) => {
    const [{ status, body }] = await Promise.all([way.forward(), way.forward()]);
    send(way, status, body);
  }),
  slow: delayed(150),
} as const;

/** The honest answer, late. */
export function delayed(ms: number): Fault {
  return before("delay", ({ signal }) =>
    setTimeout(ms, undefined, { signal }).catch(() => undefined),
  );
}

/** Something happens first, and then the real facilitator is asked. */
export function before(name: string, happen: (way: Way) => Promise<unknown>): Fault {
  return fault(name, async (way) => {
    await happen(way);
    const { status, body } = await way.forward();
    send(way, status, body);
  });
}

/** The real facilitator is asked, and then something happens before the endpoint hears of it. */
export function after(name: string, happen: () => Promise<unknown>): Fault {
  return fault(name, async (way) => {
    const { status, body } = await way.forward();
    await happen();
    if (!way.response.destroyed) send(way, status, body);
  });
}

/** An answer of its own; the real facilitator is not asked. */
export function says(name: string, answer: object): Fault {
  return fault(name, (way) => send(way, 200, JSON.stringify(answer)));
}

/** The truth, with some fields and headers changed. */
export function alters(
  name: string,
  change: object,
  headers: Readonly<Record<string, string>> = {},
): Fault {
  return fault(name, async (way) => {
    const { status, body } = await way.forward();
    const truth = JSON.parse(body) as object;
    send(way, status, JSON.stringify({ ...truth, ...change }), headers);
  });
}

/** The first answer, again and again: what an idempotent facilitator does. */
export function cached(): Fault {
  let first: Promise<Truth> | undefined;
  return fault("cached", async (way) => {
    first ??= way.forward();
    const { status, body } = await first;
    send(way, status, body);
  });
}
