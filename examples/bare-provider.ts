/**
 * A provider without the kit, so that the wire is in plain sight: Express, jose and the stock x402 middleware. It sells names at
 * one price. It shows what must be served and checked, and forgets everything when it ends; what a real one needs besides
 * (sales that survive a crash, a cap that holds among parallel sales) is what the kit has.
 * Run it against a world that is up (docs/providers.md): `node examples/bare-provider.ts world.json [port]`.
 */
import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { HTTPFacilitatorClient } from "@x402/core/server";
import { ExactEvmScheme } from "@x402/evm/exact/server";
import { paymentMiddlewareFromConfig } from "@x402/express";
import express, { type RequestHandler } from "express";
import { createRemoteJWKSet, jwtVerify } from "jose";

const ID = "plain";
/** Millionths of a dollar, which are also the units of the token. */
const PRICE = 7_000_000n;
const PAY_TO = "0x91a1400000000000000000000000000000000001";
const TERMS = "1";

// What `purser up --json` printed.
const [file = "world.json", port = "4200"] = process.argv.slice(2);
const { issuer, jwksUrl, facilitatorUrl, caip2, asset } = JSON.parse(readFileSync(file, "utf8"));
if (!(issuer && jwksUrl && facilitatorUrl && caip2 && asset)) {
  console.error(`${file} is not what \`purser up --json\` prints of a world that is up.`);
  process.exit(2);
}
const keys = createRemoteJWKSet(new URL(jwksUrl));
const sha256 = (text: string) => createHash("sha256").update(text).digest("base64url");

interface Account {
  id: string;
  cap: bigint;
  spent: bigint;
}
const accounts = new Map<string, Account>();
const codes = new Map<string, { account: Account; challenge: string }>();
const tokens = new Map<string, Account>();
const owners = new Map<string, Account>();
const seen = new Set<unknown>();
const app = express();

// 1. The catalog: who we are, whom to pay, what there is, and the calls that sell it.
app.get("/provisioning/services", (_, response) => {
  response.json({
    provider: {
      id: ID,
      name: "Plain Names",
      tos_url: `${url}/terms`,
      tos_version: TERMS,
      issuer: url,
      payment: { pay_to: [PAY_TO], assets: [{ network: caip2, address: asset.address }] },
    },
    data: [
      {
        id: "domain",
        description: "Any name, at one price.",
        configuration_schema: { properties: { domain: { type: "string" } }, required: ["domain"] },
        pricing: {
          type: "paid",
          paid: [
            {
              type: "freeform",
              freeform: "$7.00 a year",
              amount: "7.00",
              currency: "usd",
              interval: "year",
            },
          ],
        },
        requires_payment_method: true,
        capabilities: { gives: ["domain"], needs: [] },
        operations: {
          check: { method: "GET", path: "/names/{domain}", returns: { available: "/available" } },
          create: { method: "PUT", path: "/names/{domain}", paid: true },
        },
      },
    ],
    next_cursor: null,
  });
});

app.get("/provisioning/health", (_, response) => {
  response.json({ status: "ok", supported_versions: ["0.1d"] });
});

