/**
 * A stand-in for the orchestrator, over real HTTP and with the protocol's own shapes: it keeps projects, budgets and payments
 * in memory and signs nothing. What the real one refuses is tested with the real one.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import express, { type Response } from "express";
import {
  formatDecimal,
  parseDecimal,
  PurchaseOrder,
  type PurchaseRecord,
  purchaseId,
  ResourceOrder,
  Secret,
} from "../../protocol/index.ts";
import { profileOf, type Shop, SHOP_TOKEN } from "./shop-double.ts";

export const RUN_TOKEN = "canary-run-token-of-the-desk-90ab";
export const PAYMENT = "canary-payment-bytes-of-the-wallet-33ee";

export interface DeskOptions {
  shops: Shop[];
  budget?: string;
  cap?: string;
  declines?: "TERMS_DECLINED" | "CONSENT_REQUIRED" | "CONSENT_DECLINED";
  answer?: string;
  /** The state that a report of a paid call ends in. */
  settles?: PurchaseRecord["state"][];
}

export interface Desk {
  url: string;
  token: Secret;
  calls: string[];
  purchases: Map<string, PurchaseRecord & { inputs: Record<string, string> }>;
  resources: {
    id: string;
    service: string;
    status: "complete";
    configuration: Record<string, string>;
    access: Record<string, string>;
  }[];
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function openDesk({
  shops,
  budget = "25.00",
  cap = "100.00",
  declines,
  answer = "",
  settles = [],
}: DeskOptions): Promise<Desk> {
  const app = express();
  const calls: string[] = [];
  const connected = new Set<string>();
  const states = [...settles];
  const purchases: Desk["purchases"] = new Map();
  const resources: Desk["resources"] = [];
  const spent = () =>
    [...purchases.values()].reduce(
      (sum, { amount, state }) => (state === "released" ? sum : sum + parseDecimal(amount, 6)),
      0n,
    );
  const left = (limit: string) => formatDecimal(parseDecimal(limit, 6) - spent(), 6);
  const refuse = (response: Response, status: number, code: string) =>
    response
      .status(status)
      .json({ ok: false, error: { code, problem: `${code} it is.`, nextStep: "Stop." } });
  const connect = (provider: string, response: Response): boolean => {
    if (declines !== undefined) refuse(response, 403, declines);
    else connected.add(provider);
    return declines === undefined;
  };

  app.use(express.json(), (request, response, next) => {
    calls.push(`${request.method} ${request.path}`);
    if (request.get("authorization") === `Bearer ${RUN_TOKEN}`) next();
    else refuse(response, 401, "TOKEN_UNKNOWN");
  });
  app.get("/v1/catalog", (_request, response) => {
    const providers = shops.map((shop) => ({
      profile: profileOf(shop),
      baseUrl: shop.url,
      services: shop.entries,
    }));
    response.json({
      ok: true,
      command: "catalog",
      version: "0.1",
      data: { providers, last_updated: "2026-05-01T00:00:00Z" },
      warnings: [],
    });
  });
  const own = { id: "prj_1", name: "nimbus", created_at: "2026-05-01T00:00:00Z" };
  app.get("/v1/projects", (_request, response) => {
    response.json({ projects: [own] });
  });
  app.get("/v1/projects/prj_1", (_request, response) => {
    response.json({
      ...own,
      user: { email: "ada@example.com" },
      budget: { total: budget, available: left(budget) },
      payment_method: {
        type: "token-wallet",
        address: "0x00000000000000000000000000000000000000b2",
      },
      connections: [...connected].map((provider) => connectionOf(provider)),
      resources,
      purchases: [...purchases.values()].map(({ service, inputs, state, amount }) => ({
        service,
        inputs,
        state,
        amount,
      })),
      spend: shops.map(({ id }) => ({
        provider: id,
        cap,
        spent: formatDecimal(spent(), 6),
        reserved: "0.00",
      })),
    });
  });
  app.post("/v1/projects/prj_1/connections", (request, response) => {
    const { provider } = request.body as { provider: string };
    if (connect(provider, response)) response.json(connectionOf(provider));
  });
  app.get("/v1/credentials/:handle", (_request, response) => {
    response.json({ token_type: "bearer", access_token: SHOP_TOKEN, account_id: "acct-9" });
  });
  app.post("/v1/projects/prj_1/resources", (request, response) => {
    const { service, configuration } = ResourceOrder.parse(request.body);
    if (!connect(service.split("/")[0] ?? "", response)) return;
    const known = resources.find((resource) => resource.service === service);
    const made = known ?? {
      id: `res_${resources.length + 1}`,
      service,
      status: "complete" as const,
      configuration,
      access: { LOCKER_ID: "locker-1" },
    };
    if (!known) resources.push(made);
    response.json(made);
  });
  app.post("/v1/questions", (_request, response) => {
    response.json({ answer });
  });
  app.post("/v1/purchases", (request, response) => {
    const { service, operation, inputs, offer } = PurchaseOrder.parse(request.body);
    if ("mpp" in offer) throw new Error("this desk sells by x402 alone");
    const amount = formatDecimal(BigInt(offer.raw["maxAmountRequired"] as string), 6);
    if (parseDecimal(amount, 6) + spent() > parseDecimal(budget, 6)) {
      refuse(response, 403, "BUDGET_EXCEEDED");
      return;
    }
    const id = purchaseId({ project: "prj_1", service, operation, inputs });
    const record = purchases.get(id) ?? {
      id,
      provider: service.split("/")[0] ?? "",
      service,
      state: "sent",
      amount,
      asset: "USDC",
      network: "eip155:84532",
      payTo: offer.raw["payTo"] as string,
      payment: { name: "X-PAYMENT", value: `${PAYMENT}-${purchases.size + 1}` },
      inputs,
    };
    purchases.set(id, record);
    response.json(record);
  });
  app.get("/v1/purchases/:id", (request, response) => {
    const record = purchases.get(request.params["id"] ?? "");
    if (record) response.json(record);
    else refuse(response, 404, "PURCHASE_UNKNOWN");
  });
  app.post("/v1/purchases/:id/outcome", (request, response) => {
    const record = purchases.get(request.params["id"] ?? "");
    if (!record) {
      refuse(response, 404, "PURCHASE_UNKNOWN");
      return;
    }
    record.state = states.shift() ?? "settled";
    record.transaction = `0x${"ab".repeat(32)}`;
    response.json(record);
  });

  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token: new Secret(RUN_TOKEN),
    calls,
    purchases,
    resources,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function connectionOf(provider: string) {
  const of = { status: "active" as const, connected_at: "2026-05-01T00:00:00Z" };
  return { provider, account_id: "acct-9", credential: `cred:${provider}`, ...of };
}
