/**
 * The user's payment method: a wallet, or none yet. Only the human can bring one, so where one is needed and there is none the
 * human is told, once in a run, and the agent gets an error that it can act on.
 */
import type { Wallet } from "../middleware/index.ts";
import type { Approvals, Asker } from "./approvals.ts";
import { OrchestratorError } from "./error.ts";

export class PaymentMethod {
  readonly #approvals: Approvals;
  #wallet: Wallet | undefined;

  constructor({ approvals, wallet }: PaymentMethodOptions) {
    this.#approvals = approvals;
    this.#wallet = wallet;
  }

  get wallet(): Wallet | undefined {
    return this.#wallet;
  }

  set(wallet: Wallet): void {
    this.#wallet = wallet;
  }

  /** The wallet, or `PAYMENT_METHOD_REQUIRED` when the human was asked and there is still none. */
  async need(asker: Asker, provider: string, service: string): Promise<Wallet> {
    if (!this.#wallet) {
      const question = `${service} needs a payment method, and there is none yet. Add one, then accept here.`;
      const ask = { kind: "payment_method" as const, provider, question, facts: { service } };
      await this.#approvals.approve(asker, ask, "payment_method");
    }
    if (this.#wallet) return this.#wallet;
    throw new OrchestratorError("PAYMENT_METHOD_REQUIRED", {
      problem: `${service} needs a payment method, and the user has none; nothing was spent.`,
      nextStep: "Use a free service, or ask the human to add a payment method.",
      details: { provider, service },
    });
  }
}

export interface PaymentMethodOptions {
  approvals: Approvals;
  wallet: Wallet | undefined;
}
