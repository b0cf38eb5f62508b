/**
 * Work at a provider about a resource: the bytes that were written down are sent, paid for where that was agreed, and what the provider
 * answers is kept together with the secrets it brings. Whatever is unclear stays open and is asked again; only what the provider has
 * clearly refused, and nobody has paid for, is forgotten.
 */
import {
  type CatalogProvider,
  PurserError,
  type Resource,
  ResourceResponse,
  type Trace,
} from "../protocol/index.ts";
import type { Asker } from "./approvals.ts";
import { OrchestratorError } from "./error.ts";
import { invalid, type ProviderAnswer } from "./provider-call.ts";
import { refusal } from "./provider-error.ts";
import type { PaidOrder, ProviderSession } from "./provider-session.ts";
import { type ResourceRow, type ResourceStore, viewResource, type Work } from "./resource-store.ts";
import { splitAccess } from "./split-access.ts";
import type { Vault } from "./vault.ts";

export class ResourceWork {
  readonly #parts: ResourceWorkOptions;

  constructor(parts: ResourceWorkOptions) {
    this.#parts = parts;
  }

  async perform(
    asker: Asker,
    provider: CatalogProvider,
    row: ResourceRow,
    work: Work,
  ): Promise<Resource> {
    const { session, store } = this.#parts;
    const order = { method: "POST" as const, path: work.path, body: work.body, key: work.id };
    const paid = paidOrder(row, work);
    try {
      const answer = paid
        ? await session.pay(asker, provider, paid)
        : await session.send(asker, provider, order);
      return await this.#keep(provider, row, answer, work);
    } catch (error) {
      if (isFinal(error) && !(paid && (await session.hasPaid(asker, paid)))) store.drop(work);
      throw error;
    }
  }

  /** Asks again about a resource that was not ready. */
  async refresh(asker: Asker, provider: CatalogProvider, row: ResourceRow): Promise<Resource> {
    const path = `/provisioning/resources/${encodeURIComponent(row.providerId)}`;
    const answer = await this.#parts.session.send(asker, provider, { method: "GET", path });
    return this.#keep(provider, row, answer);
  }

  /** Takes it away at the provider, for good. */
  async remove(asker: Asker, provider: CatalogProvider, row: ResourceRow): Promise<Resource> {
    const path = `/provisioning/resources/${encodeURIComponent(row.providerId)}/remove`;
    const answer = await this.#parts.session.send(asker, provider, {
      method: "POST",
      path,
      body: "{}",
      key: `remove_${row.id}`,
    });
    if (ResourceResponse.safeParse(answer.body).data?.status !== "removed")
      throw refusal(row.provider, `removing of ${row.service}`, answer);
    return this.#giveUp(row, "removed");
  }

  /** The project has it no more; its provider does, and hears nothing of it. */
  untrack(row: ResourceRow): Resource {
    return this.#giveUp(row, "untracked");
  }

  #giveUp(row: ResourceRow, status: "removed" | "untracked"): Resource {
    const change = { ...UNBILLED, status, access: "{}", needs: null };
    return this.#tell(this.#parts.store.keepWithoutSecrets(row, change));
  }

  /** Whether work may go on without whoever ordered it. */
  async mayResume(asker: Asker, row: ResourceRow, work: Work): Promise<boolean> {
    return paidOrder(row, work) === undefined || this.hasPaid(asker, row, work);
  }

  /** Whether money has moved for it, or may have. */
  async hasPaid(asker: Asker, row: ResourceRow, work: Work): Promise<boolean> {
    const paid = paidOrder(row, work);
    return paid !== undefined && this.#parts.session.hasPaid(asker, paid);
  }

  async #keep(
    { profile }: CatalogProvider,
    before: ResourceRow,
    answer: ProviderAnswer,
    work?: Work,
  ): Promise<Resource> {
    const { vault } = this.#parts;
    if (answer.status === 402) throw asksForMoney(before);
    const { data } = ResourceResponse.safeParse(answer.body);
    if (!data || data.status === "error" || (data.status === "removed" && work))
      throw refusal(profile.id, `${work?.kind ?? "reading"} of ${before.service}`, answer);
    const changed = { ...before, ...(JSON.parse(work?.change ?? "{}") as Partial<ResourceRow>) };
    const providerId = data.id ?? before.providerId;
    if (before.providerId !== "" && before.providerId !== providerId)
      throw invalid(`${profile.id} answers with another resource than the one that was meant.`);
    const row = { ...changed, providerId, needs: null, status: data.status };
    Object.assign(row, billingOf(data));
    if (data.status === "needs_information")
      return this.#save({ ...row, needs: JSON.stringify(data.needs_information.schema) });
    if (data.status !== "complete") return this.#save(row, work);
    if (work && data.service_id !== changed.service.slice(profile.id.length + 1))
      throw invalid(`${profile.id} answers with another service than the one that was ordered.`);
    const { project, id } = row;
    const values = data.complete.access_configuration;
    const of = { project, provider: profile.id, resource: id };
    const { access, secrets } = await splitAccess(vault, of, values);
    return this.#save({ ...row, access: JSON.stringify(access) }, work, secrets);
  }

  #save(
    row: ResourceRow,
    ended?: Work,
    secrets: Parameters<ResourceStore["keep"]>[1] = [],
  ): Resource {
    this.#parts.store.keep(row, secrets, ended?.id);
    return this.#tell(row);
  }

  #tell(row: ResourceRow): Resource {
    const view = viewResource(row);
    this.#parts.trace?.append({
      type: "resource",
      service: row.service,
      id: row.id,
      status: view.status,
    });
    return view;
  }
}

