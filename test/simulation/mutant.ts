/** A way to break the wallet on purpose: parts of it replaced in every process, so that a simulation can prove that it would see. */
import type { Chain } from "../../chain/index.ts";
import type { PayerOptions, WalletOptions } from "../../middleware/index.ts";
import { type Ledger, STATES } from "../../store/index.ts";
import type { LedgerStore } from "../../store/ledger-book.ts";
import type { Actor } from "./scheduler.ts";
import type { World } from "./world.ts";

type States = typeof STATES;
type State = keyof States;

export interface Mutant {
  /** What it does wrong, as the end of a sentence that begins with "a wallet that". */
  readonly name: string;
  readonly store?: (store: LedgerStore, world: World, actor: Actor) => LedgerStore;
  readonly ledger?: (ledger: Ledger, world: World, actor: Actor) => Ledger;
  readonly chain?: (chain: Chain, world: World, actor: Actor) => Chain;
  readonly fetch?: (fetch: typeof globalThis.fetch) => typeof globalThis.fetch;
  /** The wallet as the paying calls see it. */
  readonly wallet?: (wallet: CallersWallet, ledger: Ledger) => CallersWallet;
  readonly walletOptions?: Partial<WalletOptions>;
  /** Other rules in the ledger's table of states. */
  readonly states?: { readonly [S in State]?: Partial<States[S]> };
  /** The disk tells its callers of a commit before it is synced. */
  readonly diskTellsEarly?: boolean;
}

export type CallersWallet = PayerOptions["wallet"];

/** The wallet as it is. */
export const UNCHANGED: Mutant = { name: "is as it is" };

/** The same thing with some of its parts replaced. */
export function change<T extends object>(whole: T, parts: Partial<T>): T {
  return new Proxy(whole, {
    get(target, key) {
      const value: unknown = Reflect.get(key in parts ? parts : target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** Puts a mutant's rules into the table of states, until it is disposed of. */
export function useStates({ states = {} }: Mutant): Disposable {
  const table = STATES as Record<State, object>;
  const before = { ...table };
  for (const [state, rules] of Object.entries(states)) {
    table[state as State] = { ...table[state as State], ...rules };
  }
  return { [Symbol.dispose]: () => void Object.assign(table, before) };
}
