/**
 * What a signed-in person's own program (the command line, a platform's page) asks of the orchestrator, over HTTP with a session
 * token (`Authorization: Bearer`) or the platform's own sign-in, and an agent's run with its capability token. A session makes
 * projects and works in all of the person's. Nobody is asked anything in a session's call: what needs the person is a refusal whose
 * `details` say what, and the call is made again with the answer in it.
 *
 * A run makes the calls marked with (run), in its own project and at the providers that it may use; the others are `NOT_ALLOWED`. In a
 * run's call the person is asked through the orchestrator, so that what is a person's word (`accept_terms`, `scopes`) is `NOT_ALLOWED`
 * in it. What only a run asks is in `orchestrator-api.ts`.
 *
 * | call | answer |
 * |---|---|
 * | `GET /v1/catalog` (run) | `CatalogEnvelope`: with each provider's address and operations, for who calls providers |
 * | `POST /v1/device_authorization`, `POST /v1/token` (forms) | RFC 8628: how a program without a browser gets a session |
 * | `GET /v1/session`, `DELETE /v1/session` | `SessionView`; `{ revoked: true }` |
 * | `GET /v1/services?provider&category&query` | `ServicesEnvelope` |
 * | `GET /v1/providers`, `POST /v1/providers` `{ url }`, `DELETE /v1/providers/{id}` | `ProviderList`, `ProviderView`, `{ removed: true }` |
 * | `GET /v1/providers/{id}/llm-context` | `LlmContext` |
 * | `GET /v1/projects` (run), `POST /v1/projects` `ProjectOrder` | `ProjectList`, of a run its own alone; `ProjectSummary` |
 * | `GET /v1/projects/{p}` (run) | `ProjectStatus` |
 * | `PUT /v1/projects/{p}/caps/{provider}` `{ amount }` | `Spend` |
 * | `GET /v1/projects/{p}/spend` | `SpendHistory`: of the last twelve months |
 * | `POST /v1/projects/{p}/runs` `RunGrant` | `Delegation`: a run for an agent |
 * | `POST /v1/projects/{p}/connections` `ConnectionOrder` (run) | `ConnectionView` |
 * | `GET /v1/projects/{p}/connections` (run), `DELETE …/connections/{provider}` | `ConnectionList`, `Unlinked` |
 * | `GET /v1/projects/{p}/consents`, `POST …/consents` `ConsentOrder`, `DELETE …/consents/{id}` | `ConsentList`, `ChangedConsent` |
 * | `POST /v1/projects/{p}/preflight` `AddOrder` | `Preflight`: what would stand in the way, and nothing is done |
 * | `POST /v1/projects/{p}/quotes` `QuoteOrder` | `Quote` |
 * | `POST /v1/projects/{p}/resources` `AddOrder` (run) | `Resource` |
 * | `GET /v1/projects/{p}/resources`, `GET …/resources/{id}` (run) | `ResourceList`; `Resource`, asked anew of the provider while it is pending |
 * | `POST …/resources/{id}/update` `UpdateOrder` | `Resource` |
 * | `POST …/resources/{id}/rotate` `RotateOrder` | `Resource` |
 * | `POST …/resources/{id}/renew` `RenewOrder` | `Resource`: its next period is paid |
 * | `POST …/resources/{id}/remove` `RemoveOrder` | `Resource`: `removed`; or `untracked`, or without its credentials |
 * | `POST …/resources/{id}/information` `InformationOrder` | `Resource` |
 * | `POST /v1/projects/{p}/resources/link` `LinkOrder` | `Resource` |
 * | `GET …/resources/{id}/access` | `ResourceAccess`: the secrets themselves, each read on the audit's list |
 * | `GET /v1/projects/{p}/env?provider` | `EnvView`: names and handles, no secret |
 * | `GET /v1/projects/{p}/variables` | `VariableList`: the project's own variables, without their values |
 * | `PUT …/variables/{name}` `VariableOrder`, `DELETE …/variables/{name}` | `Variable`, `{ deleted: true }` |
 * | `GET …/variables/{name}` | `VariableValue`: the value itself, each read on the audit's list |
 * | `GET /v1/projects/{p}/secret-reads` | `SecretReads` |
 * | `POST /v1/projects/{p}/deep_links` `DeepLinkOrder` | `DeepLink` |
 *
 * Refusals that the person can lift have `details.confirmations_required` (`tos`, `paid`, `destructive`, `nonrefundable`, comma
 * between two): `TOS_ACCEPTANCE_REQUIRED` (`provider`, `tos_url`, `tos_version`: send `accept_terms`), `PAYMENT_CONFIRMATION_REQUIRED`
 * (the fields of a `Quote`, `quote_id` and `quote_hash` among them: send `quote`), `CONFIRMATION_REQUIRED` (send `confirm`). Besides:
 * `CONSENT_REQUIRED` (`url`, and `user_code` with `verification_uri`: the owner of the account opens one of them, and the call is made
 * again, after `interval` seconds), `CONSENT_DECLINED`, `INFORMATION_REQUIRED`, `PLAN_REQUIRED` (`plan`), `PROVIDER_NOT_LINKED`, `RESOURCE_NOT_FOUND`,
 * `VARIABLE_UNKNOWN`, `PAYMENT_METHOD_REQUIRED`.
 */
