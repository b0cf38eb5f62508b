/**
 * A purchase is an agent's wish to pay one 402. The agent hands over the server's offer; request, price ceiling and payees are
 * computed here anew, from the catalog and what was pinned, and the wallet pays only an offer that keeps to them.
 */
import {
  type CatalogProvider,
  type OutcomeReport,
  priceOf,
  type PurchaseAnswer,
  type PurchaseOrder,
  purchaseId,
  PurchaseRecord,
  type Service,
  toErrorBody,
  type Trace,
} from "../protocol/index.ts";
import { localWallet, quoteFor, type Wallet, type WalletPort } from "../middleware/index.ts";
import type { Database } from "../store/index.ts";
import { type Connections, notConnected } from "./connections.ts";
import { OrchestratorError } from "./error.ts";
import type { PaymentMethod } from "./payment-method.ts";
import { checkInputs } from "./purchase-inputs.ts";
import { allows, type Run } from "./runs.ts";
import type { Spending } from "./spending.ts";

/** What a purchase was for; its state is the ledger's. */
export interface PurchaseRow {
  id: string;
  service: string;
  operation: string;
  inputs: string;
}

/** The catalog entry that is bought. */
interface Entry {
  provider: CatalogProvider;
  service: Service;
}

export class Purchases {
  readonly #parts: PurchasesOptions;

  constructor(parts: PurchasesOptions) {
    this.#parts = parts;
  }

  /** The payment to send: the same bytes each time for the same purchase. Whatever refuses it, nothing was signed for it. */
  async order(run: Run, entry: Entry, order: PurchaseOrder): Promise<PurchaseRecord> {
    try {
      return await this.#authorize(run, entry, order);
    } catch (error) {
      const { trace } = this.#parts;
      trace?.append({ type: "refusal", service: order.service, error: toErrorBody(error) });
      throw error;
    }
  }

  rows(project: string): PurchaseRow[] {
    return this.#parts.db
      .query<PurchaseRow>(
        "SELECT id, service, operation, inputs FROM purchase WHERE project = ? ORDER BY ordered_at, id",
      )
      .all(project);
  }

  /** The project's own purchase, from a provider that the run may use, or `PURCHASE_UNKNOWN`: it has the bytes that pay. */
  async find(run: Run, id: string): Promise<PurchaseRecord> {
    const wallet = this.#parts.payment.of(run.project);
    const record = this.#isOf(run, id) ? await wallet?.find(id) : undefined;
    if (record) return record;
    throw unknownPurchase(id);
  }

  /** What recovery has fetched for the project's own purchase, or `PURCHASE_UNKNOWN`. */
  async answer(run: Run, id: string): Promise<PurchaseAnswer> {
    const wallet = this.#parts.payment.of(run.project);
    const port = wallet && this.#isOf(run, id) ? this.#port(run, wallet, []) : undefined;
    const answer = await port?.findAnswer?.(id);
    if (answer) return answer;
    throw unknownPurchase(id);
  }

  /** What came of the paid request; the wallet believes the chain alone. */
  async report(run: Run, id: string, report: OutcomeReport): Promise<PurchaseRecord> {
    const wallet = this.#parts.payment.of(run.project);
    if (!wallet || !this.#isOf(run, id)) throw unknownPurchase(id);
    return wallet.report(id, report);
  }

  async #authorize(
    run: Run,
    { provider, service }: Entry,
    order: PurchaseOrder,
  ): Promise<PurchaseRecord> {
    const { connections, payment, trace } = this.#parts;
    const operation = checkForSale(service, order);
    const connection = connections.find(run.project, provider.profile.id);
    if (!connection) throw notConnected(provider.profile.id);
    checkInputs(operation, order.inputs, connection.account_id);
    const wallet = await payment.need(run, provider.profile.id, order.service);
    const catalog = { providers: [provider] };
    const quote = quoteFor({ catalog, ...order });
    trace?.append({
      type: "quote",
      service: order.service,
      amount: priceOf(service, order.inputs)?.amount ?? "0",
      currency: quote.currency,
      payTo: quote.payTo.join(", "),
    });
    const id = purchaseId({ project: run.project, ...order });
    this.#remember(run, provider.profile.id, id, order);
    return this.#port(run, wallet, [provider]).authorize(order);
  }

  #port(run: Run, wallet: Wallet, providers: CatalogProvider[]): WalletPort {
    const { spending, now } = this.#parts;
    const { project } = run;
    const scopesFor = (provider: string) => spending.scopes(run, provider);
    return localWallet({ wallet, catalog: { providers }, project, scopesFor, now });
  }

  #remember(
    run: Run,
    provider: string,
    id: string,
    { service, operation, inputs }: PurchaseOrder,
  ): void {
    this.#parts.db.run(
      "INSERT INTO purchase (id, project, run, provider, service, operation, inputs, ordered_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
      id,
      run.project,
      run.id,
      provider,
      service,
      operation,
      JSON.stringify(inputs),
      this.#parts.now(),
    );
  }

  /** Whether a run of the project has asked for it. */
  isOf(project: string, id: string): boolean {
    const sql = "SELECT id FROM purchase WHERE id = ? AND project = ?";
    return this.#parts.db.query(sql).get(id, project) !== undefined;
  }

  #isOf(run: Run, id: string): boolean {
    const sql = "SELECT provider FROM purchase WHERE id = ? AND project = ?";
    const row = this.#parts.db.query<{ provider: string }>(sql).get(id, run.project);
    return row !== undefined && allows(run, row.provider);
  }
}

export interface PurchasesOptions {
  db: Database;
  connections: Connections;
  payment: PaymentMethod;
  spending: Spending;
  trace: Trace | undefined;
  now: () => number;
}

/** Only an operation that the catalog says is paid can be paid for. */
function checkForSale(
  service: Service,
  { service: reference, operation }: PurchaseOrder,
): Service["operations"][string] {
  const found = Object.hasOwn(service.operations, operation)
    ? service.operations[operation]
    : undefined;
  if (found?.paid === true && service.pricing.type === "paid") return found;
  throw new OrchestratorError("NOT_FOR_SALE", {
    problem: `The catalog does not say that "${operation}" of ${reference} costs money, so nothing is paid for it.`,
    nextStep: "Treat a 402 from it as a failure, and do not pay.",
  });
}

function unknownPurchase(id: string): OrchestratorError {
  return new OrchestratorError("PURCHASE_UNKNOWN", {
    problem: `The project has no purchase "${id.slice(0, 100)}".`,
    nextStep: "Order it first.",
  });
}
