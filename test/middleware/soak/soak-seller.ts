/**
 * The seller of a soak: three routes behind the paywall on one database file, whose work fails for some payments, always the same.
 * It can be opened again on the same file, while buyers are in the middle of everything.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import express, { type RequestHandler } from "express";
import type { Hex } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import {
  accountSigner,
  creditAmends,
  type Credits,
  openCredits,
  openRefunds,
  paywall,
  type PaywallFacilitator,
  refundAmends,
  REFUND_SIGNER_LIMITS,
  saleOf,
} from "../../../middleware/index.ts";
import { type Database, openDatabase } from "../../../store/index.ts";

export const SOAK_ROUTES = ["work-first", "refunding", "crediting"] as const;
export type SoakRoute = (typeof SOAK_ROUTES)[number];
export const SOAK_PRICE = 1_000n;

export interface SoakSeller {
  readonly url: string;
  readonly credits: Credits;
  readonly db: Database;
  /** Ends what is open, as far as it can be; resolves to what still is. */
  recover(): Promise<number>;
  /** Cuts every connection; work that is under way goes on, as in a process that is told to end. */
  stop(): Promise<void>;
}

export interface SoakSellerOptions {
  readonly path: string;
  readonly facilitator: PaywallFacilitator;
  readonly payTo: `0x${string}`;
  readonly refundKey: Hex;
  /** Default: any. */
  readonly port?: number;
}

/** One payment in sixteen, by its nonce: the same one fails each time. */
export const isDoomed = (nonce: string): boolean => /^0x[0-9a-f]*0$/i.test(nonce);

export async function openSoakSeller(options: SoakSellerOptions): Promise<SoakSeller> {
  const { path, facilitator, payTo, refundKey, port = 0 } = options;
  const db = openDatabase(path);
  db.exec("CREATE TABLE IF NOT EXISTS delivery (key TEXT PRIMARY KEY, payer TEXT NOT NULL) STRICT");
  const credits = openCredits({ db });
  const signer = accountSigner(privateKeyToAccount(refundKey), {
    limits: { ...REFUND_SIGNER_LIMITS, maxPerProviderMonth: 10n ** 12n, maxPerMonth: 10n ** 12n },
  });
  const facilitatorTimeoutMs = 3_000;
  const refunds = openRefunds({ db, facilitator, facilitatorTimeoutMs, signer });
  const common = { price: "0.001", payTo, db, facilitator, facilitatorTimeoutMs } as const;
  const gates = {
    "work-first": paywall({ ...common, name: "work-first", credits }),
    refunding: paywall({
      ...common,
      name: "refunding",
      flow: "settle-first",
      afterFailure: refundAmends(refunds),
    }),
    crediting: paywall({
      ...common,
      name: "crediting",
      flow: "settle-first",
      afterFailure: creditAmends(credits),
      credits,
    }),
  } satisfies Record<SoakRoute, unknown>;
  const work: RequestHandler = (request, response) => {
    const { payer, nonce } = saleOf(request);
    if (isDoomed(nonce)) {
      response.status(500).json({ error: "doomed" });
      return;
    }
    const key = `${payer}/${nonce}`.toLowerCase();
    db.run("INSERT OR IGNORE INTO delivery VALUES (?, ?)", key, payer.toLowerCase());
    response.status(201).json({ nonce });
  };
  const app = express();
  for (const [route, gate] of Object.entries(gates))
    app.post(`/${route}`, express.json(), gate, work);
  const server = createServer(app);
  const { promise: listening, resolve } = Promise.withResolvers<void>();
  server.listen(port, "127.0.0.1", resolve);
  await listening;
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    credits,
    db,
    async recover() {
      const open = [refunds.recover(), ...Object.values(gates).map((gate) => gate.recover())];
      return (await Promise.all(open)).reduce((sum, count) => sum + count, 0);
    },
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}
