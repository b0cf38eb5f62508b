/**
 * Whether the signer's counter is the one that this book has seen. The counter only grows, and the book remembers how far it was; a
 * counter that holds less is an older copy, or was begun anew, and would let more be signed than the human has allowed.
 */
import { hostname } from "node:os";
import type { Ledger } from "../store/index.ts";
import { PaymentError } from "./payment-error.ts";
import type { Signer } from "./signer/index.ts";

export interface CounterMarkOptions {
  readonly ledger: Pick<Ledger, "highest">;
  readonly signer: Signer;
}

/** Throws `SIGNER_COUNTER_INVALID`. Several machines may share a book, each with a signer and a counter of its own. */
export async function checkCounter({ ledger, signer }: CounterMarkOptions): Promise<void> {
  const counted = await signer.counted?.();
  if (counted === undefined) return;
  const highest = await ledger.highest(`counter ${hostname()}`, counted);
  if (counted >= highest) return;
  throw new PaymentError("SIGNER_COUNTER_INVALID", {
    problem: `The signer's counter holds ${counted} payments, and the book has seen it hold ${highest}: it is an older copy, or a new one.`,
    nextStep:
      "Nothing is signed. Put the newest counter file back, or restore the wallet from a backup and reconcile it.",
    details: { counted: `${counted}`, highest: `${highest}` },
  });
}
