/**
 * A small endpoint that asks for a payment exactly as each protocol's specification has it, and the same endpoint with one named
 * fault. It never sells: that is for the paywalls in the tests of the higher rings.
 */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { BASE_SEPOLIA_USDC, encodeJson } from "../../protocol/index.ts";
import type { Profile } from "../../conformance/index.ts";

export interface Answer {
  status: number;
  headers: Record<string, string | string[]>;
  body: string;
}

interface Asked {
  method: string;
  /** As written in the request. */
  path: string;
  request: IncomingMessage;
  /** How many requests came before it. */
  count: number;
}

/** Makes the right answer wrong. */
export type Fault = (answer: Answer, asked: Asked) => Answer | undefined;

const { address, network, networkName, eip712, chainId, decimals } = BASE_SEPOLIA_USDC;
export const PAY_TO = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C";
export const MARKER = "the paid answer";

type Json = Record<string, unknown>;

const V2_ENTRY = {
  scheme: "exact",
  network,
  amount: "10000",
  asset: address,
  payTo: PAY_TO,
  maxTimeoutSeconds: 60,
  extra: { ...eip712 },
};

function v2Challenge(url: string): Json {
  return {
    x402Version: 2,
    error: "PAYMENT-SIGNATURE header is required",
    resource: { url, description: "One forecast", mimeType: "application/json" },
    accepts: [V2_ENTRY],
  };
}

export function v1Challenge(url: string): Json {
  const { amount, ...entry } = V2_ENTRY;
  const texts = { resource: url, description: "One forecast", mimeType: "application/json" };
  const accepts = [{ ...entry, network: networkName, maxAmountRequired: amount, ...texts }];
  return { x402Version: 1, error: "X-PAYMENT header is required", accepts };
}

const MPP_REQUEST = {
  amount: "10000",
  currency: address,
  methodDetails: { chainId, credentialTypes: ["authorization"], decimals },
  recipient: PAY_TO,
};

const MPP_ID = "x7Tg2pLqR9mKvNwY3hBcZa";

export function mppHeader(request: unknown = MPP_REQUEST, params: Record<string, string> = {}) {
  const fields = {
    id: MPP_ID,
    realm: "127.0.0.1",
    method: "evm",
    intent: "charge",
    expires: new Date(Date.now() + 300_000).toISOString(),
    request: Buffer.from(JSON.stringify(request)).toString("base64url"),
    ...params,
  };
  const list = Object.entries(fields).map(([name, value]) => `${name}="${value}"`);
  return `Payment ${list.join(", ")}`;
}

/** A right answer to the credentials of a request, which it never takes. */
function mppAnswer({ headersDistinct }: IncomingMessage): Answer {
  const given = headersDistinct["authorization"] ?? [];
  const problem = (type: string) =>
    JSON.stringify({ type: `https://paymentauth.org/problems/${type}` });
  const refusal = (type: string) => asking({ "WWW-Authenticate": mppHeader() }, problem(type));
  const [credential] = given;
  if (credential === undefined) return refusal("payment-required");
  if (given.length > 1) return { ...refusal("bad-request"), status: 400 };
  const text = Buffer.from(credential.replace(/^Payment /, ""), "base64url").toString();
  if (!text.startsWith("{")) return refusal("malformed-credential");
  return refusal(text.includes(`"id":"${MPP_ID}"`) ? "verification-failed" : "invalid-challenge");
}

const CHALLENGES: Readonly<Record<Profile, (url: string, asked: IncomingMessage) => Answer>> = {
  "x402-v2": (url) => asking({ "PAYMENT-REQUIRED": encodeJson(v2Challenge(url)) }, "{}"),
  "x402-v1": (url) => asking({}, JSON.stringify(v1Challenge(url))),
  mpp: (_, asked) => mppAnswer(asked),
};

function asking(headers: Record<string, string>, body: string): Answer {
  const common = { "Content-Type": "application/json", "Cache-Control": "no-store" };
  return { status: 402, headers: { ...common, ...headers }, body };
}

export interface Endpoint extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
}

/** Opens it on a loopback port; the paid path is `/paid`. */
export async function openEndpoint(
  profile: Profile,
  fault: Fault = () => undefined,
): Promise<Endpoint> {
  let count = 0;
  const server = createServer((request, response) => {
    const { method = "", url: path = "" } = request;
    const right = rightAnswer(profile, method, path, request);
    const asked = { method, path, request, count: count++ };
    const { status, headers, body } = fault(structuredClone(right), asked) ?? right;
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    request.resume();
    response.statusCode = status;
    response.end(method === "HEAD" ? undefined : body);
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/paid`,
    port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      await promise;
    },
  };
}

function rightAnswer(
  profile: Profile,
  method: string,
  path: string,
  request: IncomingMessage,
): Answer {
  if (path.split("?")[0] !== "/paid") return { status: 404, headers: {}, body: "not here" };
  if (method === "OPTIONS") return { status: 204, headers: {}, body: "" };
  return CHALLENGES[profile](`http://${request.headers.host ?? ""}/paid`, request);
}
