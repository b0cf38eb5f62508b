/**
 * Pays for any request that its policy allows: no catalog, no orchestrator, only a wallet and a policy. A request goes out as
 * `fetch` would send it; where the answer is a 402, the policy decides, the wallet signs at most once for the purchase, and the
 * payment goes to the very URL that asked for it, and nowhere else.
 */
import { PurserError } from "../../protocol/error.ts";
import { formatDecimal, parseDecimal } from "../../protocol/money.ts";
import { parseChallenge } from "../../protocol/offer.ts";
import type { PurchaseRecord } from "../../protocol/orchestrator-api.ts";
import { fingerprintOf } from "../fingerprint.ts";
import { PaymentError } from "../payment-error.ts";
import { readAnswer } from "../read-answer.ts";
import { type PayOutcome, sendPaid, type SendPaidOptions } from "../send-paid.ts";
import { Turns } from "../turns.ts";
import type { Wallet } from "../wallet.ts";
import { CallRate } from "./call-rate.ts";
import { guardedFetch } from "./guarded-fetch.ts";
import { findExcess, type Permit, permit, type PermitQuestion } from "./permit.ts";
import { purchaseKey } from "./purchase-key.ts";
import { type FetchInput, type ReadRequest, readRequest } from "./read-request.ts";
import { type ReadPolicy, readPolicy, type SpendingPolicy } from "./spending-policy.ts";
import { type Hop, nextHop } from "./unpaid-walk.ts";
import { openHop } from "./open-hop.ts";

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

export interface PayerOptions extends Pick<SendPaidOptions, "timeoutMs" | "resends" | "pause"> {
  readonly wallet: Pick<Wallet, "authorize" | "find" | "fingerprint" | "report" | "spent">;
  readonly policy: SpendingPolicy;
  /**
   * Whose purchases these are, such as a project or a task; part of every purchase's identity and of the provider's cap. Within
   * a scope the same request is the same purchase: to buy it again, use another scope or an `Idempotency-Key`.
   */
  readonly scope: string;
  /** Asked where a price is above the policy's `approveAbove`; without it such a price is refused. */
  readonly approve?: (approval: Approval) => boolean | Promise<boolean>;
  /** A second policy that refuses nothing: `report` is told of each payment that it would have refused, and why. */
  readonly shadow?: {
    readonly policy: SpendingPolicy;
    readonly report: (refusal: PurserError, purchase: string) => void;
  };
  /** Unless given, one that pins the address at connect and refuses private ones unless the policy is local. */
  readonly fetch?: typeof globalThis.fetch;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

export interface PayTerms {
  /** The most that this call may cost, decimal text in dollars; at most what the policy allows. */
  readonly maxAmount?: string;
}

/** Pays for requests; takes what `fetch` takes. Rejects only where nothing was paid: an aborted signal, or a bug. */
export type Pay = (input: FetchInput, init?: RequestInit, terms?: PayTerms) => Promise<PayOutcome>;

/** Makes the payer, or throws `POLICY_INVALID`. */
export function createPayer(options: PayerOptions): Pay {
  const policy = readPolicy(options.policy);
  const payer = new Payer(options, policy, options.shadow && readPolicy(options.shadow.policy));
  return async (input, init, terms) => {
    try {
      return await payer.pay(await readRequest(input, init), terms ?? {});
    } catch (error) {
      if (error instanceof PurserError) return { kind: "refused", error: error.toJSON() };
      throw error;
    }
  };
}

class Payer {
  readonly #options: PayerOptions;
  readonly #policy: ReadPolicy;
  readonly #shadow: ReadPolicy | undefined;
  readonly #rate: CallRate;
  readonly #fetch: typeof globalThis.fetch;
  readonly #turns = new Turns();

  constructor(options: PayerOptions, policy: ReadPolicy, shadow: ReadPolicy | undefined) {
    const { now = Date.now, fetch = guardedFetch({ local: policy.local }) } = options;
    this.#options = options;
    this.#policy = policy;
    this.#shadow = shadow;
    this.#rate = new CallRate(now);
    this.#fetch = fetch;
  }

