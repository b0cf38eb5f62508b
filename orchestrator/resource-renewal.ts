/**
 * The next period of a resource that is billed from period to period: paid once at its quote, by the person's word or as far as it was agreed
 * to before.
 */
import {
  type CatalogProvider,
  parseDecimal,
  PurserError,
  type RenewOrder,
  type Resource,
  type Service,
  underPlans,
} from "../protocol/index.ts";
import { agreedOf, checkAgreed } from "./agreed-price.ts";
import type { Asker } from "./approvals.ts";
import { OWNER } from "./consents.ts";
import { OrchestratorError } from "./error.ts";
import { USD_DECIMALS } from "./projects.ts";
import { confirmationOf } from "./quotes.ts";
import { pathOf, type ResourceChangesOptions } from "./resource-changes.ts";
import { digest, type ResourceRow, viewResource, type Work } from "./resource-store.ts";

export class ResourceRenewal {
  readonly #parts: ResourceChangesOptions;

  constructor(parts: ResourceChangesOptions) {
    this.#parts = parts;
  }

  /**
   * Pays the next period, once, at its quote: the person's word, or, without one, what was agreed to before. A payment that has left is
   * repeated until the provider has answered it.
   */
  renew(
    asker: Asker,
    provider: CatalogProvider,
    row: ResourceRow,
    { quote, paid_until }: RenewOrder,
  ): Promise<Resource> {
    const { store, work } = this.#parts;
    return this.#parts.serial.run(row.id, async () => {
      const now = store.find(row.id) ?? row;
      if (now.status !== "complete" || now.paidUntil === null) throw notBilled(now);
      if (paid_until !== undefined && now.paidUntil > Date.parse(paid_until))
        return viewResource(now);
      this.#parts.consents.checkScope(asker, provider.profile.id, "payments");
      const id = `ren_${digest(now.id, String(now.paidUntil))}`;
      try {
        const open = store.findOpen(id);
        const next = open ?? (await this.#renewal(asker, provider, now, { id, quote }));
        if (!open) store.beginWork(next);
        return await work.perform(asker, provider, now, next);
      } catch (error) {
        if (!(error instanceof PurserError) || error.code !== "PROVIDER_REFUSED") throw error;
        // It may be gone, or have been paid before and the answer lost: the provider says which.
        const after = await work.refresh(asker, provider, now);
        const paidUntil = Date.parse(after.billing?.paid_until ?? "");
        if (after.status === "complete" && !(paidUntil > now.paidUntil)) throw error;
        store.endWork(id);
        return after;
      }
    });
  }

  async #renewal(
    asker: Asker,
    provider: CatalogProvider,
    row: ResourceRow,
    { id, quote: named }: { id: string; quote: string | undefined },
  ): Promise<Work> {
    const { quotes } = this.#parts;
    const service = this.#own(provider, row);
    const configuration = JSON.parse(row.configuration) as Record<string, string>;
    const order = { provider, service, configuration, renews: row.providerId };
    const quote =
      named === undefined ? await quotes.fix(asker, order) : quotes.named(asker, named, order);
    const amount = parseDecimal(quote.amount, USD_DECIMALS);
    if (named === undefined && amount > 0n) {
      if (asker.agent !== OWNER && asker.session) throw confirmationOf(quote);
      checkAgreed(row, service, configuration, amount);
    }
    const mandate = await this.#parts.mandateOf(asker.project, provider.profile.id);
    return {
      id,
      resource: row.id,
      kind: "renew",
      path: `${pathOf(row)}/renew`,
      body: JSON.stringify({ ...quote.named, mandate }),
      amount: quote.amount,
      change: JSON.stringify({
        renewalProblem: null,
        ...(named === undefined ? {} : { agreed: agreedOf(service, configuration, quote) }),
      }),
    };
  }

  /** The catalog's entry of what the resource is, at the project's price. */
  #own({ profile, services }: CatalogProvider, row: ResourceRow): Service {
    const id = row.service.slice(profile.id.length + 1);
    const service = services.find((one) => one.id === id);
    if (service)
      return underPlans(profile.id, service, this.#parts.store.held(row.project, profile.id));
    throw new OrchestratorError("NOT_FOR_SALE", {
      problem: `${row.service} is no longer in its provider's catalog, so its next period has no price.`,
      nextStep: "Remove the resource, or ask its provider.",
      details: { service: row.service },
    });
  }
}

function notBilled({ id }: ResourceRow): OrchestratorError {
  return new OrchestratorError("INVALID_STATE", {
    problem: `The resource ${id} is not billed by the period, or is gone.`,
    nextStep: "Read the resource; there is nothing to renew.",
    details: { resource: id },
  });
}
