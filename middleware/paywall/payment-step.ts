/**
 * How one payment is verified and settled for the first time. x402 v2 and MPP ask the facilitator themselves; x402 v1 goes through
 * `x402-express`. Both look the same to the sale. After that, whatever the protocol, the facilitator is asked directly.
 */
import {
  type FacilitatorCalls,
  facilitatorCalls,
  type PaywallFacilitator,
  type SettleOutcome,
  type Verdict,
} from "./facilitator-port.ts";
import { httpFacilitator } from "./http-facilitator.ts";
import { lazily } from "./load-package.ts";
import { openLoopback } from "./loopback-facilitator.ts";
import { PROTOCOLS } from "./protocols.ts";
import type { SaleRecord } from "./sale-record.ts";
import { stockStep } from "./stock-v1.ts";

export interface PaymentStep {
  /** Whether it could settle now. */
  verify(): Promise<Verdict>;
  /** Settles what was verified. */
  settle(): Promise<SettleOutcome>;
}

export interface Cashier {
  /** For a payment that is new. */
  begin(record: SaleRecord<unknown>): PaymentStep;
  /** Settles a payment again, which is idempotent: what was settled already is answered with the same transaction. */
  settle(record: SaleRecord<unknown>): Promise<SettleOutcome>;
}

export interface CashierOptions {
  readonly timeoutMs: number;
  /** The seller's own name for a settlement: with it a facilitator knows that the same seller asks again (`Idempotency-Key`). */
  readonly nameOf: (sale: SaleRecord<unknown>["sale"]) => string;
}

export function cashier(
  facilitator: string | PaywallFacilitator,
  { timeoutMs, nameOf }: CashierOptions,
): Cashier {
  const calls: FacilitatorCalls = facilitatorCalls(facilitator, timeoutMs);
  const facilitatorUrl = lazily(() =>
    openLoopback(typeof facilitator === "string" ? httpFacilitator(facilitator) : facilitator),
  );
  const settle = async (record: SaleRecord<unknown>) => {
    const request = PROTOCOLS[record.protocol].facilitatorRequest(record);
    return ofSale(record, await calls.settle(request, () => nameOf(record.sale)));
  };
  return {
    settle,
    begin(record) {
      const stock =
        record.protocol === "x402v1" &&
        stockStep({ record, facilitatorUrl, timeoutMs, name: nameOf(record.sale) });
      const request = PROTOCOLS[record.protocol].facilitatorRequest(record);
      return {
        verify: () => (stock ? stock.verify() : calls.verify(request, record.sale.payer)),
        settle: async () => {
          const outcome = stock ? ofSale(record, await stock.settle()) : await settle(record);
          return stock && outcome.state === "unknown" ? settle(record) : outcome;
        },
      };
    },
  };
}

/** Who pays and where is the seller's own knowledge: a facilitator that mixes its answers up puts nobody else's name on a receipt. */
function ofSale({ protocol, sale }: SaleRecord<unknown>, outcome: SettleOutcome): SettleOutcome {
  if (!outcome.response) return outcome;
  const { asset, payer } = sale;
  const network = protocol === "x402v1" ? asset.networkName : asset.network;
  return { ...outcome, response: { ...outcome.response, network, payer } };
}
