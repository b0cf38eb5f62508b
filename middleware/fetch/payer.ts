/**
 * Pays for any request that its policy allows: no catalog, no orchestrator, only a wallet and a policy. A request goes out as
 * `fetch` would send it; where the answer is a 402, the policy decides, the wallet signs at most once for the purchase, and the
 * payment goes to the very URL that asked for it, and nowhere else.
 */
import { PurserError } from "../../protocol/error.ts";
import { parseDecimal } from "../../protocol/money.ts";
import type { PurchaseRecord } from "../../protocol/orchestrator-api.ts";
import { fingerprintOf } from "../fingerprint.ts";
import { PaymentError } from "../payment-error.ts";
import { readOffers } from "../read-offers.ts";
import { type PayOutcome, sendPaid, type SendPaidOptions } from "../send-paid.ts";
import { Background } from "./background.ts";
import { Gatekeeper, type PayingWallet } from "./gatekeeper.ts";
import { guardedFetch } from "./guarded-fetch.ts";
import { answerAsItCame, parseKeptAnswer } from "./kept-answer.ts";
import { writeKeptRequest } from "./kept-request.ts";
import type { Pay, PayerControls, PayerOptions, PayTerms } from "./payer-options.ts";
import type { PermitQuestion } from "./permit.ts";
import { purchaseKey } from "./purchase-key.ts";
import { readChallenge } from "./read-challenge.ts";
import { type FetchInput, type ReadRequest, readRequest } from "./read-request.ts";
import { Recovery } from "./recovery.ts";
import { resendable } from "./resendable.ts";
import { Rounds } from "./rounds.ts";
import { readPolicy } from "./spending-policy.ts";
import { type Hop, walkUnpaid, type WalkEnd } from "./unpaid-walk.ts";

/** Makes the payer, or throws `POLICY_INVALID` or `WALLET_NOT_LOCAL`. */
export function createPayer(options: PayerOptions): Pay {
  refuseRemote(options.wallet);
  const payer = new Payer(options);
  if (options.recovery !== false) payer.recovery.start();
  const pay = async (input: FetchInput, init?: RequestInit, terms: PayTerms = {}) => {
    try {
      return await payer.pay(await readRequest(input, init), terms);
    } catch (error) {
      if (!(error instanceof PurserError)) throw error;
      return { kind: "refused", error: error.toJSON() } as const;
    }
  };
  return Object.assign(pay, controlsOf(payer));
}

function controlsOf(payer: Payer): PayerControls {
  const { recovery } = payer;
  const idle = () => payer.idle();
  const close = async () => {
    await recovery.close();
    await idle();
  };
  return { idle, recover: () => recovery.run(), close, [Symbol.asyncDispose]: close };
}

/** A wallet behind an orchestrator pays what its catalog names, and recomputes that itself: it cannot be told of any URL. */
function refuseRemote(wallet: Partial<PayingWallet>): void {
  if (typeof wallet.listKept === "function") return;
  throw new PaymentError("WALLET_NOT_LOCAL", {
    problem: "A payer without a catalog needs a wallet in this process, and this one is elsewhere.",
    nextStep:
      "Pay through `payCall`, which a wallet behind an orchestrator serves, or open a `Wallet` here.",
  });
}

class Payer {
  readonly #options: PayerOptions;
  readonly #gatekeeper: Gatekeeper;
  readonly #fetch: typeof globalThis.fetch;
  readonly #now: () => number;
  /** Purchases that a call of ours is on its way for. */
  readonly #busy = new Map<string, number>();
  readonly #purchases = new WeakMap<Hop, string>();
  readonly #background: Background;
  /** When what was delivered is proven: not while the caller's next purchase wants the processor and the disk. */
  readonly #rounds = new Rounds();
  readonly recovery: Recovery;

  constructor(options: PayerOptions) {
    const policy = readPolicy(options.policy);
    const { wallet, scope, timeoutMs, recovery, onError } = options;
    const { now = Date.now, fetch = guardedFetch({ local: policy.local }) } = options;
    this.#options = options;
    this.#background = new Background(options);
    this.#gatekeeper = new Gatekeeper(options, policy);
    this.#fetch = fetch;
    this.#now = now;
    const settings = recovery === false ? {} : recovery;
    this.recovery = new Recovery({
      ...settings,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      wallet,
      requestOf: resendable({ policy, scope, credentials: settings?.credentials }),
      fetch,
      now,
      onError,
      isBusy: (purchase) => this.#busy.has(purchase),
    });
  }

