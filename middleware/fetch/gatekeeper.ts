/**
 * Stands between a 402 and the wallet: asks the policy, the person where need be, and the rate, in this order, and lets through
 * exactly what they were asked about. One at a time for each purchase, so that of many callers the first alone is asked for.
 */
import { PurserError } from "../../protocol/error.ts";
import { formatDecimal } from "../../protocol/money.ts";
import type { PurchaseRecord } from "../../protocol/orchestrator-api.ts";
import type { Secret } from "../../protocol/secret.ts";
import { fingerprintOf } from "../fingerprint.ts";
import { PaymentError } from "../payment-error.ts";
import { Turns } from "../turns.ts";
import type { Wallet } from "../wallet.ts";
import { findExcess, findTooOften, type Permit, permit, type PermitQuestion } from "./permit.ts";
import { type ReadPolicy, readPolicy, type SpendingPolicy } from "./spending-policy.ts";

/** What a person is asked, and what exactly is paid when they agree: nothing else is. */
export interface Approval {
  readonly purchase: string;
  readonly provider: string;
  readonly method: string;
  readonly url: string;
  /** Decimal text in whole tokens. */
  readonly amount: string;
  readonly asset: string;
  readonly network: string;
  readonly payTo: string;
}

/** What is needed of a wallet to pay without a catalog: one in this process. */
export type PayingWallet = Pick<
  Wallet,
  | "authorize"
  | "find"
  | "report"
  | "spent"
  | "begun"
  | "recover"
  | "remake"
  | "listKept"
  | "keepAnswer"
>;

export interface GatekeeperOptions {
  readonly wallet: Pick<PayingWallet, "authorize" | "find" | "spent" | "begun">;
  /** Asked where a price is above the policy's `approveAbove`; without it such a price is refused. */
  readonly approve?: (approval: Approval) => boolean | Promise<boolean>;
  /** A second policy that refuses nothing: `report` is told of each payment that it would have refused, and why. */
  readonly shadow?: {
    readonly policy: SpendingPolicy;
    readonly report: (refusal: PurserError, purchase: string) => void;
  };
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

interface GatekeeperCall {
  /** What it takes to make the request again after a crash, on the terms that are taken. */
  readonly keep: (terms: Pick<Permit, "offer" | "quote">) => Secret | undefined;
  readonly signal: AbortSignal | undefined;
}

export class Gatekeeper {
  readonly #options: GatekeeperOptions;
  readonly #policy: ReadPolicy;
  readonly #shadow: ReadPolicy | undefined;
  readonly #turns = new Turns();

  constructor(options: GatekeeperOptions, policy: ReadPolicy) {
    this.#options = options;
    this.#policy = policy;
    this.#shadow = options.shadow && readPolicy(options.shadow.policy);
  }

  /** The payment to send, or the refusal. The signal's abort is thrown only before anything is signed. */
  authorize(question: PermitQuestion, { keep, signal }: GatekeeperCall): Promise<PurchaseRecord> {
    // Its caller has just looked; only whoever waited here, or would ask a person, looks again.
    const { approveAbove } = this.#policy;
    const looks = approveAbove !== undefined || !this.#turns.isFree(question.purchase);
    return this.#turns.take(question.purchase, async () => {
      const { wallet } = this.#options;
      const { purchase } = question;
      const earlier = looks ? await wallet.find(purchase) : undefined;
      const isSame = earlier?.request === fingerprintOf(question.request);
      if (isSame && earlier.payment) return earlier;
      await this.#askShadow(question);
      const granted = permit(this.#policy, question);
      if (granted.needsApproval) await this.#askApproval(question, granted);
      signal?.throwIfAborted();
      const { quote, offer, scopes, rate } = granted;
      const kept = keep({ offer, quote });
      return wallet.authorize({ purchase, quote, offer, scopes, rate, keep: kept });
    });
  }

  async #askApproval({ purchase, request }: PermitQuestion, { offer, quote }: Permit) {
    const { approve } = this.#options;
    const { network, asset, payTo } = offer;
    const amount = formatDecimal(offer.amount, quote.assets[0]?.decimals ?? 6);
    const { method, url } = request;
    const { provider } = quote;
    const asked = { purchase, provider, method, url, amount, asset, network, payTo };
    if ((await approve?.(asked)) === true) return;
    throw new PaymentError(approve ? "APPROVAL_DENIED" : "APPROVAL_MISSING", {
      problem: `${url} costs ${amount}, and ${approve ? "the payment was not approved" : "nobody is there to approve it"}.`,
      nextStep: "Nothing was paid. Do not ask again for the same; choose something cheaper.",
    });
  }

  /** Tells what the shadow policy would have refused; whatever it says changes nothing. */
  async #askShadow(question: PermitQuestion): Promise<void> {
    const { shadow, wallet } = this.#options;
    if (!shadow || !this.#shadow) return;
    const granted = this.#tryShadow(this.#shadow, question);
    if (!granted) return;
    const { offer, scopes, rate, needsApproval } = granted;
    if (needsApproval) shadow.report(wouldAsk(question), question.purchase);
    for (const scope of scopes) {
      const { settled, reserved } = await wallet.spent(scope);
      const excess = findExcess(offer.amount, scope, settled + reserved);
      if (excess) return shadow.report(excess, question.purchase);
    }
    const excess = findTooOften(rate, await wallet.begun(rate.name));
    if (excess) shadow.report(excess, question.purchase);
  }

  #tryShadow(policy: ReadPolicy, question: PermitQuestion): Permit | undefined {
    try {
      return permit(policy, question);
    } catch (error) {
      if (!(error instanceof PurserError)) throw error;
      this.#options.shadow?.report(error, question.purchase);
      return undefined;
    }
  }
}

function wouldAsk({ request: { url } }: PermitQuestion): PaymentError {
  return new PaymentError("APPROVAL_MISSING", {
    problem: `${url} costs more than may be paid without asking a person.`,
    nextStep: "With this policy a person would have been asked first.",
  });
}
