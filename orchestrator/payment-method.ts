/**
 * The user's payment method: a wallet, or none yet. Only the human can bring one, so where one is needed and there is none the
 * human is told, once in a run, and the agent gets an error that it can act on.
 */
import type { Address } from "viem";
import type { Wallet } from "../middleware/index.ts";
import type { Approvals, Asker } from "./approvals.ts";
import { OrchestratorError } from "./error.ts";

export interface AttachedWallet {
  wallet: Wallet;
  address: Address;
}

export class PaymentMethod {
  readonly #approvals: Approvals;
  #attached: AttachedWallet | undefined;

  constructor({ approvals, attached }: PaymentMethodOptions) {
    this.#approvals = approvals;
    this.#attached = attached;
  }

  get current(): AttachedWallet | undefined {
    return this.#attached;
  }

  attach(attached: AttachedWallet): void {
    this.#attached = attached;
  }

  /** The wallet, or `PAYMENT_METHOD_REQUIRED` when the human was asked and there is still none. */
  async need(asker: Asker, provider: string, service: string): Promise<Wallet> {
    if (!this.#attached) {
      const question = `${service} needs a payment method, and there is none yet. Add one, then accept here.`;
      const ask = { kind: "payment_method" as const, provider, question, facts: { service } };
      await this.#approvals.approve(asker, ask, "payment_method");
    }
    if (this.#attached) return this.#attached.wallet;
    throw new OrchestratorError("PAYMENT_METHOD_REQUIRED", {
      problem: `${service} needs a payment method, and the user has none; nothing was spent.`,
      nextStep: "Use a free service, or ask the human to add a payment method.",
      details: { provider, service },
    });
  }
}

export interface PaymentMethodOptions {
  approvals: Approvals;
  attached: AttachedWallet | undefined;
}
