/**
 * A seller with its facilitator in a process of its own, as somebody would run it. Each turn opens it anew on a fresh chain: anvil takes
 * twice as long for its thousandth block as for its first hundred, and then every stack would look like every other.
 */
import type { Address } from "viem";
import { openTestChain, type TestChain } from "../../test/support/chain.ts";
import { openFloorSeller } from "./floor-seller.ts";
import { openOwnSeller } from "./own-seller.ts";
import { STOCK_SELLERS } from "./stock-sellers.ts";
import { takeTurns } from "./turn-process.ts";

export interface Seller extends AsyncDisposable {
  /** The page that is sold; ours sells each under a path of its own below it. */
  readonly url: string;
  readonly payTo: Address;
}

export type OpenSeller = (chain: TestChain) => Promise<Seller>;

/** Opens for a buyer, who is given tokens; without one it closes. */
export interface SellerTurn {
  readonly buyer: Address | null;
}

/** Where a buyer finds it. */
export interface Place extends Pick<Seller, "url" | "payTo"> {
  readonly rpcUrl: string;
}

/** Atomic units, more than any turn spends. */
const FUNDS = 1_000_000_000n;

const SELLERS: Readonly<Record<string, OpenSeller>> = {
  ours: openOwnSeller,
  floor: openFloorSeller,
  ...STOCK_SELLERS,
};

const [name = ""] = process.argv.slice(2);
// A stock package prints a stack trace for each payment that fails; whoever buys counts them.
if (name in STOCK_SELLERS) console.error = () => undefined;
let opened = new AsyncDisposableStack();
await takeTurns(async ({ buyer }: SellerTurn): Promise<Place | null> => {
  await opened.disposeAsync();
  if (buyer === null) return null;
  opened = new AsyncDisposableStack();
  const chain = opened.use(await openTestChain());
  const { url, payTo } = opened.use(await SELLERS[name]!(chain));
  await chain.local.fund(buyer, { usdc: FUNDS });
  return { url, payTo, rpcUrl: chain.rpcUrl };
});
process.exit();