const UNBILLED = { billing: null, paidUntil: null, renewalProblem: null };

/** What a provider says of the periods that it bills. */
function billingOf(data: ResourceResponse): Partial<ResourceRow> {
  if (data.status === "removed") return UNBILLED;
  if (data.status !== "complete") return {};
  const { paid_until } = data.billing ?? {};
  if (!data.billing || paid_until === undefined) return UNBILLED;
  return { billing: JSON.stringify(data.billing), paidUntil: Date.parse(paid_until) };
}

export interface ResourceWorkOptions {
  store: ResourceStore;
  vault: Vault;
  session: ProviderSession;
  trace: Trace | undefined;
}

function paidOrder({ id: resource, service }: ResourceRow, work: Work): PaidOrder | undefined {
  const { amount, body, id: key, path, change } = work;
  if (amount === null || /^[0.]+$/.test(amount)) return undefined;
  const target = (JSON.parse(change ?? "{}") as { service?: string }).service ?? service;
  return { method: "POST", path, body, key, amount, service: target, resource };
}

/** Conflicts and pressure: the same order may yet be answered otherwise. */
const PASSING = /progress|flight|rate|retry/;
/** What a wallet refuses before anything is signed. */
const UNPAID =
  /^(OFFER_|CHALLENGE_|SIGNER_REFUSED|BUDGET_EXCEEDED|CAP_EXCEEDED|RATE_EXCEEDED|PAYMENT_METHOD_REQUIRED|NOT_FOR_SALE|REDIRECTED|NO_)/;

/** Whether a failure is the provider's, or the wallet's, clear no. */
function isFinal(error: unknown): boolean {
  if (!(error instanceof PurserError)) return false;
  if (error.code === "PROVIDER_REFUSED")
    return !PASSING.test(error.details?.["provider_code"] ?? "");
  return UNPAID.test(error.code);
}

function asksForMoney({ service, provider }: ResourceRow): OrchestratorError {
  return new OrchestratorError("NOT_FOR_SALE", {
    problem: `${provider} asks to be paid for ${service}, for which no price was agreed; nothing was paid.`,
    nextStep: "Use another provider.",
    details: { provider, service },
  });
}
