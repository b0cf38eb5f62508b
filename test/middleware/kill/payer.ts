/** The wallet that all lives share, as any process opens it: one book, one key, one policy. */
import { privateKeyToAccount } from "viem/accounts";
import type { Chain } from "../../../chain/index.ts";
import {
  accountSigner,
  createPayer,
  type PayerOptions,
  type PayOutcome,
  type Signer,
  Wallet,
} from "../../../middleware/index.ts";
import { guardedFetch } from "../../../middleware/fetch/guarded-fetch.ts";
import { Secret } from "../../../protocol/index.ts";
import { type Ledger, openLedger, openPostgresLedger } from "../../../store/index.ts";
import type { CrashPlan } from "./crash-points.ts";

/** A file, or a schema in the database at a URL. */
export type Book = { readonly path: string } | { readonly url: string; readonly schema: string };

export interface Seller {
  readonly url: string;
  readonly payTo: string;
  /** It is to be paid in MPP: of its answer, the other offers are dropped. */
  readonly mpp: boolean;
}

/** Everything that a life is told. */
export interface Plan {
  readonly rpcUrl: string;
  /** A test key, made for the run. */
  readonly key: `0x${string}`;
  readonly book: Book;
  /** Named a, b, c, …: the first letter of an item says who sells it. */
  readonly sellers: Readonly<Record<string, Seller>>;
  /** Over all sellers, in dollars. */
  readonly cap: string;
  readonly items: readonly string[];
  readonly crash?: CrashPlan;
}

/** What a life says of an item. */
export interface Said {
  readonly kind: PayOutcome["kind"];
  readonly code?: string;
  readonly state?: string;
}

export interface OpenPayerOptions extends Pick<Plan, "key" | "sellers" | "cap"> {
  readonly chain: Chain;
  readonly ledger: Ledger;
  readonly around?: {
    signer: (signer: Signer) => Signer;
    wallet: (wallet: Wallet) => PayerOptions["wallet"];
    fetch: typeof fetch;
  };
}

const secret = (fill: number) => new Secret(new Uint8Array(32).fill(fill));

export async function openBook(book: Book): Promise<Ledger> {
  const bytesKey = secret(1);
  if ("path" in book) return openLedger({ path: book.path, bytesKey });
  return openPostgresLedger({ url: new Secret(book.url), schema: book.schema, bytesKey });
}

export function openPayer({ key, sellers, cap, chain, ledger, around }: OpenPayerOptions) {
  const signer = accountSigner(privateKeyToAccount(key), {
    // The chain's clock is moved forward between the rounds.
    limits: { maxWindowSeconds: 10 ** 9 },
  });
  const wallet = new Wallet({
    ledger,
    signer: around?.signer(signer) ?? signer,
    chain,
    nonceSecret: secret(2),
  });
  const inner = around?.fetch ?? guardedFetch({ local: true });
  const ask = createPayer({
    wallet: around?.wallet(wallet) ?? wallet,
    policy: {
      providers: Object.entries(sellers).map(([id, { url, payTo }]) => ({
        id: `shop-${id}`,
        origins: [url],
        payees: [payTo],
        maxPerMonth: cap,
      })),
      maxPerCall: "0.01",
      maxPerMonth: cap,
      maxCallsPerMinute: 10_000,
      local: true,
    },
    scope: "kill",
    // A life says itself when it recovers, so that a crash point in it is where the plan says.
    recovery: false,
    fetch: (input, init) => hideOthers(sellers, inner, input as string, init),
    pause: () => Promise.resolve(),
    resends: 1,
    timeoutMs: 5_000,
  });
  return {
    wallet,
    pay: async (item: string): Promise<Said> => {
      const outcome = await ask(`${sellers[item.charAt(0)]!.url}/shop/items`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ item }),
      });
      const { kind } = outcome;
      if (kind === "refused") return { kind, code: outcome.error.code };
      return { kind, ...(outcome.record ? { state: outcome.record.state } : {}) };
    },
  };
}

async function hideOthers(
  sellers: Plan["sellers"],
  inner: typeof fetch,
  url: string,
  init: RequestInit | undefined,
): Promise<Response> {
  const response = await inner(url, init);
  const { origin } = new URL(url);
  if (!Object.values(sellers).some((seller) => seller.mpp && seller.url === origin))
    return response;
  const headers = new Headers(response.headers);
  headers.delete("PAYMENT-REQUIRED");
  return new Response(response.body, { status: response.status, headers });
}
