/** A server that asks for a cent in every protocol at once, or at `/mpp` in MPP alone, and believes whatever it is given. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { BASE_SEPOLIA_USDC, encodeJson } from "../../protocol/index.ts";

export const PAY_TO = `0x${"dd".repeat(20)}` as const;

const PAYMENT_HEADERS = ["x-payment", "payment-signature", "authorization"];

export async function openBelievingServer() {
  let url = "";
  let count = 0;
  const server = createServer((request, response) => {
    if (PAYMENT_HEADERS.some((name) => request.headers[name] !== undefined)) {
      response.setHeader("content-type", "application/json").end('{"ok":true}');
      return;
    }
    const path = request.url ?? "";
    const headers = { "content-type": "application/json" };
    if (path.startsWith("/mpp")) {
      count += 1;
      response.writeHead(402, { ...headers, "WWW-Authenticate": mppChallenge(count) }).end("{}");
      return;
    }
    const resource = url + path;
    response
      .writeHead(402, { ...headers, "PAYMENT-REQUIRED": encodeJson(v2Challenge(resource)) })
      .end(JSON.stringify(v1Challenge(resource)));
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", () => resolve());
  await promise;
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

const { network, networkName, address: asset, decimals } = BASE_SEPOLIA_USDC;
const extra = { name: "USDC", version: "2" };
const terms = { scheme: "exact", asset, payTo: PAY_TO, maxTimeoutSeconds: 60, extra };

function v2Challenge(url: string) {
  return { x402Version: 2, resource: { url }, accepts: [{ ...terms, network, amount: "10000" }] };
}

function v1Challenge(resource: string) {
  const about = { resource, description: "", mimeType: "" };
  const v1 = { ...terms, ...about, network: networkName, maxAmountRequired: "10000" };
  return { x402Version: 1, error: "", accepts: [v1] };
}

/** Each has an id of its own: the nonce of its payment comes from it. */
function mppChallenge(count: number): string {
  const request = encodeJson({
    amount: "10000",
    currency: asset,
    recipient: PAY_TO,
    methodDetails: {
      chainId: Number(network.split(":")[1]),
      credentialTypes: ["authorization"],
      decimals,
    },
  });
  const expires = new Date(Date.now() + 300_000).toISOString();
  const fields = { id: `c${count}`, realm: "127.0.0.1", method: "evm", intent: "charge" };
  const params = Object.entries({ ...fields, request: toBase64Url(request), expires });
  return `Payment ${params.map(([name, value]) => `${name}="${value}"`).join(", ")}`;
}

function toBase64Url(base64: string): string {
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
