/** What the lives pay: a chain, a facilitator that really settles, three sellers, and one shared wallet. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { temporaryFolder } from "../../support/temporary.ts";
import { type Market, openMarket, openShop } from "../shop.ts";
import { stockShopMppx, stockShopV2 } from "../stock-shops.ts";
import type { Book, Seller } from "./payer.ts";

export interface KillWorld extends AsyncDisposable {
  readonly market: Market;
  readonly key: `0x${string}`;
  readonly payer: `0x${string}`;
  readonly book: Book;
  /** Gone with the world. */
  readonly folder: string;
  readonly sellers: Readonly<Record<string, Seller>>;
  /** Every time that our paywall handed over an item. */
  readonly sold: readonly string[];
  /** What our paywall's owner calls now and then: it ends the sales that nobody asks about any more. */
  recoverSeller(): Promise<void>;
}

export const FUNDS = 1_000_000_000n;

/** `postgres` is the URL of a database; without it the book is a SQLite file. */
export async function openKillWorld(postgres?: string): Promise<KillWorld> {
  const folder = temporaryFolder();
  const market = await openMarket();
  const facilitatorUrl = market.facilitator.url;
  const key = generatePrivateKey();
  const payer = privateKeyToAccount(key).address;
  await market.chain.local.fund(payer, { usdc: FUNDS });
  const own = await openShop({ facilitatorUrl });
  const stock = await stockShopV2(facilitatorUrl);
  const mppx = await stockShopMppx(facilitatorUrl);
  const schema = `purser_kill_${randomBytes(8).toString("hex")}`;
  return {
    market,
    key,
    payer,
    folder: folder.path,
    book:
      postgres === undefined
        ? { path: join(folder.path, "ledger.sqlite") }
        : { url: postgres, schema },
    sellers: {
      a: { url: own.url, payTo: own.payTo, mpp: false },
      b: { url: stock.url, payTo: stock.payTo, mpp: false },
      c: { url: mppx.url, payTo: mppx.payTo, mpp: true },
    },
    get sold() {
      return own.events.flatMap((event) => (event.startsWith("settled ") ? [event.slice(8)] : []));
    },
    async recoverSeller() {
      await own.paywall.recover();
    },
    async [Symbol.asyncDispose]() {
      for (const shop of [own, stock, mppx]) await shop[Symbol.asyncDispose]();
      await market[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
      if (postgres !== undefined) await dropSchema(postgres, schema);
    },
  };
}

async function dropSchema(url: string, schema: string): Promise<void> {
  const { default: pg } = await import("pg");
  const pool = new pg.Pool({
    connectionString: url,
    max: 1,
    options: "",
    connectionTimeoutMillis: 10_000,
    types: pg.types,
  });
  const client = await pool.connect();
  try {
    await client.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
  } finally {
    client.release();
    await pool.end();
  }
}
