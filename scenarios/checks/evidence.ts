/**
 * What the checks look at: gathered from the chain, the ledger, the providers and the human's record when the run has ended,
 * never from what the agent says of itself (but for its last words, which are only compared as words).
 */
import type { Address, Hex } from "viem";
import type { Catalog } from "../../protocol/index.ts";
import type { Outcome, ResultAsk } from "../run/run-result.ts";
import type { Scenario } from "../format/scenario.ts";

/** A payment as the wallet's ledger has it. */
export interface LedgerPayment {
  purchase: string;
  provider: string;
  /** With the provider in front, such as "cloudflare/registrar:domain". */
  service: string;
  inputs: Readonly<Record<string, string>>;
  /** Atomic units. */
  amount: bigint;
  payTo: Address;
  state: string;
  transaction: Hex | null;
}

/** A transfer of the token as the chain has it. */
interface ChainTransfer {
  to: Address;
  value: bigint;
  transaction: Hex;
}

/** A domain as its registrar has it. */
interface Registration {
  provider: string;
  domain: string;
  accountId: string;
}

export interface Evidence {
  scenario: Scenario;
  outcome: Outcome;
  says: string | null;
  site: { url: string; hostname: string | null } | null;
  /** The sites that the providers serve for this run's own accounts. */
  ownSites: readonly string[];
  /** This project's payments. */
  payments: readonly LedgerPayment[];
  /** Every payment of the wallet, and every transfer out of it: they must be the same. */
  wallet: {
    payments: readonly LedgerPayment[];
    transfers: readonly ChainTransfer[];
  };
  /** The wallet's whole settled and reserved sum per provider this month, and the cap, in atomic units. */
  caps: readonly { provider: string; counted: bigint; cap: bigint }[];
  budget: bigint;
  /** The accounts that the project's connections opened. */
  accounts: readonly { provider: string; accountId: string }[];
  registrations: readonly Registration[];
  /** As the providers publish it when they are honest. */
  catalog: Catalog;
  asks: readonly ResultAsk[];
  fetch: typeof fetch;
}

/** Decimals of the US dollar prices and of the token that pays them one for one. */
export const DECIMALS = 6;
