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

export function cashier(facilitator: string | PaywallFacilitator, timeoutMs: number): Cashier {
  const calls: FacilitatorCalls = facilitatorCalls(facilitator, timeoutMs);
  const facilitatorUrl = lazily(async () =>
    typeof facilitator === "string" ? facilitator : openLoopback(facilitator),
  );
  const settle = (record: SaleRecord<unknown>) =>
    calls.settle(PROTOCOLS[record.protocol].facilitatorRequest(record));
  return {
    settle,
    begin(record) {
      const stock =
        record.protocol === "x402v1" && stockStep({ record, facilitatorUrl, timeoutMs });
      const request = PROTOCOLS[record.protocol].facilitatorRequest(record);
      return {
        verify: () => (stock ? stock.verify() : calls.verify(request, record.sale.payer)),
        settle: async () => {
          const outcome = stock ? await stock.settle() : await calls.settle(request);
          return stock && outcome.state === "unknown" ? calls.settle(request) : outcome;
        },
      };
    },
  };
}
