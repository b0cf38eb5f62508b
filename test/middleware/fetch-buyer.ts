/** A buyer without a catalog, for tests: a wallet, a policy that allows one shop, and a payer that does not wait. */
import {
  createPayer,
  createPayingFetch,
  type Pay,
  type PayerOptions,
  type PayingFetch,
  type SpendingPolicy,
} from "../../middleware/index.ts";
import type { TestChain } from "../support/chain.ts";
import { type Buyer, openBuyer } from "./buyer.ts";

export interface FetchBuyer extends Buyer {
  readonly pay: Pay;
  readonly fetch: PayingFetch;
}

export interface FetchBuyerOptions extends Partial<Omit<PayerOptions, "policy">> {
  shop: { readonly url: string; readonly payTo: string };
  policy?: Partial<SpendingPolicy>;
  buyer?: Buyer;
}

export const policyFor = (
  { url, payTo }: FetchBuyerOptions["shop"],
  changes: Partial<SpendingPolicy> = {},
): SpendingPolicy => ({
  providers: [{ id: "shop", origins: [url], payees: [payTo] }],
  maxPerCall: "0.01",
  local: true,
  ...changes,
});

export async function openFetchBuyer(
  chain: TestChain,
  { shop, policy, buyer, ...options }: FetchBuyerOptions,
): Promise<FetchBuyer> {
  const opened = buyer ?? (await openBuyer(chain));
  const payer: PayerOptions = {
    wallet: opened.wallet,
    policy: policyFor(shop, policy),
    scope: "p",
    pause: () => Promise.resolve(),
    ...options,
  };
  // Both doors are of one scope and book, and one of them recovers for both.
  const door = createPayingFetch({ ...payer, recovery: false });
  return { ...opened, pay: createPayer(payer), fetch: door };
}
