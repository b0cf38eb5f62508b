/**
 * Fetches what was paid for and never delivered: at start, and now and then. First the chain ends what it has an answer for; then each
 * payment that is settled, or may still be, is sent again, the same bytes with the same request, and what comes back is kept for the
 * caller's next identical call. It never signs. What a server does not deliver stays in the book as paid and undelivered.
 */
import { isOpen, type KeptRequest } from "../../store/index.ts";
import { fingerprintOf } from "../fingerprint.ts";
import { reportAnswer, sendRequest, type SendOptions } from "../send-paid.ts";
import type { PayingWallet } from "./gatekeeper.ts";
import { writeKeptAnswer } from "./kept-answer.ts";
import { type KeptPaidRequest, readKeptRequest } from "./kept-request.ts";
import type { ReadPolicy } from "./spending-policy.ts";

export interface RecoverySettings {
  /** How often it runs, in milliseconds; 15,000 unless given. */
  readonly everyMs?: number;
  /** What changed within this time may be another process's that is alive, and is left to it; 30,000 unless given. */
  readonly graceMs?: number;
  /** The headers that were not kept because they may be secret, by their names; without it such a request waits for its caller. */
  readonly credentials?: (
    url: string,
    names: readonly string[],
  ) => Record<string, string> | Promise<Record<string, string>>;
}

export interface RecoveryOptions extends RecoverySettings, Pick<SendOptions, "timeoutMs"> {
  readonly wallet: Pick<PayingWallet, "recover" | "listKept" | "keepAnswer" | "find" | "report">;
  readonly policy: ReadPolicy;
  readonly scope: string;
  readonly fetch: typeof globalThis.fetch;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Whether a call of this process is on its way for the purchase. */
  readonly isBusy: (purchase: string) => boolean;
  readonly onError: ((error: unknown) => void) | undefined;
}

/** After this many failures the pauses grow no more. */
const MAX_DOUBLINGS = 8;

export class Recovery {
  readonly #options: RecoveryOptions;
  readonly #everyMs: number;
  readonly #stopped = new AbortController();
  /** Purchases that were not delivered, how often, and when they are tried again. */
  readonly #failed = new Map<string, { times: number; notBefore: number }>();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: RecoveryOptions) {
    this.#options = options;
    this.#everyMs = options.everyMs ?? 15_000;
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
    const run = this.#running.catch(() => undefined).then(() => this.#pass());
    this.#running = run;
    return run;
  }

  async close(): Promise<void> {
    this.#stopped.abort();
    clearTimeout(this.#timer);
    await this.#running.catch(() => undefined);
  }

  async #pass(): Promise<void> {
    const { wallet, graceMs = 30_000 } = this.#options;
    if (this.#stopped.signal.aborted) return;
    await wallet.recover({ graceMs });
    for (const kept of await wallet.listKept()) {
      if (this.#stopped.signal.aborted) return;
      if (this.#isDue(kept, graceMs)) await this.#fetchAgain(kept);
    }
  }

  #isDue({ entry, answer }: KeptRequest, graceMs: number): boolean {
    const { now, isBusy } = this.#options;
    const { purchase, payment, state, updatedAt, validBefore } = entry;
    if (answer !== undefined || payment === undefined || isBusy(purchase)) return false;
    const at = now();
    if (at < (this.#failed.get(purchase)?.notBefore ?? 0)) return false;
    // The server can no longer settle it; the chain will prove it dead.
    if (isOpen(state) && validBefore * 1000n <= BigInt(Math.floor(at))) return false;
    return Math.abs(at - updatedAt) >= graceMs;
  }

  async #fetchAgain({ entry, request: kept }: KeptRequest): Promise<void> {
    const { wallet, fetch, timeoutMs } = this.#options;
    const request = readKeptRequest(kept);
    const { purchase, payment } = entry;
    if (payment === undefined || !this.#isOurs(request, entry.fingerprint)) return;
    const headers = await this.#headersOf(request);
    const record = headers && (await wallet.find(purchase));
    if (!record) return;
    const { name, value } = payment.reveal();
    const sending: SendOptions = {
      request: { ...request, headers },
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

  /** Of this payer's scope, allowed by its policy as it is now, and the very request that the bytes are for. */
  #isOurs(request: KeptPaidRequest, fingerprint: string): boolean {
    const { policy, scope } = this.#options;
    const { origin } = new URL(request.url);
    const isAllowed = policy.providers.some(({ origins }) => origins.includes(origin));
    return request.scope === scope && isAllowed && fingerprintOf(request) === fingerprint;
  }

  async #headersOf({ url, headers, withheld }: KeptPaidRequest) {
    if (withheld.length === 0) return headers;
    const { credentials } = this.#options;
    return credentials && { ...headers, ...(await credentials(url, withheld)) };
  }

  #postpone(purchase: string): void {
    const times = (this.#failed.get(purchase)?.times ?? 0) + 1;
    const pause = this.#everyMs * 2 ** Math.min(times - 1, MAX_DOUBLINGS);
    this.#failed.set(purchase, { times, notBefore: this.#options.now() + pause });
  }
}
