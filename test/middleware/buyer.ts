/** A buyer with a wallet, for tests: a funded key, a book, and limits; and the catalog of a shop that it may buy from. */
import type { LocalAccount } from "viem";
import {
  accountSigner,
  localWallet,
  type PayCallOptions,
  payCall,
  type Policy,
  quoteFor,
  type Signer,
  Wallet,
  type WalletOptions,
  type WalletPort,
} from "../../middleware/index.ts";
import {
  BASE_SEPOLIA_USDC,
  Catalog,
  purchaseId,
  Secret,
  type Trace,
  type TraceEvent,
} from "../../protocol/index.ts";
import { type Ledger, type LedgerScope, openLedger } from "../../store/index.ts";
import type { TestChain } from "../support/chain.ts";

export const SCOPES: LedgerScope[] = [
  { name: "run:r1", kind: "budget", max: 1_000_000n, perMonth: false },
  { name: "provider:p/shop", kind: "cap", max: 100_000n, perMonth: true },
];

export interface Buyer extends Disposable {
  readonly account: LocalAccount;
  readonly ledger: Ledger;
  readonly wallet: Wallet;
  readonly events: TraceEvent[];
}

export interface BuyerOptions extends Partial<WalletOptions> {
  usdc?: bigint;
  path?: string;
  account?: LocalAccount;
  /** The book's clock. */
  bookNow?: () => number;
}

export async function openBuyer(
  chain: TestChain,
  { usdc = 1_000_000n, path = ":memory:", account, bookNow, ...options }: BuyerOptions = {},
): Promise<Buyer> {
  const payer = account ?? (await chain.newPayer(usdc));
  const bytesKey = new Secret(new Uint8Array(32).fill(1));
  const ledger = openLedger({ path, bytesKey, ...(bookNow ? { now: bookNow } : {}) });
  const events: TraceEvent[] = [];
  const trace: Trace = { append: (event) => void events.push(event) };
  const wallet = new Wallet({
    ledger,
    signer: patientSigner(payer),
    chain: chain.chain,
    nonceSecret: new Secret(new Uint8Array(32).fill(2)),
    trace,
    ...options,
  });
  return { account: payer, ledger, wallet, events, [Symbol.dispose]: () => ledger.close() };
}

/** A signer to which no window is too long: tests move the clocks of wallet and chain, and not the signer's own. */
export function patientSigner(account: LocalAccount): Signer {
  return accountSigner(account, { limits: { maxWindowSeconds: 10 ** 9 } });
}

export interface CatalogOptions {
  url: string;
  payTo: string;
  /** Decimal text. */
  price?: string;
  path?: string;
}

/** One provider, "shop", that sells items at one price: `shop/items`, operation `create`, input `item`. */
export function catalogOf({
  url,
  payTo,
  price = "0.01",
  path = "/shop/items",
}: CatalogOptions): Catalog {
  return Catalog.parse({
    providers: [
      {
        baseUrl: url,
        profile: {
          id: "shop",
          name: "Shop",
          tos_url: "http://shop.example/terms",
          tos_version: "1",
          issuer: url,
          payment: {
            pay_to: [payTo],
            assets: [{ network: BASE_SEPOLIA_USDC.network, address: BASE_SEPOLIA_USDC.address }],
          },
        },
        services: [
          {
            id: "items",
            description: "Items",
            pricing: {
              type: "paid",
              paid: [
                {
                  type: "freeform",
                  freeform: price,
                  amount: price,
                  currency: "usd",
                  interval: "one_time",
                },
              ],
            },
            operations: { create: { method: "POST", path, body: { item: "{item}" }, paid: true } },
          },
        ],
      },
    ],
  });
}

export interface BuyOptions extends Partial<PayCallOptions> {
  buyer: Buyer;
  catalog: Catalog;
  item?: string;
  policy?: Policy;
  port?: WalletPort;
  headers?: Record<string, string>;
}

/** Buys an item through `payCall`, without pauses. */
export async function buy({ buyer, catalog, item = "a", port, headers, ...options }: BuyOptions) {
  const order = { service: "shop/items", operation: "create", inputs: { item } };
  const quote = quoteFor({ catalog, ...order });
  const wallet =
    port ?? localWallet({ wallet: buyer.wallet, catalog, project: "p", scopesFor: () => SCOPES });
  return payCall({
    request: { ...quote.request, headers: { "content-type": "application/json", ...headers } },
    quote,
    purchase: { id: idOf(item), ...order },
    wallet,
    pause: () => Promise.resolve(),
    ...options,
  });
}

export const idOf = (item: string) =>
  purchaseId({ project: "p", service: "shop/items", operation: "create", inputs: { item } });

/** What the shop's limits have counted. */
export const spentBy = ({ ledger }: Buyer) => ledger.spent(SCOPES[1]!);
