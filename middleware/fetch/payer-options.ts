/** What a payer is made of, what it is called with, and what of it goes on in the background. */
import type { PayOutcome, SendPaidOptions } from "../send-paid.ts";
import type { GatekeeperOptions, PayingWallet } from "./gatekeeper.ts";
import type { FetchInput } from "./read-request.ts";
import type { RecoverySettings } from "./resendable.ts";
import type { SpendingPolicy } from "./spending-policy.ts";

export interface PayerOptions
  extends GatekeeperOptions, Pick<SendPaidOptions, "timeoutMs" | "resends" | "pause"> {
  readonly wallet: PayingWallet;
  readonly policy: SpendingPolicy;
  /**
   * Whose purchases these are, such as a project or a task; part of every purchase's identity and of the provider's cap. Within
   * a scope the same request is the same purchase: to buy it again, use another scope or an `Idempotency-Key`.
   */
  readonly scope: string;
  /**
   * Whether a delivered call waits until the chain has confirmed its payment (`wait`), or returns at once and has it confirmed in the
   * background; then `record.state` is "sent", which counts as spent, and a crash leaves it to recovery. A payer waits unless told.
   */
  readonly confirm?: "wait" | "background";
  /**
   * Recovery runs by itself, at start and now and then: what was paid for and not delivered is fetched, by the same bytes, for the next
   * identical call. `false` leaves it to `recover()`.
   */
  readonly recovery?: RecoverySettings | false;
  /** Told of what failed in the background. */
  readonly onError?: (error: unknown) => void;
  /** Unless given, one that pins the address at connect and refuses private ones unless the policy is local. */
  readonly fetch?: typeof globalThis.fetch;
}

export interface PayTerms {
  /** The most that this call may cost, decimal text in dollars; at most what the policy allows. */
  readonly maxAmount?: string;
}

/** Pays for requests; takes what `fetch` takes. Rejects only where nothing was paid: an aborted signal, or a bug. */
export interface Pay extends PayerControls {
  (input: FetchInput, init?: RequestInit, terms?: PayTerms): Promise<PayOutcome>;
}

/** What goes on in the background, and its end. */
export interface PayerControls extends AsyncDisposable {
  /** Resolves when every payment so far is confirmed, or left to recovery. */
  readonly idle: () => Promise<void>;
  /** Runs a recovery now. */
  readonly recover: () => Promise<void>;
  /** Ends recovery, and waits for what goes on in the background. Close it before the wallet's book. */
  readonly close: () => Promise<void>;
}