  /** Resolves when nothing that was delivered waits for its proof. */
  idle(): Promise<void> {
    this.#rounds.end();
    return this.#background.idle();
  }

  async pay(request: ReadRequest, { maxAmount }: PayTerms): Promise<PayOutcome> {
    const { timeoutMs } = this.#options;
    const limit = maxAmount === undefined ? undefined : parseDecimal(maxAmount, 6);
    const walked = await walkUnpaid({ request, fetch: this.#fetch, timeoutMs }, (hop) =>
      this.#resume(hop, request),
    );
    if ("stopped" in walked) return walked.stopped;
    if (walked.response.status === 402) return this.#meet(walked, request, limit);
    walked.close();
    return { kind: "delivered", response: walked.response };
  }

  /** A purchase that was paid for before: the same bytes again, if this is the request that they are for. */
  async #resume(hop: Hop, request: ReadRequest): Promise<PayOutcome | undefined> {
    if (hop.stream) return undefined;
    const { wallet } = this.#options;
    const purchase = this.#purchaseOf(hop);
    const earlier = await wallet.find(purchase);
    if (earlier?.payment === undefined || earlier.request !== fingerprintOf(hop)) return undefined;
    const [kept] = await wallet.listKept(purchase);
    if (kept?.answer) {
      const response = answerAsItCame(parseKeptAnswer(kept.answer));
      return { kind: "delivered", response, record: earlier };
    }
    const outcome = await this.#send(hop, request, earlier);
    // Proven dead by now: the purchase begins anew.
    return outcome.kind === "refused" ? undefined : outcome;
  }

  /** Once for each hop: its body may be large. */
  #purchaseOf(hop: Hop): string {
    const known = this.#purchases.get(hop) ?? purchaseKey(this.#options.scope, hop);
    this.#purchases.set(hop, known);
    return known;
  }

  async #meet(end: WalkEnd, request: ReadRequest, maxAmount: bigint | undefined) {
    const { hop } = end;
    const answer = await readChallenge(end, request);
    if (hop.stream) throw notReplayable(hop);
    const { method, url, body } = hop;
    const question: PermitQuestion = {
      purchase: this.#purchaseOf(hop),
      request: { method, url, body },
      offers: readOffers(answer, hop, this.#now()),
      maxAmount,
      scope: this.#options.scope,
    };
    const { signal } = request;
    const record = await this.#gatekeeper.authorize(question, {
      keep: (terms) => writeKeptRequest(this.#options.scope, hop, terms),
      signal,
    });
    return this.#send(hop, request, record);
  }

  async #send({ method, url, headers, body }: Hop, request: ReadRequest, record: PurchaseRecord) {
    const { wallet, timeoutMs, resends, pause, confirm } = this.#options;
    const paid: SendPaidOptions = {
      request: { method, url, body, headers: Object.fromEntries(headers) },
      wallet,
      fetch: this.#fetch,
      signal: request.signal,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(resends === undefined ? {} : { resends }),
      ...(pause === undefined ? {} : { pause }),
      ...(confirm === "background"
        ? { confirmLater: (proof) => this.#background.add(this.#rounds.next().then(proof)) }
        : {}),
    };
    this.#busy.set(record.id, (this.#busy.get(record.id) ?? 0) + 1);
    try {
      return await sendPaid(paid, record);
    } finally {
      const left = (this.#busy.get(record.id) ?? 1) - 1;
      if (left > 0) this.#busy.set(record.id, left);
      else this.#busy.delete(record.id);
    }
  }
}

function notReplayable({ url }: Hop): PaymentError {
  return new PaymentError("BODY_NOT_REPLAYABLE", {
    problem: `${url} asks for a payment, and the request's body is a stream that was used up.`,
    nextStep: "Nothing was paid. Send the body as text, bytes, a Blob or a form.",
  });
}
