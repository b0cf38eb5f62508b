/**
 * The desk is where a run's calls arrive. It takes the project from the run and never from the call, checks the run's scope
 * before anything is read or done, and hands the work to the part that knows how.
 */
import type {
  Credential,
  Delegation,
  DelegationOrder,
  OutcomeReport,
  PurchaseOrder,
  PurchaseAnswer,
  PurchaseRecord,
  Question,
} from "../protocol/index.ts";
import type { RunDesk } from "./agent-api.ts";
import type { Approvals } from "./approvals.ts";
import type { Connections } from "./connections.ts";
import type { Consents } from "./consents.ts";
import { delegate } from "./delegations.ts";
import type { MergedCatalog } from "./merged-catalog.ts";
import type { Purchases } from "./purchases.ts";
import { checkScope, type Run, type Runs } from "./runs.ts";
import { unknownCredential, type Vault } from "./vault.ts";

export class Desk implements RunDesk {
  readonly #parts: DeskOptions;

  constructor(parts: DeskOptions) {
    this.#parts = parts;
  }

  authenticate(authorization: string | undefined): Run {
    return this.#parts.runs.authenticate(authorization);
  }

  /** `cred:provider` is the account's token, renewed when need be; `cred:provider:…` a resource's secret. */
  async credential(run: Run, handle: string): Promise<Credential> {
    const [kind, provider = "", ...rest] = handle.split(":");
    const reader = `run:${run.id}`;
    const { connections, catalog, vault } = this.#parts;
    if (kind !== "cred") throw unknownCredential(handle);
    checkScope(run, provider);
    this.#parts.consents.checkScope(run, provider, "credentials");
    if (rest.length === 0) {
      const found = await catalog.provider(provider);
      if (connections.find(run.project, provider)) await connections.connect(run, found.provider);
      return connections.bearer(run, found.provider, reader);
    }
    if (connections.find(run.project, provider)) await this.#parts.consents.admit(run, provider);
    const secret = await vault.read({ project: run.project, handle }, reader);
    const account_id = connections.find(run.project, provider)?.account_id ?? "";
    return { token_type: "bearer", access_token: secret.reveal(), account_id };
  }

  ask(run: Run, { question, choices }: Question): Promise<string> {
    const ask = { kind: "question" as const, question, ...(choices ? { choices } : {}) };
    return this.#parts.approvals.question(run, ask);
  }

  async purchase(run: Run, order: PurchaseOrder): Promise<PurchaseRecord> {
    const entry = await this.#entry(run, order.service);
    this.#parts.consents.checkScope(run, entry.provider.profile.id, "payments");
    return this.#parts.purchases.order(run, entry, order);
  }

  findPurchase(run: Run, id: string): Promise<PurchaseRecord> {
    return this.#parts.purchases.find(run, id);
  }

  purchaseAnswer(run: Run, id: string): Promise<PurchaseAnswer> {
    return this.#parts.purchases.answer(run, id);
  }

  reportOutcome(run: Run, id: string, report: OutcomeReport): Promise<PurchaseRecord> {
    return this.#parts.purchases.report(run, id, report);
  }

  async delegate(run: Run, order: DelegationOrder): Promise<Delegation> {
    return delegate(this.#parts.runs, run, order);
  }

  async revoke(run: Run, id: string): Promise<{ id: string; revoked: true }> {
    this.#parts.runs.revokeStarted(run, id);
    return { id, revoked: true };
  }

  async #entry(run: Run, reference: string) {
    checkScope(run, reference.slice(0, Math.max(0, reference.indexOf("/"))));
    return this.#parts.catalog.service(reference);
  }
}

export interface DeskOptions {
  runs: Runs;
  catalog: MergedCatalog;
  connections: Connections;
  consents: Consents;
  purchases: Purchases;
  approvals: Approvals;
  vault: Vault;
}
