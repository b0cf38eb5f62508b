/**
 * Fetches what was paid for and never delivered: at start, and now and then. First the chain ends what it has an answer for; then each
 * payment that is settled, or may still be, is sent again, the same bytes with the same request, and what comes back is kept for the
 * caller's next identical call. It has nothing signed but what was reserved and may be out: where a failure has taken the bytes, they come
 * out the same. What a server does not deliver stays in the book as paid and undelivered.
 */
import { PurserError } from "../../protocol/error.ts";
import type { PurchaseRecord } from "../../protocol/orchestrator-api.ts";
import { isOpen, isOut, type KeptRequest } from "../../store/index.ts";
import { type PaidRequest, reportAnswer, sendRequest, type SendOptions } from "../send-paid.ts";
import type { PayingWallet } from "./gatekeeper.ts";
import { writeKeptAnswer } from "./kept-answer.ts";
import { readKeptRequest } from "./kept-request.ts";

export interface RecoveryTiming {
  /** How often it runs, in milliseconds; 15,000 unless given. */
  readonly everyMs?: number;
  /** What changed within this time may be another process's that is alive, and is left to it; 30,000 unless given. */
  readonly graceMs?: number;
}

export interface RecoveryOptions extends RecoveryTiming, Pick<SendOptions, "timeoutMs"> {
  readonly wallet: Pick<
    PayingWallet,
    "recover" | "remake" | "listKept" | "keepAnswer" | "find" | "report"
  >;
  /** The request to send again, with its headers; undefined where it is not to be sent, or not yet. */
  readonly requestOf: (kept: KeptRequest) => Promise<PaidRequest | undefined>;
  readonly fetch: typeof globalThis.fetch;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Whether a call of this process is on its way for the purchase. */
  readonly isBusy?: (purchase: string) => boolean;
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** After this many failures the pauses grow no more. */
const MAX_DOUBLINGS = 8;

export class Recovery {
  readonly #options: RecoveryOptions;
  readonly #everyMs: number;
  readonly #graceMs: number;
  readonly #stopped = new AbortController();
  /** Purchases that were not delivered, how often, and when they are tried again. */
  readonly #failed = new Map<string, { times: number; notBefore: number }>();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: RecoveryOptions) {
    this.#options = options;
    this.#everyMs = options.everyMs ?? 15_000;
    this.#graceMs = options.graceMs ?? 30_000;
  }

  /** Runs soon, and then again and again, without keeping the program from ending. */
  start(delayMs = 0): void {
    if (this.#stopped.signal.aborted) return;
    this.#timer = setTimeout(() => {
      this.run()
        .catch((error: unknown) => this.#options.onError?.(error))
        .finally(() => this.start(this.#everyMs));
    }, delayMs).unref();
  }

  /** Runs now, after any run that is going on. */
  run(): Promise<void> {
    return this.#next(async () => this.#fetchAll(await this.#look(this.#graceMs)));
  }

  /**
   * The first run of whoever signs with this wallet and has just started: what was being signed is nobody's any more. Resolves when the
   * chain was asked; what is paid for is fetched from then on.
   */
  begin(): Promise<void> {
    const looking = Promise.withResolvers<void>();
    this.#next(async () => {
      const kept = await this.#look(0);
      looking.resolve();
      await this.#fetchAll(kept);
    }).catch((error: unknown) => {
      looking.reject(error);
      this.#options.onError?.(error);
    });
    return looking.promise;
  }

  #next(pass: () => Promise<void>): Promise<void> {
    const run = this.#running
      .catch(() => undefined)
      .then(() => (this.#stopped.signal.aborted ? undefined : pass()));
    this.#running = run;
    return run;
  }

  async close(): Promise<void> {
    this.#stopped.abort();
    clearTimeout(this.#timer);
    await this.#running.catch(() => undefined);
  }

  /** Has the chain end what it has an answer for; what was old enough before that is not made young by it. */
  async #look(graceMs: number): Promise<KeptRequest[]> {
    const { wallet } = this.#options;
    const due = (await wallet.listKept()).filter((kept) => this.#isDue(kept));
    await wallet.recover({ graceMs });
    return due;
  }

  async #fetchAll(due: readonly KeptRequest[]): Promise<void> {
    for (const kept of due) {
      if (this.#stopped.signal.aborted) return;
      await this.#fetchAgain(kept);
    }
  }

  #isDue({ entry, answer }: KeptRequest): boolean {
    const { now, isBusy = () => false } = this.#options;
    const { purchase, state, updatedAt, validBefore } = entry;
    if (answer !== undefined || !isOut(state) || isBusy(purchase)) return false;
    const at = now();
    if (at < (this.#failed.get(purchase)?.notBefore ?? 0)) return false;
    // The server can no longer settle it; the chain will prove it dead.
    if (isOpen(state) && validBefore * 1000n <= BigInt(Math.floor(at))) return false;
    return Math.abs(at - updatedAt) >= this.#graceMs;
  }

  async #fetchAgain(kept: KeptRequest): Promise<void> {
    const { wallet, fetch, timeoutMs, requestOf } = this.#options;
    const { purchase, payment } = kept.entry;
    const found = await wallet.find(purchase);
    // Dead by now, or another one, that somebody else has just made.
    if (!found || found.payment?.value !== payment?.reveal().value) return;
    const request = await requestOf(kept);
    if (!request) return;
    const record = payment ? found : await this.#remake(kept);
    if (!record?.payment) return this.#postpone(purchase);
    const { name, value } = record.payment;
    const sending: SendOptions = {
      request,
      fetch,
      signal: this.#stopped.signal,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    };
    const answer = await sendRequest(sending, { [name]: value });
    if (this.#stopped.signal.aborted) return;
    const text = answer?.response.ok ? await writeKeptAnswer(answer.response.clone()) : undefined;
    if (text) await wallet.keepAnswer(purchase, text);
    else this.#postpone(purchase);
    // An answer that could not be kept has reached nobody, so it is not reported as one.
    const isLost = answer?.response.ok === true && text === undefined;
    await reportAnswer(wallet, record, isLost ? undefined : answer);
  }

  /** With the bytes that a failure has taken, where they can be made again. */
  async #remake({ entry, request }: KeptRequest): Promise<PurchaseRecord | undefined> {
    const { terms } = readKeptRequest(request);
    try {
      return terms && (await this.#options.wallet.remake(entry, terms));
    } catch (error) {
      if (!(error instanceof PurserError)) throw error;
      return undefined;
    }
  }

  #postpone(purchase: string): void {
    const times = (this.#failed.get(purchase)?.times ?? 0) + 1;
    const pause = this.#everyMs * 2 ** Math.min(times - 1, MAX_DOUBLINGS);
    this.#failed.set(purchase, { times, notBefore: this.#options.now() + pause });
  }
}
