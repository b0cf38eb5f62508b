/**
 * What a signer is asked for: not bytes, but a payment with everything that it must agree with. The wallet has compared all of
 * it before; the signer compares it again, because the wallet's process is the larger one and may be taken over.
 */
import type { Address, Hex } from "viem";
import type { Authorization } from "../../protocol/transfer-authorization.ts";

export interface SignIntent {
  /** The logical buy, at most 200 characters. */
  readonly purchase: string;
  /** The provider's id in the catalog or policy, at most 200 characters: the signer's own limits are kept by it. */
  readonly provider: string;
  /** What was agreed before the seller was asked. */
  readonly quote: {
    /** The only recipients. */
    readonly payTo: readonly Address[];
    /** Atomic units. */
    readonly maxAmount: bigint;
    /** `fingerprintOf` the request that is paid for: 64 hexadecimal digits. */
    readonly fingerprint: string;
  };
  /** The terms of the offer that was chosen. */
  readonly offer: {
    /** CAIP-2. */
    readonly network: string;
    readonly asset: Address;
    readonly payTo: Address;
    /** Atomic units. */
    readonly amount: bigint;
  };
  readonly authorization: Authorization;
}

/** What a signer allows, whatever it is told later: the human fixes it when the signer is started. */
export interface SignerLimits {
  /** Atomic units, for one payment. */
  readonly maxPerCall: bigint;
  /** For one provider in a UTC month, over all projects. */
  readonly maxPerProviderMonth: bigint;
  /** For everything in a UTC month. */
  readonly maxPerMonth: bigint;
  /** How far in the future a payment may still be usable, by the signer's own clock. */
  readonly maxWindowSeconds: number;
}

/**
 * $100 a payment, $200 a provider and $500 in all a month. They are above the wallet's own $100, because a signer counts what it
 * has signed and never takes it back: a payment that came to nothing still counts here.
 */
export const DEFAULT_SIGNER_LIMITS: SignerLimits = {
  maxPerCall: 100_000_000n,
  maxPerProviderMonth: 200_000_000n,
  maxPerMonth: 500_000_000n,
  maxWindowSeconds: 120,
};

/** What a signer has signed in the UTC month that it is now. */
export interface SignedTotals {
  /** Such as "2026-11". */
  readonly month: string;
  /** Atomic units. */
  readonly total: bigint;
  readonly providers: Readonly<Record<string, bigint>>;
}

export interface Signer {
  readonly address: Address;
  /** Throws `SIGNER_REFUSED`, whose details name the rule, or `SIGNER_FAILED`. */
  sign(intent: SignIntent): Promise<Hex>;
  /** How many payments its counter holds, where that outlives the process: it only grows, so less than before is an older copy. */
  counted?(): Promise<number>;
}
