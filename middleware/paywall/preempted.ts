/**
 * A payment that somebody else has brought to the chain before its buyer came: the payer is charged, and verifying says that it is
 * used. Where nothing else sells for the payee it can have paid for nothing but this, and is taken as paid.
 */
import type { Verdict } from "./facilitator-port.ts";
import type { Cashier, PaymentStep } from "./payment-step.ts";
import type { SaleRecord } from "./sale-record.ts";

const USED = "invalid_exact_evm_nonce_already_used";

/** The step of a payment whose settlement is on the chain already; undefined where it is not. */
export async function preemptedStep(
  verdict: Verdict,
  record: SaleRecord<unknown>,
  cashier: Cashier,
): Promise<PaymentStep | undefined> {
  if (verdict.state !== "refused" || verdict.reason !== USED) return undefined;
  const outcome = await cashier.settle(record);
  if (outcome.state !== "settled") return undefined;
  return {
    verify: () => Promise.resolve({ state: "valid" }),
    settle: () => Promise.resolve(outcome),
  };
}
