/** A signer whose signatures only the simulated token and shops can check; it remembers everything that it was asked to sign. */
import { createHash } from "node:crypto";
import type { Hex } from "viem";
import { PaymentError, type Signer, type SignIntent } from "../../middleware/index.ts";
import type { Authorization } from "../../protocol/index.ts";
import type { Chance } from "./chance.ts";
import type { Actor, Scheduler } from "./scheduler.ts";

export const PAYER = `0x${"1".repeat(40)}` as const;

/** What the payer's signature of an authorization is. */
export function signatureOf(authorization: Authorization): Hex {
  const { from, to, value, validAfter, validBefore, nonce } = authorization;
  const text = [from, to, value, validAfter, validBefore, nonce].join(" ").toLowerCase();
  return `0x${createHash("sha512").update(text).digest("hex")}1b`;
}

export interface SignerOptions {
  readonly scheduler: Scheduler;
  readonly chance: Chance;
  readonly faults: { signer: number };
  readonly plan: { readonly signerMs: number };
  /** The nonces that were signed for before, and how they were: a signer's counter outlives the book's last commits. */
  readonly signedFor: ReadonlyMap<string, SignIntent>;
  readonly onSigned: (actor: Actor, intent: SignIntent) => void;
}

export function openSigner(
  { scheduler, chance, faults, plan, signedFor, onSigned }: SignerOptions,
  actor: Actor,
): Signer {
  return {
    address: PAYER,
    sign: (intent) =>
      scheduler.ask(actor, chance.int(0, 3), chance.int(0, plan.signerMs), () => {
        if (chance.happens(faults.signer)) throw failed();
        const before = signedFor.get(intent.authorization.nonce)?.authorization;
        const isSame = before && signatureOf(before) === signatureOf(intent.authorization);
        if (before && !isSame) throw refusedAnew();
        onSigned(actor, intent);
        // Signed, and the answer is lost.
        if (chance.happens(faults.signer)) throw failed();
        return signatureOf(intent.authorization);
      }),
  };
}

/** After a power failure that the reservation did not survive: what was signed then is never signed for other terms. */
function refusedAnew(): PaymentError {
  return new PaymentError("SIGNER_REFUSED", {
    problem: "The simulated signer has signed for this nonce before.",
    nextStep: "Ask again.",
    details: { rule: "NONCE" },
  });
}

function failed(): PaymentError {
  return new PaymentError("SIGNER_FAILED", {
    problem: "The simulated signer failed.",
    nextStep: "Try again.",
  });
}
