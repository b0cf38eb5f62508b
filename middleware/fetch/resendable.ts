/** Which of the kept requests a payer sends again, and with which headers: those that were withheld are asked for anew. */
import type { KeptRequest } from "../../store/index.ts";
import { fingerprintOf } from "../fingerprint.ts";
import type { PaidRequest } from "../send-paid.ts";
import { type KeptPaidRequest, readKeptRequest } from "./kept-request.ts";
import type { RecoveryTiming } from "./recovery.ts";
import type { ReadPolicy } from "./spending-policy.ts";

export interface RecoverySettings extends RecoveryTiming {
  /** The headers that were not kept because they may be secret, by their names; without it such a request waits for its caller. */
  readonly credentials?: (
    url: string,
    names: readonly string[],
  ) => Record<string, string> | Promise<Record<string, string>>;
}

interface ResendableOptions {
  readonly policy: ReadPolicy;
  readonly scope: string;
  readonly credentials: RecoverySettings["credentials"] | undefined;
}

/** Of this payer's scope, allowed by its policy as it is now, and the very request that the bytes are for. */
export function resendable({ policy, scope, credentials }: ResendableOptions) {
  return async ({ entry, request: kept }: KeptRequest): Promise<PaidRequest | undefined> => {
    const request = readKeptRequest(kept);
    const { origin } = new URL(request.url);
    const isAllowed = policy.providers.some(({ origins }) => origins.includes(origin));
    if (request.scope !== scope || !isAllowed) return undefined;
    if (fingerprintOf(request) !== entry.fingerprint) return undefined;
    const headers = await headersOf(request, credentials);
    return headers && { ...request, headers };
  };
}

async function headersOf(
  { url, headers, withheld }: KeptPaidRequest,
  credentials: ResendableOptions["credentials"],
) {
  if (withheld.length === 0) return headers;
  return credentials && { ...headers, ...(await credentials(url, withheld)) };
}
