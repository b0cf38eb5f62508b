/**
 * Recovery of what `payCall` paid for and nobody got, for whoever holds the wallet: it is fetched at start and now and then, by the same
 * bytes, for the next identical call. What the seller wants beside the payment is asked for anew each time, and is never kept.
 */
import type { KeptRequest } from "../store/index.ts";
import { readKeptRequest } from "./fetch/kept-request.ts";
import { Recovery, type RecoveryOptions, type RecoveryTiming } from "./fetch/recovery.ts";
import type { PaidRequest } from "./send-paid.ts";

/** A call that was paid for. */
export interface PaidCall {
  /** The purchase's id. */
  readonly purchase: string;
  readonly project: string;
  /** The provider's id in the catalog. */
  readonly provider: string;
}

/** Where a provider is now, and the headers that it wants, such as `authorization`. */
export interface Seller {
  readonly baseUrl: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface CallRecoveryOptions
  extends RecoveryTiming, Pick<RecoveryOptions, "wallet" | "timeoutMs" | "onError"> {
  /** Undefined where a call is not to be made again, or not now. Nothing is sent to where a provider was before. */
  readonly sellerOf: (call: PaidCall) => Seller | undefined | Promise<Seller | undefined>;
  /** It runs only when it is told to. */
  readonly manual?: boolean;
  readonly fetch?: typeof globalThis.fetch;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

export interface CallRecovery extends AsyncDisposable {
  /** Runs now. */
  readonly recover: () => Promise<void>;
  /**
   * The first run of the one process that signs with this wallet: what was being signed has died with the process before. Resolves when
   * the chain was asked; what was paid for is fetched from then on.
   */
  readonly begin: () => Promise<void>;
  /** Ends it. Close it before the wallet's book. */
  readonly close: () => Promise<void>;
}

/** Begins, unless it is `manual`, and goes on without keeping the program from ending. */
export function recoverCalls({
  sellerOf,
  manual = false,
  fetch = globalThis.fetch,
  now = Date.now,
  ...options
}: CallRecoveryOptions): CallRecovery {
  const requestOf = async ({
    entry,
    request: kept,
  }: KeptRequest): Promise<PaidRequest | undefined> => {
    const { scope: project, ...request } = readKeptRequest(kept);
    const { purchase, provider } = entry;
    const seller = await sellerOf({ purchase, project, provider });
    if (!seller || new URL(request.url).origin !== new URL(seller.baseUrl).origin) return undefined;
    return { ...request, headers: { ...request.headers, ...seller.headers } };
  };
  const recovery = new Recovery({ ...options, fetch, now, requestOf });
  if (!manual) recovery.start();
  const close = () => recovery.close();
  const begin = () => recovery.begin();
  return { recover: () => recovery.run(), begin, close, [Symbol.asyncDispose]: close };
}
