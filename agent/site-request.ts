/**
 * One request to a site that the agent deployed. The URL came from a provider's answer, so it is not trusted to lead anywhere:
 * it may not reach this machine's own network unless the provider is there too, and the address that was checked is the
 * address that is connected to. No credentials, no redirects, bounded in time and size.
 */
import { lookup } from "node:dns/promises";
import { request as httpRequest, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import { BlockList, isIP } from "node:net";
import { AgentError } from "./agent-error.ts";

export interface SiteRequest {
  url: URL;
  method: string;
  body?: string | undefined;
  /** True where the provider itself is on this machine: a local world. */
  allowLoopback: boolean;
  signal: AbortSignal;
}

export interface SiteAnswer {
  status: number;
  contentType: string;
  body: string;
}

const MAX_BODY_BYTES = 1024 * 1024;
const TIMEOUT_MS = 10_000;

export async function requestSite({
  url,
  method,
  body,
  allowLoopback,
  signal,
}: SiteRequest): Promise<SiteAnswer> {
  const address = await addressOf(url, allowLoopback);
  const options: RequestOptions = {
    method,
    headers: {
      host: url.host,
      "user-agent": "purser",
      ...(body === undefined
        ? {}
        : {
            "content-type": looksLikeJson(body) ? "application/json" : "text/plain; charset=utf-8",
            "content-length": Buffer.byteLength(body),
          }),
    },
    // The name was resolved and checked above; connecting resolves nothing again.
    lookup: (_hostname, { all }, callback) => {
      if (all) callback(null, [{ address, family: isIP(address) }]);
      else callback(null, address, isIP(address));
    },
    agent: false,
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  };
  const { promise, resolve, reject } = Promise.withResolvers<SiteAnswer>();
  const send = url.protocol === "https:" ? httpsRequest : httpRequest;
  const request = send(url, options, (response) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const finish = () =>
      resolve({
        status: response.statusCode ?? 0,
        contentType: response.headers["content-type"] ?? "",
        body: Buffer.concat(chunks).subarray(0, MAX_BODY_BYTES).toString("utf8"),
      });
    response.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      // More is not needed to judge a page; what was read is the answer.
      if (length >= MAX_BODY_BYTES) {
        finish();
        response.destroy();
      }
    });
    response.on("end", finish);
    response.on("error", reject);
  });
  request.on("error", reject);
  request.end(body);
  return promise.catch((cause: unknown) => {
    signal.throwIfAborted();
    throw new AgentError("SITE_UNREACHABLE", {
      problem: `${url.href} did not answer.`,
      nextStep: "Verify once more; if it stays so, deploy again.",
      cause,
    });
  });
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

/** Not the public internet: RFC 6890 and its successors, with the IPv6 forms that wrap an IPv4 address. */
const PRIVATE = new BlockList();
for (const [net, bits] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
] as const) {
  PRIVATE.addSubnet(net, bits, "ipv4");
}
for (const [net, bits] of [
  ["::", 96],
  ["::ffff:0:0", 96],
  ["64:ff9b::", 96],
  ["64:ff9b:1::", 48],
  ["100::", 64],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["fc00::", 7],
  ["fe80::", 10],
  ["ff00::", 8],
] as const) {
  PRIVATE.addSubnet(net, bits, "ipv6");
}

async function addressOf(url: URL, allowLoopback: boolean): Promise<string> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const found =
    isIP(host) === 0
      ? await lookup(host).catch((cause: unknown) => {
          throw new AgentError("SITE_UNREACHABLE", {
            problem: `The name ${host} does not resolve.`,
            nextStep: "Verify again later; a new name takes a while to be known.",
            cause,
          });
        })
      : { address: host, family: isIP(host) };
  const kind = found.family === 6 ? "ipv6" : "ipv4";
  const loopback = LOOPBACK.check(found.address, kind);
  if (loopback ? allowLoopback : !PRIVATE.check(found.address, kind)) return found.address;
  throw new AgentError("URL_REFUSED", {
    problem: `${host} is not an address on the internet.`,
    nextStep: "Finish and say that the provider gave an unusable URL.",
  });
}

/** Whether a base URL is on this machine. */
export function isLoopback(baseUrl: string): boolean {
  const { hostname } = new URL(baseUrl);
  const host = hostname.replace(/^\[|\]$/g, "");
  if (host === "localhost" || host.endsWith(".localhost")) return true;
  return isIP(host) !== 0 && LOOPBACK.check(host, isIP(host) === 6 ? "ipv6" : "ipv4");
}

function looksLikeJson(text: string): boolean {
  return /^\s*[[{"]/.test(text);
}