import { z } from "zod";
import { Service } from "./catalog.ts";
import { Connection, Resource, ResourceOrder, Spend } from "./orchestrator-api.ts";

const text = (max: number) => z.string().min(1).max(max);
const inputs = z.record(z.string().max(64), z.string().max(1000));
const Key = text(100);
/** Names are for people, and for the variables that are made of them. */
const Name = z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,49}$/);

/** Of a project's own variable: a name for people, and not the key that it is written under. */
export const VariableName = z.string().regex(/^[A-Za-z][A-Za-z0-9_.-]{0,49}$/);

/** What only the person may say. */
export const Confirmation = z.enum(["tos", "paid", "destructive", "nonrefundable"]);
export type Confirmation = z.output<typeof Confirmation>;
const confirm = z.array(Confirmation).max(4).optional();

export const SessionView = z.object({
  user: z.object({ email: z.string(), name: z.string(), email_verified: z.boolean() }),
  /** The program that has the session. */
  agent: z.string(),
  /** null: as long as the platform's own sign-in. */
  expires_at: z.string().nullable(),
});
export type SessionView = z.output<typeof SessionView>;

export const ProjectOrder = z.object({
  name: text(100),
  /** The same key makes the project once. */
  idempotency_key: Key.optional(),
});
export type ProjectOrder = z.output<typeof ProjectOrder>;

export const ProjectSummary = z.object({ id: text(100), name: z.string(), created_at: z.string() });
export type ProjectSummary = z.output<typeof ProjectSummary>;
export const ProjectList = z.object({ projects: z.array(ProjectSummary) });
export type ProjectList = z.output<typeof ProjectList>;

/** As whoever asks sees it: a run sees what is of the providers that it may use. */
export const ProjectStatus = z.object({
  id: text(100),
  name: z.string(),
  created_at: z.string(),
  user: z.object({ email: z.string() }),
  /** Of the run that asks, and what is left of it, decimal text. A person's own program has none. */
  budget: z.object({ total: z.string(), available: z.string() }).optional(),
  payment_method: z.object({ type: z.literal("token-wallet"), address: z.string() }).nullable(),
  connections: z.array(Connection),
  resources: z.array(Resource),
  /** Domains and other things bought at a provider's own API. */
  purchases: z.array(
    z.object({ service: z.string(), inputs, state: z.string(), amount: z.string() }),
  ),
  spend: z.array(Spend),
});
export type ProjectStatus = z.output<typeof ProjectStatus>;

/** A catalog entry as an orchestrator publishes it again. Its texts are a stranger's: data, never instructions. */
export const ServiceListing = Service.extend({
  id: text(100),
  object: z.literal("v2.provisioning.provider_service_detail"),
  provider_id: text(50),
  provider_name: z.string(),
  /** The provider's own id of it. */
  service_id: text(100),
  /** "provider/service": what `add` takes. */
  reference: text(160),
  availability: z.enum(["available", "not_in_country", "unavailable"]),
  development: z.boolean(),
  livemode: z.boolean(),
  /** JSON Schema of what a new account at the provider can be set up with. */
  provider_configuration_schema: z.record(z.string(), z.json()).optional(),
  /** The address of the provider's text for models, here. */
  llm_context: z.string(),
});
export type ServiceListing = z.output<typeof ServiceListing>;

/** The published envelope of `catalog --json`. */
export const ServicesEnvelope = z.object({
  ok: z.literal(true),
  command: z.enum(["catalog", "search"]),
  version: z.literal("0.1"),
  data: z.object({
    last_updated: z.string(),
    /** The provider, where one was asked for. */
    provider: z
      .object({
        id: z.string(),
        name: z.string(),
        capabilities: z.array(z.string()),
        existing_resource_linking: z.enum(["supported", "unsupported"]),
      })
      .nullable(),
    category_filter: z.string().nullable(),
    provider_filter: z.string().nullable(),
    services: z.array(ServiceListing),
    source: z.enum(["cache", "providers"]),
  }),
  warnings: z.array(z.string()),
  next_steps: z.array(z.string()),
  meta: z.object({ authenticated: z.boolean(), project_initialized: z.boolean() }),
});
export type ServicesEnvelope = z.output<typeof ServicesEnvelope>;

