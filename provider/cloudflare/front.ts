/**
 * The door that visitors come through. One port takes every hostname (by `Host` header, also as `<hostname>.localhost`, which
 * browsers resolve to this machine), and each hostname has a loopback port of its own, which any program can fetch. Unknown
 * hosts get a 404. A visitor's headers can never choose the Worker.
 */
import {
  Agent,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { pipeline } from "node:stream";
import { listenOnLoopback, type Loopback } from "../kit/loopback.ts";
import { WORKER_HEADER } from "./runtime/miniflare-options.ts";
import type { CellLease } from "./runtime/workers-runtime.ts";
import { runtimeName } from "./scripts.ts";
import type { Site, Sites } from "./sites.ts";
import type { Allowance } from "./allowance.ts";

export interface Front {
  /** Takes every hostname. */
  readonly port: number;
  /** Opens the hostname's own port, which is a free one unless it is told. */
  open(hostname: string, port?: number): Promise<number>;
  /** Closes the hostname's own port. */
  shut(hostname: string): Promise<void>;
  close(): Promise<void>;
}

export interface FrontOptions {
  sites: Sites;
  port: number;
  /** Where the site's Worker runs. */
  lease: (site: Site) => Promise<CellLease>;
  allowance: Allowance;
  /** How long a Worker may take to begin its answer. */
  answerTimeoutMs?: number | undefined;
}

/** Opens the shared port and the port of every site there is. */
export async function openFront(options: FrontOptions): Promise<Front> {
  const { sites, port, allowance } = options;
  const agent = new Agent({ keepAlive: true });
  const open = new Map<string, Loopback>();
  const serve = (
    hostname: string | undefined,
    request: IncomingMessage,
    response: ServerResponse,
  ) => {
    const site = hostname === undefined ? undefined : sites.find(hostname);
    if (!site || request.url?.startsWith("/cdn-cgi/")) return sendText(response, 404, NO_SITE);
    if (!allowance.take(site.accountId)) return sendText(response, 429, OVER_ALLOWANCE);
    void forward({ request, response, site, agent }, options);
  };
  const shared = await listenOnLoopback(
    (request, response) => serve(hostnameOf(request.headers), request, response),
    port,
  );
  const openSite = async (hostname: string, port?: number) => {
    const known = open.get(hostname);
    if (known) return known.port;
    const own = await listenOnLoopback(
      (request, response) => serve(hostname, request, response),
      port,
    );
    open.set(hostname, own);
    return own.port;
  };
  const close = async () => {
    agent.destroy();
    await Promise.all([shared, ...open.values()].map((server) => server.close()));
  };
  try {
    for (const { hostname, port } of sites.list()) await openSite(hostname, port);
  } catch (error) {
    await close();
    throw error;
  }
  const shut = async (hostname: string) => {
    const own = open.get(hostname);
    open.delete(hostname);
    await own?.close();
  };
  return { port: shared.port, open: openSite, shut, close };
}

const ANSWER_TIMEOUT_MS = 30_000;
const NO_SITE = "There is no site at this address.\n";
const OVER_ALLOWANCE = "This account's requests of today are used up (error 1027).\n";
const TOO_SLOW = "The Worker did not answer in time (error 1102).\n";
const UNREACHABLE = "The Worker cannot be reached right now.\n";

/** Of a connection, not of the request in it. */
const HOP_BY_HOP = new Set(["connection", "keep-alive", "proxy-connection", "te", "upgrade"]);
/** miniflare takes orders in headers with this prefix. */
const RUNTIME_PREFIX = "mf-";

/** The hostname that a request is for, without a port and without the ".localhost" that browsers need here. */
function hostnameOf({ host }: IncomingHttpHeaders): string | undefined {
  const [, name] = /^([a-z0-9.-]{1,253}?)\.?(?::\d{1,5})?$/.exec(host?.toLowerCase() ?? "") ?? [];
  return name?.replace(/\.localhost$/, "");
}

interface Visit {
  request: IncomingMessage;
  response: ServerResponse;
  site: Site;
  agent: Agent;
}

async function forward(
  { request, response, site, agent }: Visit,
  { lease, answerTimeoutMs = ANSWER_TIMEOUT_MS }: FrontOptions,
): Promise<void> {
  let held: CellLease;
  try {
    held = await lease(site);
  } catch {
    return sendText(response, 503, UNREACHABLE);
  }
  if (response.destroyed) return held[Symbol.dispose]();
  response.once("close", () => held[Symbol.dispose]());
  const upstream = httpRequest({
    host: "127.0.0.1",
    port: held.port,
    agent,
    method: request.method,
    path: request.url,
    headers: forwardedHeaders(request, site),
  });
  const timer = setTimeout(() => {
    sendText(response, 504, TOO_SLOW);
    // What fails here shows again at the next request.
    held.giveUp().catch(() => {});
  }, answerTimeoutMs);
  upstream.once("close", () => clearTimeout(timer));
  upstream.once("error", () => sendText(response, 502, UNREACHABLE));
  upstream.once("response", (answer) => {
    clearTimeout(timer);
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage, kept(answer.headers));
    pipeline(answer, response, () => {});
  });
  response.once("close", () => upstream.destroy());
  pipeline(request, upstream, () => {});
}

function forwardedHeaders(request: IncomingMessage, { accountId, script }: Site) {
  return {
    ...kept(request.headers),
    "cf-connecting-ip": request.socket.remoteAddress ?? "127.0.0.1",
    [WORKER_HEADER]: runtimeName(accountId, script),
  };
}

function kept(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const entries = Object.entries(headers).filter(
    ([name]) => !HOP_BY_HOP.has(name) && !name.startsWith(RUNTIME_PREFIX) && name !== WORKER_HEADER,
  );
  return Object.fromEntries(entries);
}

function sendText(response: ServerResponse, status: number, text: string): void {
  if (response.writableEnded) return;
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(text);
}
