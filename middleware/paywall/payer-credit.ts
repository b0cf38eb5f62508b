/**
 * A payer's credit in front of the facilitator: a purchase that was claimed on credit is paid already, and its own payment, which
 * has proven who asks, is never settled.
 */
import type { Hex } from "viem";
import type { PaywallSale } from "./door.ts";
import type { SettleOutcome } from "./facilitator-port.ts";
import type { Cashier } from "./payment-step.ts";
import type { SaleRecord } from "./sale-record.ts";

/** What a paywall asks of whoever keeps credits; `openCredits` does. */
export interface PayerCredit {
  /** In the transaction that claims a purchase: pays it from the payer's credit, where that covers it. */
  claim(sale: PaywallSale<unknown>): void;
  /** The transaction whose money pays this purchase; undefined where its own payment has to settle. */
  payment(sale: Pick<PaywallSale<unknown>, "payer" | "nonce">): Hex | undefined;
}

export function withCredit(cashier: Cashier, credit: PayerCredit): Cashier {
  const paid = ({ sale, protocol }: SaleRecord<unknown>): SettleOutcome | undefined => {
    const transaction = credit.payment(sale);
    if (transaction === undefined) return undefined;
    const { asset, payer } = sale;
    const network = protocol === "x402v1" ? asset.networkName : asset.network;
    return {
      state: "settled",
      transaction,
      response: { success: true, transaction, network, payer },
    };
  };
  return {
    settle: async (record) => paid(record) ?? cashier.settle(record),
    begin(record) {
      const step = cashier.begin(record);
      return {
        verify: () => step.verify(),
        settle: async () => paid(record) ?? step.settle(),
      };
    },
  };
}
