/**
 * What an error of a tool means for the plan. `again`: the same call once more (every tool may be repeated). `elsewhere`: this
 * service will not do, another might. `stop`: nobody should go on. After money may have moved, never `elsewhere`.
 */
import type { Cause } from "../finish.ts";
import type { CallError } from "./history.ts";

export type Reaction =
  | { kind: "again"; afterwards: Cause }
  | { kind: "elsewhere"; cause: Cause }
  | { kind: "stop"; outcome: "refused" | "failed"; cause: Cause };

const REACTIONS: Readonly<Record<string, Reaction>> = {
  // The person said no, or is needed for something that a run cannot do.
  TERMS_DECLINED: { kind: "stop", outcome: "refused", cause: "terms_declined" },
  CONSENT_REQUIRED: { kind: "stop", outcome: "refused", cause: "consent_missing" },
  CONSENT_DECLINED: { kind: "stop", outcome: "refused", cause: "consent_missing" },
  EMAIL_UNVERIFIED: { kind: "stop", outcome: "refused", cause: "other" },
  PAYMENT_METHOD_REQUIRED: { kind: "stop", outcome: "refused", cause: "payment_method" },
  HUMAN_UNAVAILABLE: { kind: "stop", outcome: "failed", cause: "other" },
  // The wallet's limits.
  BUDGET_EXCEEDED: { kind: "stop", outcome: "refused", cause: "over_budget" },
  CAP_EXCEEDED: { kind: "stop", outcome: "refused", cause: "over_budget" },
  // The payment may be on its way: only the same call may follow.
  PAYMENT_UNKNOWN: { kind: "again", afterwards: "payment_unsettled" },
  PAID_NOT_DELIVERED: { kind: "again", afterwards: "payment_unsettled" },
  WALLET_UNREACHABLE: { kind: "again", afterwards: "payment_unsettled" },
  PAYMENT_EXPIRED: { kind: "again", afterwards: "other" },
  SERVICE_PENDING: { kind: "again", afterwards: "other" },
  LEDGER_BUSY: { kind: "again", afterwards: "other" },
  LEDGER_UNREADABLE: { kind: "stop", outcome: "failed", cause: "other" },
  ORCHESTRATOR_UNREACHABLE: { kind: "again", afterwards: "other" },
  PROVIDER_UNREACHABLE: { kind: "again", afterwards: "other" },
  PROVIDER_UNAVAILABLE: { kind: "again", afterwards: "other" },
  TOKEN_REQUIRED: { kind: "stop", outcome: "failed", cause: "other" },
  TOKEN_UNKNOWN: { kind: "stop", outcome: "failed", cause: "other" },
  TOKEN_EXPIRED: { kind: "stop", outcome: "failed", cause: "other" },
  TOKEN_REVOKED: { kind: "stop", outcome: "failed", cause: "other" },
  PROVIDER_NOT_ALLOWED: { kind: "elsewhere", cause: "no_service" },
  PROVIDER_INVALID: { kind: "elsewhere", cause: "no_service" },
  SERVICE_UNKNOWN: { kind: "elsewhere", cause: "no_service" },
  PRICE_UNKNOWN: { kind: "elsewhere", cause: "no_service" },
};

/** How the plan goes on after an error. */
export function reactTo({ code, details }: CallError): Reaction {
  const known = REACTIONS[code];
  if (known) return known;
  // The 402 was not what the catalog says: not a unit of it is paid.
  if (/^(OFFER|CHALLENGE)_/.test(code)) return { kind: "elsewhere", cause: "offer_refused" };
  if (details?.["provider_code"] === "spend_limit_exceeded") {
    return { kind: "stop", outcome: "refused", cause: "over_budget" };
  }
  const status = Number(details?.["status"]);
  if (status === 409) return { kind: "elsewhere", cause: "domain_taken" };
  if (status >= 500) return { kind: "again", afterwards: "other" };
  return { kind: "elsewhere", cause: "other" };
}
