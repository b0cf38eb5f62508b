/** A way to break the wallet on purpose: parts of it replaced in every process, so that a simulation can prove that it would see. */
import type { Chain } from "../../chain/index.ts";
import type { Wallet as RealWallet, WalletOptions } from "../../middleware/index.ts";
import type { Ledger } from "../../store/index.ts";
import type { LedgerStore } from "../../store/ledger-book.ts";
import type { Actor } from "./scheduler.ts";
import type { World } from "./world.ts";

export interface Mutant {
  /** A sentence: what it does wrong. */
  readonly name: string;
  readonly store?: (store: LedgerStore, world: World, actor: Actor) => LedgerStore;
  readonly ledger?: (ledger: Ledger, world: World, actor: Actor) => Ledger;
  readonly chain?: (chain: Chain, world: World, actor: Actor) => Chain;
  readonly fetch?: (fetch: typeof globalThis.fetch) => typeof globalThis.fetch;
  /** The wallet as the paying calls see it. */
  readonly wallet?: (
    wallet: MutableWallet,
    ledger: Ledger,
    world: World,
    actor: Actor,
  ) => MutableWallet;
  readonly walletOptions?: Partial<WalletOptions>;
  /** The disk tells its callers of a commit before it is synced. */
  readonly diskTellsEarly?: boolean;
}

export type MutableWallet = Pick<RealWallet, "authorize" | "find" | "report" | "spent">;

/** The wallet as it is. */
export const UNCHANGED: Mutant = { name: "the wallet as it is" };