export const ProviderView = z.object({
  /** null until its catalog could be read. */
  id: z.string().nullable(),
  name: z.string().nullable(),
  base_url: z.string(),
  tos_url: z.string().nullable(),
  tos_version: z.string().nullable(),
});
export type ProviderView = z.output<typeof ProviderView>;
export const ProviderList = z.object({
  providers: z.array(ProviderView),
  warnings: z.array(z.string()),
});
export type ProviderList = z.output<typeof ProviderList>;
export const ProviderAddress = z.object({ url: text(500) });

/** What a model should know of a provider, made from its catalog; the provider's own words stand in it as quoted data. */
export const LlmContext = z.object({ provider: z.string(), text: z.string() });
export type LlmContext = z.output<typeof LlmContext>;

/** A run for an agent: what it may spend, where, and until when. */
export const RunGrant = z.object({
  /** Decimal text in US dollars. */
  budget: text(40),
  providers: z.array(text(50)).max(100).optional(),
  expires_at: z.iso.datetime({ offset: true }),
  /** Consents are given to an agent by its name; the session's own by default. */
  agent: Name.optional(),
});
export type RunGrant = z.output<typeof RunGrant>;

export const CapOrder = z.object({ amount: text(40) });

/** Months are UTC, this one first; one in which nothing was paid is left out. Amounts as in `Spend`. */
export const SpendHistory = z.object({
  months: z.array(
    z.object({
      /** Such as "2026-11". */
      month: z.string(),
      providers: z.array(Spend.omit({ cap: true })),
    }),
  ),
});
export type SpendHistory = z.output<typeof SpendHistory>;

/** `account` is everything; the others are parts of it. */
export const AgentScope = z.enum(["account", "resources", "credentials", "payments"]);
export type AgentScope = z.output<typeof AgentScope>;

export const ConnectionOrder = z.object({
  provider: text(50),
  /** Of the provider's terms; the person has accepted this version. */
  accept_terms: text(50).optional(),
  /** Of a new account; one that exists keeps its own. */
  configuration: inputs.optional(),
  /** Of this program; everything by default. */
  scopes: z.array(AgentScope).min(1).max(10).optional(),
});
export type ConnectionOrder = z.output<typeof ConnectionOrder>;

export const ConnectionView = Connection.extend({
  /** `expired`: no token holds, and none can be renewed without asking for the account anew, which the next use does. */
  status: z.enum(["active", "expired"]),
  connected_at: z.string(),
});
export type ConnectionView = z.output<typeof ConnectionView>;
/** The connection is over here in any case; `told` says whether its provider has heard of it. */
export const Unlinked = z.object({ unlinked: z.literal(true), told: z.boolean() });
export type Unlinked = z.output<typeof Unlinked>;
export const ConnectionList = z.object({ connections: z.array(ConnectionView) });
export type ConnectionList = z.output<typeof ConnectionList>;

/** That an agent may use the project's account at a provider, without asking again, until it is revoked. */
export const ConsentView = z.object({
  id: text(100),
  provider: z.string(),
  agent: z.string(),
  scopes: z.array(AgentScope),
  granted_at: z.string(),
  revoked_at: z.string().nullable(),
});
export type ConsentView = z.output<typeof ConsentView>;
/** Lets an agent use the account, or changes what for. */
export const ConsentOrder = z.object({
  provider: text(50),
  agent: Name,
  scopes: z.array(AgentScope).min(1).max(10).default(["account"]),
});
export type ConsentOrder = z.output<typeof ConsentOrder>;
/** A consent that was changed or taken back; `told` says whether the provider has heard that what the agent had is over. */
export const ChangedConsent = ConsentView.extend({ told: z.boolean() });
export type ChangedConsent = z.output<typeof ChangedConsent>;
export const ConsentList = z.object({ consents: z.array(ConsentView) });
export type ConsentList = z.output<typeof ConsentList>;

/** What is wanted: an entry of the catalog and its configuration; for a change, with the resource that is to become it. */
export const QuoteOrder = z.object({
  service: text(160),
  configuration: inputs.default({}),
  resource: text(100).optional(),
});
export type QuoteOrder = z.output<typeof QuoteOrder>;

/** A price that stands until it expires. The order that names it pays this amount or nothing. */
export const Quote = z.object({
  id: text(100),
  service: text(160),
  configuration: inputs,
  /** Decimal text in US dollars. */
  amount: z.string(),
  currency: z.literal("usd"),
  interval: z.enum(["one_time", "month", "year"]),
  refundable: z.boolean(),
  expires_at: z.string(),
  /** Hexadecimal SHA-256 over what was quoted. */
  hash: z.string(),
});
export type Quote = z.output<typeof Quote>;