// 2. The account: asked for by the orchestrator, which signs the request and attests the user.
app.post("/provisioning/account_requests", express.text({ type: "*/*" }), async (req, res) => {
  const refuse = (status: number, code: string, more = {}) =>
    void res.status(status).json({ type: "error", error: { code, message: code, ...more } });
  // Who asks in another version, or unsigned, hears so in the same way at every endpoint: without a type.
  const turnAway = (status: number, code: string) =>
    void res.status(status).json({ error: { code, message: code } });
  if (req.get("api-version") !== "0.1d") return turnAway(400, "invalid_api_version");
  const body = String(req.body);
  const signature = req.get("stripe-signature-v2") ?? "";
  const signed = await jwtVerify(signature, keys, { issuer, maxTokenAge: 60, clockTolerance: 5 })
    .then(({ payload: { htm, htu, digest, jti } }) => {
      const same = htm === req.method && htu === url + req.originalUrl && digest === sha256(body);
      return same && !seen.has(jti) && seen.add(jti);
    })
    .catch(() => false);
  if (!signed) return turnAway(401, "invalid_signature");
  const request = JSON.parse(body);
  if (Date.parse(request.expires_at) < Date.now()) return refuse(400, "account_request_expired");
  if (!request.kyc.verified_fields.includes("email")) return refuse(403, "email_not_verified");
  if (request.terms?.version !== TERMS) {
    const terms = { tos_url: `${url}/terms`, tos_version: TERMS };
    return refuse(403, "tos_acceptance_required", terms);
  }
  // The mandate: how much we may charge this project in a month.
  const options = { issuer, audience: ID, typ: "purser-mandate+jwt" };
  const mandate = await jwtVerify(request.mandate, keys, options).catch(() => undefined);
  if (!mandate) return refuse(403, "mandate_invalid");
  const { sub, max_amount_per_month: cap } = mandate.payload;
  const id = `${request.orchestrator.account}-${sub}`;
  const account = accounts.get(id) ?? { id: randomUUID(), cap: 0n, spent: 0n };
  accounts.set(id, account);
  const [whole, fraction = ""] = String(cap).split(".");
  account.cap = BigInt(whole + fraction.padEnd(6, "0"));
  const code = randomUUID();
  codes.set(code, { account, challenge: request.code_challenge });
  return void res.json({ type: "oauth", oauth: { code } });
});

// 3. The token: the code, with the PKCE verifier that only the orchestrator has. No metadata is served, so it is asked for here.
app.post("/oauth/token", express.urlencoded(), (request, response) => {
  const { code, code_verifier: verifier, client_id: client } = request.body;
  const granted = codes.get(code);
  codes.delete(code);
  if (!granted || client !== issuer || sha256(String(verifier)) !== granted.challenge) {
    response.status(400).json({ error: "invalid_grant" });
    return;
  }
  const token = randomUUID();
  tokens.set(token, granted.account);
  const account = { id: granted.account.id, payment_credentials: "orchestrator" };
  response.json({ token_type: "Bearer", access_token: token, expires_in: 86_400, account });
});

// 4. Our own API, behind the token. What cannot be sold is refused before any price is asked.
const authenticate: RequestHandler<{ domain: string }> = (request, response, next) => {
  const account = tokens.get(request.get("authorization")?.replace(/^Bearer /, "") ?? "");
  response.locals["account"] = account;
  if (account) next();
  else response.status(401).json({ error: { code: "unauthorized", message: "no token" } });
};
const sellable: RequestHandler<{ domain: string }> = (request, response, next) => {
  const { account } = response.locals as { account: Account };
  const refuse = (status: number, code: string) =>
    void response.status(status).json({ error: { code, message: code } });
  const { domain } = request.params;
  const owner = owners.get(domain);
  if (owner === account) response.json({ domain });
  else if (owner) refuse(409, "unavailable");
  else if (account.spent + PRICE > account.cap) refuse(403, "spend_limit_exceeded");
  else next();
};
app.get("/names/:domain", authenticate, (request, response) => {
  response.json({ available: !owners.has(request.params.domain) });
});
const price = {
  amount: String(PRICE),
  asset: asset.address,
  extra: { name: asset.name, version: asset.version },
};
// The money first, then the work.
const extra = { paymentFlow: "upfront" };
const accepts = { scheme: "exact", network: caip2, payTo: PAY_TO, price, extra };
const paywall = paymentMiddlewareFromConfig(
  { "PUT /names/*": { accepts } },
  new HTTPFacilitatorClient({ url: facilitatorUrl }),
  [{ network: caip2, server: new ExactEvmScheme() }],
);
app.put("/names/:domain", authenticate, sellable, paywall, ({ params }, response) => {
  const { account } = response.locals as { account: Account };
  const { domain } = params;
  owners.set(domain, account);
  account.spent += PRICE;
  response.status(201).json({ domain });
});

// Always the same port: an orchestrator knows a provider by its URL.
const server = app.listen(Number(port), "127.0.0.1");
await once(server, "listening");
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
console.log(url);