  async pay(request: ReadRequest, { maxAmount }: PayTerms): Promise<PayOutcome> {
    const { timeoutMs } = this.#options;
    const limit = maxAmount === undefined ? undefined : parseDecimal(maxAmount, 6);
    let hop: Hop = request;
    for (let count = 0; ; count += 1) {
      const earlier = await this.#resume(hop, request);
      if (earlier) return earlier;
      const { response, close } = await openHop({ hop, request, fetch: this.#fetch, timeoutMs });
      const next = request.redirect === "follow" ? nextHop(hop, response, count) : undefined;
      if (next === undefined) {
        if (response.status === 402) return this.#meet(hop, request, limit, response, close);
        if (request.redirect === "error" && response.status >= 300 && response.status < 400) {
          throw redirectRefused(hop);
        }
        close();
        return { kind: "delivered", response };
      }
      close();
      await response.body?.cancel();
      hop = next;
    }
  }

  /** A purchase that was paid for before: the same bytes again, if this is the request that they are for. */
  async #resume(hop: Hop, request: ReadRequest): Promise<PayOutcome | undefined> {
    if (hop.stream) return undefined;
    const { wallet, scope } = this.#options;
    const purchase = purchaseKey(scope, hop);
    const record = await wallet.find(purchase);
    if (record?.payment === undefined) return undefined;
    if ((await wallet.fingerprint(purchase)) !== fingerprintOf(hop)) return undefined;
    const outcome = await this.#send(hop, request, record);
    // Proven dead by now: the purchase begins anew.
    return outcome.kind === "refused" ? undefined : outcome;
  }

  async #meet(
    hop: Hop,
    request: ReadRequest,
    maxAmount: bigint | undefined,
    response: Response,
    close: () => void,
  ): Promise<PayOutcome> {
    const { text } = await readAnswer(response)
      .catch((cause: unknown) => {
        request.signal?.throwIfAborted();
        throw unreadable(hop, cause);
      })
      .finally(close);
    if (hop.stream) throw notReplayable(hop);
    const { method, url, body } = hop;
    const question: PermitQuestion = {
      purchase: purchaseKey(this.#options.scope, hop),
      request: { method, url, body },
      offers: parseChallenge({ header: response.headers.get("PAYMENT-REQUIRED"), body: text }),
      maxAmount,
      scope: this.#options.scope,
    };
    const record = await this.#turns.take(question.purchase, () =>
      this.#authorize(question, request.signal),
    );
    return this.#send(hop, request, record);
  }

  /** One at a time for each purchase: of many callers who want the same, the first asks and is counted. */
  async #authorize(question: PermitQuestion, signal: AbortSignal | undefined) {
    const { wallet } = this.#options;
    const { purchase } = question;
    const earlier = await wallet.find(purchase);
    const fingerprint = await wallet.fingerprint(purchase);
    if (earlier?.payment && fingerprint === fingerprintOf(question.request)) return earlier;
    await this.#askShadow(question);
    const granted = permit(this.#policy, question);
    if (granted.needsApproval) await this.#askApproval(question, granted);
    signal?.throwIfAborted();
    const excess = this.#rate.findExcess(this.#policy.maxCallsPerMinute);
    if (excess) throw excess;
    this.#rate.count();
    const { quote, offer, scopes } = granted;
    return wallet.authorize({ purchase, quote, offer, scopes });
  }

  #send({ method, url, headers, body }: Hop, request: ReadRequest, record: PurchaseRecord) {
    const { wallet, timeoutMs, resends, pause } = this.#options;
    const paid: SendPaidOptions = {
      request: { method, url, body, headers: Object.fromEntries(headers) },
      wallet,
      fetch: this.#fetch,
      signal: request.signal,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(resends === undefined ? {} : { resends }),
      ...(pause === undefined ? {} : { pause }),
    };
    return sendPaid(paid, record);
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

  /** Tells what the shadow policy would have refused; whatever it says, and however it fails, changes nothing. */
  async #askShadow(question: PermitQuestion): Promise<void> {
    const { shadow, wallet } = this.#options;
    if (!shadow || !this.#shadow) return;
    const { offer, scopes } = (() => {
      try {
        return permit(this.#shadow, question);
      } catch (error) {
        if (!(error instanceof PurserError)) throw error;
        shadow.report(error, question.purchase);
        return { offer: undefined, scopes: [] };
      }
    })();
    if (!offer) return;
    for (const scope of scopes) {
      const { settled, reserved } = await wallet.spent(scope);
      const excess = findExcess(offer.amount, scope, settled + reserved);
      if (excess) return shadow.report(excess, question.purchase);
    }
    const excess = this.#rate.findExcess(this.#shadow.maxCallsPerMinute);
    if (excess) shadow.report(excess, question.purchase);
  }
}

function notReplayable({ url }: Hop): PaymentError {
  return new PaymentError("BODY_NOT_REPLAYABLE", {
    problem: `${url} asks for a payment, and the request's body is a stream that was used up.`,
    nextStep: "Nothing was paid. Send the body as text, bytes, a Blob or a form.",
  });
}

function unreadable({ url }: Hop, cause: unknown): PaymentError {
  return new PaymentError("ANSWER_UNREADABLE", {
    problem: `${url} asks for a payment in an answer that cannot be read whole.`,
    nextStep: "Nothing was paid. Treat the answer as a failure.",
    cause,
  });
}

function redirectRefused({ url }: Hop): PaymentError {
  return new PaymentError("REDIRECTED", {
    problem: `${url} answered with a redirect, and the request said to follow none.`,
    nextStep: "Nothing was paid.",
  });
}