export const AddOrder = ResourceOrder.extend({
  configuration: inputs.default({}),
  /** Two of the same service and configuration are two by their names. */
  name: Name.optional(),
  /** Of a new account at the provider, as in a `ConnectionOrder`. */
  provider_configuration: inputs.optional(),
  accept_terms: text(50).optional(),
  /** A `Quote`'s id. */
  quote: text(100).optional(),
  confirm,
});
export type AddOrder = z.output<typeof AddOrder>;

export const UpdateOrder = z.object({
  idempotency_key: Key,
  /** Another service of the same provider. */
  service: text(160).optional(),
  configuration: inputs.optional(),
  /** Refuses a change that goes the other way by the catalog's `allowed_updates`. */
  direction: z.enum(["up", "down", "any"]).default("any"),
  quote: text(100).optional(),
  confirm,
});
export type UpdateOrder = z.output<typeof UpdateOrder>;

export const RotateOrder = z.object({ idempotency_key: Key, confirm });
export type RotateOrder = z.output<typeof RotateOrder>;
export const RenewOrder = z.object({
  /** Without it the order is refused with one, where it costs something. */
  quote: text(100).optional(),
  /** Until when it was paid for who asks (`billing.paid_until`): where it is paid further by now, nothing is paid. */
  paid_until: z.iso.datetime({ offset: true }).optional(),
});
export type RenewOrder = z.output<typeof RenewOrder>;
export const RemoveOrder = z.object({
  /**
   * What alone is given up, where the provider is to keep the resource: its credentials, which leave the vault, or that the project has it,
   * after which it is listed and renewed no more.
   */
  only: z.enum(["credentials", "tracking"]).optional(),
  confirm,
});
export type RemoveOrder = z.output<typeof RemoveOrder>;
export const InformationOrder = z.object({ information: inputs });
export type InformationOrder = z.output<typeof InformationOrder>;

/** Takes in what the account has already. */
export const LinkOrder = z.object({
  service: text(160),
  /** What the provider needs to find it; without it the answer says what that is. */
  information: inputs.optional(),
  configuration: inputs.default({}),
  name: Name.optional(),
  idempotency_key: Key,
});
export type LinkOrder = z.output<typeof LinkOrder>;

export const ResourceList = z.object({ resources: z.array(Resource) });
export type ResourceList = z.output<typeof ResourceList>;

/** For a person's own files; never for a model. */
export const ResourceAccess = z.object({
  id: text(100),
  values: z.record(z.string(), z.string()),
});
export type ResourceAccess = z.output<typeof ResourceAccess>;

export const EnvView = z.object({
  variables: z.array(
    z.object({
      /** `<NAME>_<KEY>`, or the key alone where the resource has no name. */
      name: z.string(),
      key: z.string(),
      resource: z.string(),
      service: z.string(),
      secret: z.boolean(),
      /** The value, or a secret's handle. */
      value: z.string(),
    }),
  ),
});
export type EnvView = z.output<typeof EnvView>;

/** A variable that comes from no provider, such as an app's URL or a key of the person's own. No run can read it. */
export const Variable = z.object({ name: VariableName });
export type Variable = z.output<typeof Variable>;
export const VariableList = z.object({ variables: z.array(Variable) });
export type VariableList = z.output<typeof VariableList>;
export const VariableOrder = z.object({ value: text(16_384) });
export type VariableOrder = z.output<typeof VariableOrder>;
/** For a person's own files; never for a model. */
export const VariableValue = Variable.extend({ value: z.string() });
export type VariableValue = z.output<typeof VariableValue>;

export const SecretReads = z.object({
  reads: z.array(z.object({ handle: z.string(), reader: z.string(), read_at: z.string() })),
});
export type SecretReads = z.output<typeof SecretReads>;

export const DeepLinkOrder = z.object({
  provider: text(50),
  purpose: text(50).default("dashboard"),
  path: z.string().max(500).startsWith("/").optional(),
});
export type DeepLinkOrder = z.output<typeof DeepLinkOrder>;

/** What would be refused, without doing anything. */
export const Preflight = z.object({
  checks: z.array(
    z.object({
      label: z.string(),
      pass: z.boolean(),
      code: z.string().optional(),
      remedy: z.string().optional(),
    }),
  ),
  confirmations_required: z.array(Confirmation),
  /** The catalog's price, where it costs something; `POST …/quotes` fixes it. */
  price: z
    .object({ amount: z.string(), currency: z.literal("usd"), interval: z.string() })
    .nullable(),
});
export type Preflight = z.output<typeof Preflight>;
