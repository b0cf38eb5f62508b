/** A user's order of a paid resource at an orchestrator whose folder, port and wallet another process may have had before. */
import { join } from "node:path";
import type { Hex } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { openChain } from "../../chain/index.ts";
import { accountSigner, Wallet } from "../../middleware/index.ts";
import { startOrchestrator } from "../../orchestrator/index.ts";
import { BASE_SEPOLIA_USDC, Secret } from "../../protocol/index.ts";
import { openLedger } from "../../store/index.ts";
import { ISSUER } from "./provider-double.ts";
import { type Caller, openSession } from "./session-caller.ts";

export interface OrderingOptions {
  dir: string;
  port: number;
  rpcUrl: string;
  providerUrl: string;
  payerKey: Hex;
  userId: string;
}

export interface Ordering extends AsyncDisposable {
  caller: Caller;
  /** `/v1/projects/…` of the user's one project. */
  path: string;
  /** Asks for the price, and orders at it, as a program does that begins anew. */
  order(service?: string): Promise<Record<string, unknown>>;
  /** What a person does with the resource, or, for what is due, the orchestrator by itself. */
  change(id: string, how: Change): Promise<void>;
}

export type Change = "update" | "rotate" | "remove" | "renew" | "link" | "unlink";

export async function openOrdering({
  fetch: send,
  ...options
}: OrderingOptions & { fetch?: typeof fetch }): Promise<Ordering> {
  const { dir, port, rpcUrl, providerUrl, payerKey, userId } = options;
  const ledger = openLedger({
    path: join(dir, "ledger.db"),
    bytesKey: new Secret(new Uint8Array(32)),
  });
  const wallet = new Wallet({
    ledger,
    signer: accountSigner(privateKeyToAccount(payerKey)),
    chain: await openChain({ rpcUrl, asset: BASE_SEPOLIA_USDC }),
    nonceSecret: new Secret(new Uint8Array(32).fill(7)),
  });
  const server = await startOrchestrator({
    dir: join(dir, "orchestrator"),
    issuer: ISSUER,
    port,
    wallet,
    ledger,
    ...(send ? { fetch: send } : {}),
  });
  server.orchestrator.addProvider(providerUrl);
  const user = { id: userId, email: `${userId}@example.com`, name: userId, emailVerified: true };
  const caller = openSession({ server, clock: { now: Date.now() } }, { user });
  const project = await caller.post("/v1/projects", { name: "garden", idempotency_key: "garden" });
  const path = `/v1/projects/${String(project.body["id"])}`;
  /** Agrees to the price where there is one. */
  const call = async (at: string, order: object) => {
    const asked = await caller.post(at, order);
    const error = asked.body["error"] as { details?: Record<string, string> } | undefined;
    const quote = error?.details?.["quote_id"];
    if (quote === undefined) return asked.body;
    return (await caller.post(at, { ...order, quote })).body;
  };
  const key = { idempotency_key: "change" };
  return {
    caller,
    path,
    order: (service = "pot:large") =>
      call(`${path}/resources`, {
        service: `greenhouse/${service}`,
        idempotency_key: "pot",
        accept_terms: "2026-04-30",
      }),
    change: async (id, how) => {
      const at = `${path}/resources/${id}`;
      if (how === "renew") await server.orchestrator.renewDue();
      if (how === "update") await call(`${at}/update`, { ...key, service: "greenhouse/pot:large" });
      if (how === "rotate") await call(`${at}/rotate`, key);
      if (how === "link") {
        const grafted = { service: "greenhouse/grafted", idempotency_key: "link" };
        await caller.post(`${path}/resources/link`, { ...grafted, information: { kind: "fig" } });
      }
      if (how === "unlink") await caller.delete(`${path}/connections/greenhouse`);
      if (how === "remove") await call(`${at}/remove`, { confirm: ["destructive"] });
    },
    [Symbol.asyncDispose]: async () => {
      await server.close();
      ledger.close();
    },
  };
}
