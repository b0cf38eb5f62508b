/**
 * What an agent alone asks of its orchestrator, over HTTP with the run's capability token (`Authorization: Bearer`): to pay, to ask the
 * human, and to hand on what it may. The catalog, the project, accounts and resources it has by the calls of `session-api.ts`, as a
 * person's own program has them.
 * Nothing here lets the agent name a URL, an amount or a recipient: it names a catalog entry and typed inputs.
 *
 * | call | answer |
 * |---|---|
 * | `GET /v1/credentials/{handle}` | `Credential` (for the agent's transport, never for the model) |
 * | `POST /v1/questions` `{ question, choices? }` | `{ answer }` |
 * | `POST /v1/purchases` `PurchaseOrder` | `PurchaseRecord` with the payment to send |
 * | `GET /v1/purchases/{id}` | `PurchaseRecord`, or 404 |
 * | `POST /v1/purchases/{id}/outcome` `OutcomeReport` | `PurchaseRecord` |
 * | `GET /v1/purchases/{id}/answer` | `PurchaseAnswer` where the orchestrator has fetched it, or 404 |
 * | `POST /v1/runs` `DelegationOrder` | `Delegation`: a run for a sub-agent, within this one |
 * | `DELETE /v1/runs/{id}` | `{ id, revoked: true }`, for a run that this one (or one that it started) has started |
 *
 * An error is `{ ok: false, error: ErrorBody }` with a fitting status.
 */
import { z } from "zod";
import { Catalog } from "./catalog.ts";
import { OrderedOffer } from "./ordered-offer.ts";
import { ResourceBilling } from "./resource.ts";

const text = (max: number) => z.string().min(1).max(max);
const inputs = z.record(z.string().max(64), z.string().max(1000));

export const CatalogEnvelope = z.object({
  ok: z.literal(true),
  command: z.literal("catalog"),
  version: z.literal("0.1"),
  data: Catalog.extend({ last_updated: z.string() }),
  /** Such as a provider that did not answer. */
  warnings: z.array(z.string()),
});
export type CatalogEnvelope = z.output<typeof CatalogEnvelope>;

export const Connection = z.object({
  provider: text(50),
  account_id: text(100),
  /** A handle such as "cred:cloudflare"; the token itself stays in the vault. */
  credential: text(100),
});
export type Connection = z.output<typeof Connection>;

export const Resource = z.object({
  id: text(100),
  /** Such as "cloudflare/kv". */
  service: text(160),
  /** `untracked`: the project has given it up, and its provider has it still. */
  status: z.enum(["complete", "pending", "needs_information", "errored", "removed", "untracked"]),
  configuration: inputs,
  /** What code needs to reach it; secrets stand as handles. */
  access: z.record(z.string(), z.string()),
  /** What its owner calls it. */
  name: z.string().optional(),
  /** What the provider asks before it goes on: a JSON Schema. A stranger's. */
  information_schema: z.record(z.string(), z.json()).optional(),
  /** What it costs from period to period, and until when it is paid. */
  billing: ResourceBilling.extend({
    /** Why its next period has not been paid: the code of an error, such as "CAP_EXCEEDED". */
    renewal_problem: z.string().max(100).optional(),
  }).optional(),
});
export type Resource = z.output<typeof Resource>;

/** What its project has no more, though it is told of. */
export function isGone({ status }: { status: string }): boolean {
  return status === "removed" || status === "untracked";
}

/** Amounts as decimal text in US dollars. */
export const Spend = z.object({
  provider: z.string(),
  cap: z.string(),
  spent: z.string(),
  reserved: z.string(),
});
export type Spend = z.output<typeof Spend>;

export const ResourceOrder = z.object({
  service: text(160),
  configuration: inputs,
  idempotency_key: text(100),
});
export type ResourceOrder = z.output<typeof ResourceOrder>;

export const Credential = z.object({
  token_type: z.literal("bearer"),
  access_token: text(8192),
  account_id: text(100),
});
export type Credential = z.output<typeof Credential>;

/** One logical buy: a catalog entry, its operation, typed inputs. The orchestrator recomputes request, price and payee. */
export const PurchaseOrder = z.object({
  service: text(160),
  operation: text(50),
  inputs,
  /** The offer that the agent's middleware chose from the 402, as the server wrote it. */
  offer: OrderedOffer,
});
export type PurchaseOrder = z.output<typeof PurchaseOrder>;

/**
 * - `reserved`, `signing`: before anything could be sent. `sent`: the signature may be out. `unknown`: sent, and the answer did
 *   not settle it. `claimed`: the server says settled, and the chain has not confirmed yet. These count against the cap.
 * - `settled`: proven on chain (counts). `released`: proven not to have moved money, and never able to (does not count).
 */
export const PurchaseState = z.enum([
  "reserved",
  "signing",
  "sent",
  "unknown",
  "claimed",
  "settled",
  "released",
]);
export type PurchaseState = z.output<typeof PurchaseState>;

export const PurchaseRecord = z.object({
  id: text(100),
  provider: text(50),
  service: text(160),
  state: PurchaseState,
  /** Decimal text in whole tokens. */
  amount: z.string(),
  asset: z.string(),
  network: z.string(),
  payTo: z.string(),
  transaction: z.string().optional(),
  /** The digest of the request that it pays for (method, URL, body): its bytes go with no other. */
  request: z.string().max(64).optional(),
  /** The header to send, the same bytes each time; only while they may still be needed. A bearer capability: never logged. */
  payment: z
    .object({
      name: z.enum(["X-PAYMENT", "PAYMENT-SIGNATURE", "Authorization", "Payment-Authorization"]),
      value: z.string(),
    })
    .optional(),
});
export type PurchaseRecord = z.output<typeof PurchaseRecord>;

/** What came of the paid request; the wallet checks it against the chain. */
export const OutcomeReport = z.object({
  /** HTTP status, or null when no answer came. */
  status: z.number().int().nullable(),
  /** The transaction that the answer's receipt claims. */
  transaction: z.string().max(256).optional(),
});
export type OutcomeReport = z.output<typeof OutcomeReport>;

/**
 * A provider's answer to a paid request whose caller never got it: recovery has fetched it, by the same bytes, and it is kept for the
 * next identical call.
 */
export const PurchaseAnswer = z.object({
  url: z.string(),
  status: z.number().int(),
  statusText: z.string(),
  headers: z.array(z.tuple([z.string(), z.string()])),
  /** Base64; null where the status allows none. */
  body: z.string().nullable(),
});
export type PurchaseAnswer = z.output<typeof PurchaseAnswer>;

/** What a sub-agent may have of its starter's run; what is left out is as the starter has it. Nothing may be more than that. */
export const DelegationOrder = z.object({
  /** Decimal text in US dollars. What it spends counts against the starter's budget as well. */
  budget: text(40).optional(),
  providers: z.array(text(50)).max(100).optional(),
  expires_at: z.iso.datetime({ offset: true }).optional(),
});
export type DelegationOrder = z.output<typeof DelegationOrder>;

export const Delegation = z.object({
  id: text(100),
  /** The sub-agent's capability token, shown once. A bearer capability: never logged. */
  token: text(200),
  budget: z.string(),
  /** null: every provider that the starter may use. */
  providers: z.array(z.string()).nullable(),
  expires_at: z.string(),
});
export type Delegation = z.output<typeof Delegation>;

export const Question = z.object({
  question: text(2000),
  choices: z.array(text(200)).max(20).optional(),
});
export type Question = z.output<typeof Question>;
