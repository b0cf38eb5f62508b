/** The refusals of a signer in words; the code is one, and the details name the rule. */
import { PaymentError } from "../payment-error.ts";
import type { SignerRule } from "./signer-rules.ts";

const BUG = "Nothing was signed. This is a bug, or the wallet's process is not what it was: look.";
const LIMIT =
  "Nothing was signed. The limit was fixed when the signer was started: the human may start it with another.";

const WORDS: Readonly<Record<SignerRule, readonly [problem: string, nextStep: string]>> = {
  INTENT: ["The intent is not one.", BUG],
  PAYER: ["It would be another payer's money.", BUG],
  ASSET: ["It is for a token that this signer does not sign for.", BUG],
  PAYEE: ["It would pay somebody else than the offer and the quote name.", BUG],
  AMOUNT: ["Its amount is nothing, or not the offer's, or above the quote.", BUG],
  WINDOW: [
    "It would stay usable for longer than the signer allows.",
    "Nothing was signed. Compare the clocks of this machine and of the chain.",
  ],
  CALL_LIMIT: ["It is above the signer's own limit for one payment.", LIMIT],
  PROVIDER_LIMIT: ["It is above the signer's own limit for this provider and month.", LIMIT],
  WALLET_LIMIT: ["It is above the signer's own limit for this month.", LIMIT],
  NONCE: [
    "This purchase was signed for before, and the wallet's book does not know what became of it.",
    "Nothing more is signed for it until the chain has proven that it was not paid. Ask again in some minutes; if the book is an older copy, put the newest back.",
  ],
  COUNTER: [
    "The signer cannot record what it signs.",
    "Nothing was signed. Look at the disk and at the counter's file, and start the wallet again.",
  ],
};

export function signerRefused(rule: SignerRule): PaymentError {
  const [problem, nextStep] = WORDS[rule];
  return new PaymentError("SIGNER_REFUSED", {
    problem: `The signer refuses this payment. ${problem}`,
    nextStep,
    details: { rule },
  });
}
