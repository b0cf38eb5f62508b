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
import { Gatekeeper, type GatekeeperOptions, type PayingWallet } from "./gatekeeper.ts";
import { guardedFetch } from "./guarded-fetch.ts";
import type { PermitQuestion } from "./permit.ts";
import { purchaseKey } from "./purchase-key.ts";
import { readChallenge } from "./read-challenge.ts";
import { type FetchInput, type ReadRequest, readRequest } from "./read-request.ts";
import { readPolicy, type SpendingPolicy } from "./spending-policy.ts";
import { type Hop, walkUnpaid, type WalkEnd } from "./unpaid-walk.ts";

export interface PayerOptions
  extends GatekeeperOptions, Pick<SendPaidOptions, "timeoutMs" | "resends" | "pause"> {
  readonly wallet: PayingWallet;
  readonly policy: SpendingPolicy;
  /**
   * Whose purchases these are, such as a project or a task; part of every purchase's identity and of the provider's cap. Within
   * a scope the same request is the same purchase: to buy it again, use another scope or an `Idempotency-Key`.
   */
  readonly scope: string;
  /**
   * Whether a delivered call waits until the chain has confirmed its payment (`wait`), or returns at once and has it confirmed in the
   * background; then `record.state` is "sent", which counts as spent, and a crash leaves it to recovery. A payer waits unless told.
   */
  readonly confirm?: "wait" | "background";
  /** Told of what failed in the background. */
  readonly onError?: (error: unknown) => void;
  /** Unless given, one that pins the address at connect and refuses private ones unless the policy is local. */
  readonly fetch?: typeof globalThis.fetch;
}

export interface PayTerms {
  /** The most that this call may cost, decimal text in dollars; at most what the policy allows. */
  readonly maxAmount?: string;
}

/** Pays for requests; takes what `fetch` takes. Rejects only where nothing was paid: an aborted signal, or a bug. */
export interface Pay extends PayerControls {
  (input: FetchInput, init?: RequestInit, terms?: PayTerms): Promise<PayOutcome>;
}

/** What goes on in the background, and its end. */
export interface PayerControls extends AsyncDisposable {
  /** Resolves when nothing goes on in the background: every payment so far is confirmed, or left to recovery. */
  readonly idle: () => Promise<void>;
  /** Waits for what goes on in the background. */
  readonly close: () => Promise<void>;
}

/** Makes the payer, or throws `POLICY_INVALID`. */
export function createPayer(options: PayerOptions): Pay {
  const payer = new Payer(options);
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

function controlsOf({ background }: Payer): PayerControls {
  const idle = () => background.idle();
  return { idle, close: idle, [Symbol.asyncDispose]: idle };
}

class Payer {
  readonly #options: PayerOptions;
  readonly #gatekeeper: Gatekeeper;
  readonly #fetch: typeof globalThis.fetch;
  readonly #now: () => number;
  readonly background: Background;

  constructor(options: PayerOptions) {
    const policy = readPolicy(options.policy);
    const { now = Date.now, fetch = guardedFetch({ local: policy.local }) } = options;
    this.#options = options;
    this.background = new Background(options);
    this.#gatekeeper = new Gatekeeper(options, policy);
    this.#fetch = fetch;
    this.#now = now;
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
    const { wallet, scope } = this.#options;
    const purchase = purchaseKey(scope, hop);
    const earlier = await wallet.find(purchase);
    if (earlier?.payment === undefined || earlier.request !== fingerprintOf(hop)) return undefined;
    const outcome = await this.#send(hop, request, earlier);
    // Proven dead by now: the purchase begins anew.
    return outcome.kind === "refused" ? undefined : outcome;
  }

  async #meet(end: WalkEnd, request: ReadRequest, maxAmount: bigint | undefined) {
    const { hop } = end;
    const answer = await readChallenge(end, request);
    if (hop.stream) throw notReplayable(hop);
    const { method, url, body } = hop;
    const question: PermitQuestion = {
      purchase: purchaseKey(this.#options.scope, hop),
      request: { method, url, body },
      offers: readOffers(answer, hop, this.#now()),
      maxAmount,
      scope: this.#options.scope,
    };
    const { signal } = request;
    const record = await this.#gatekeeper.authorize(question, { keep: undefined, signal });
    return this.#send(hop, request, record);
  }

  #send({ method, url, headers, body }: Hop, request: ReadRequest, record: PurchaseRecord) {
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
        ? { confirmLater: (confirmation) => this.background.add(confirmation) }
        : {}),
    };
    return sendPaid(paid, record);
  }
}

function notReplayable({ url }: Hop): PaymentError {
  return new PaymentError("BODY_NOT_REPLAYABLE", {
    problem: `${url} asks for a payment, and the request's body is a stream that was used up.`,
    nextStep: "Nothing was paid. Send the body as text, bytes, a Blob or a form.",
  });
}
