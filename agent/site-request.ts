/**
 * One request to a site that the agent deployed. The URL came from a provider's answer, so it is not trusted to lead anywhere:
 * it may not reach this machine's own network unless the provider is there too, and the address that was checked is the
 * address that is connected to. No credentials, no redirects, bounded in time and size.
 */
import { request as httpRequest, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP } from "node:net";
import { AgentError } from "./agent-error.ts";
import { addressOf } from "./site-address.ts";

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

function looksLikeJson(text: string): boolean {
  return /^\s*[[{"]/.test(text);
}
