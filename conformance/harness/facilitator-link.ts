/**
 * The facilitator that the endpoint under test is pointed at: it passes every question on to a real one, except where a fault is
 * laid for that payment. Faults are laid by the authorization's nonce, so that payments in flight do not meet one another's.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type JsonObject, isObject, parse } from "../read/json.ts";
import type { Fault, Truth, Way } from "./faults.ts";
import { closing, listen } from "./listen.ts";
import type { Timeline } from "./timeline.ts";

type Call = "verify" | "settle" | "supported";
/** A list is used up, one at each call; a single one stays. */
export type Laid = Partial<Record<Call, Fault | Fault[]>>;

export interface FacilitatorLink extends AsyncDisposable {
  readonly url: string;
  /** What happens to the questions about this payment. */
  lay(nonce: string, faults: Laid): void;
  /** From now on it is answered honestly. */
  clear(nonce: string): void;
  /** What happens to every question that has no fault of its own. */
  everywhere: Laid;
}

export interface FacilitatorLinkOptions {
  /** The real one's URL. */
  readonly upstream: string;
  readonly port: number;
  readonly timeline: Timeline;
}

const MAX_QUESTION = 256 * 1024;

export async function openFacilitatorLink(
  options: FacilitatorLinkOptions,
): Promise<FacilitatorLink> {
  const { upstream, port, timeline } = options;
  const laid = new Map<string, Laid>();
  const over = new AbortController();
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const question = await readBody(request);
    const path = (request.url ?? "/").split("?")[0] ?? "/";
    const forward = () => ask(upstream + path, request.method ?? "GET", question);
    const call = callOf(path);
    if (!call) return pass(response, await forward());
    const nonce = nonceOf(question);
    const faults = (nonce === undefined ? undefined : laid.get(nonce)) ?? link.everywhere;
    const chosen = take(faults, call);
    timeline.add({ what: call, nonce, fault: chosen?.name });
    const way: Way = { response, forward, signal: over.signal };
    if (chosen) await chosen.act(way);
    else pass(response, await forward());
  };
  const server = createServer((request, response) => {
    response.on("error", () => undefined);
    answer(request, response).catch(() => response.socket?.destroy());
  });
  const link: FacilitatorLink = {
    url: await listen(server, port, "--facilitator-port"),
    everywhere: {},
    lay: (nonce, faults) => void laid.set(nonce.toLowerCase(), faults),
    clear: (nonce) => void laid.set(nonce.toLowerCase(), {}),
    async [Symbol.asyncDispose]() {
      over.abort();
      await closing(server);
    },
  };
  return link;
}

function callOf(path: string): Call | undefined {
  return (["verify", "settle", "supported"] as const).find((call) => path.endsWith(`/${call}`));
}

function take(faults: Laid, call: Call): Fault | undefined {
  const chosen = faults[call];
  return Array.isArray(chosen) ? chosen.shift() : chosen;
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MAX_QUESTION) chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

async function ask(url: string, method: string, body: string): Promise<Truth> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, method === "GET" ? {} : { method, headers, body });
  return { status: response.status, body: await response.text() };
}

function pass(response: ServerResponse, { status, body }: Truth): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(body);
}

/** As it stands in the specification's envelope, wherever a client of a facilitator puts it. */
function nonceOf(question: string): string | undefined {
  const asked = parse(question);
  const { payload } = objectAt(asked, "paymentPayload");
  const { nonce } = objectAt(payload, "authorization");
  return typeof nonce === "string" ? nonce.toLowerCase() : undefined;
}

function objectAt(value: unknown, name: string): JsonObject {
  const inner = isObject(value) ? value[name] : undefined;
  return isObject(inner) ? inner : {};
}
