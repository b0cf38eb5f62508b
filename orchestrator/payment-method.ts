/**
 * A user's payment method: a wallet, or none yet. Only the human can bring one, so where one is needed and there is none the
 * human is told, once in a run, and the agent gets an error that it can act on.
 */
import type { Wallet } from "../middleware/index.ts";
import type { Approvals, Asker } from "./approvals.ts";
import { OrchestratorError } from "./error.ts";
import type { People, User } from "./people.ts";

/**
 * One wallet for everybody, or each user's own: the same object each time, because a `Wallet` does one thing at a time for each purchase, and
 * two of one payer know nothing of each other.
 */
export type Wallets = Wallet | ((user: User) => Wallet | undefined) | undefined;

export class PaymentMethod {
  readonly #approvals: Approvals;
  readonly #people: People;
  #wallets: Wallets;
  /** Those that have been used, to be recovered: of one payer of one user the newest, so that they are no more than there are payers. */
  readonly #seen = new Map<string, Wallet>();

  constructor({ approvals, people, wallet }: PaymentMethodOptions) {
    this.#approvals = approvals;
    this.#people = people;
    this.set(wallet);
  }

  set(wallet: Wallets): void {
    this.#wallets = wallet;
    if (wallet !== undefined && typeof wallet !== "function")
      this.#seen.set(wallet.address, wallet);
  }

  /** The wallet of a project's owner. */
  of(project: string): Wallet | undefined {
    if (typeof this.#wallets !== "function") return this.#wallets;
    const user = this.#people.ofProject(project);
    const wallet = this.#wallets(user);
    if (wallet) this.#seen.set(`${wallet.address} ${user.id}`, wallet);
    return wallet;
  }

  /** Whose limit over the whole wallet a payment counts under. */
  limitOf(project: string): string {
    if (typeof this.#wallets !== "function") return "wallet";
    return `wallet:${this.#people.ofProject(project).id}`;
  }

  /** Those that were used since this began. */
  wallets(): ReadonlySet<Wallet> {
    return new Set(this.#seen.values());
  }

  /** The wallet, or `PAYMENT_METHOD_REQUIRED` when the human was asked and there is still none. */
  async need(asker: Asker, provider: string, service: string): Promise<Wallet> {
    const { project } = asker;
    if (!this.of(project)) {
      const question = `${service} needs a payment method, and there is none yet. Add one, then accept here.`;
      const ask = { kind: "payment_method" as const, provider, question, facts: { service } };
      if (!asker.session) await this.#approvals.approve(asker, ask, "payment_method");
    }
    const wallet = this.of(project);
    if (wallet) return wallet;
    throw new OrchestratorError("PAYMENT_METHOD_REQUIRED", {
      problem: `${service} needs a payment method, and the user has none; nothing was spent.`,
      nextStep: "Use a free service, or ask the human to add a payment method.",
      details: { provider, service },
    });
  }
}

export interface PaymentMethodOptions {
  approvals: Approvals;
  people: People;
  wallet: Wallets;
}
