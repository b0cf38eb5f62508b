/**
 * The durable memory of a paywall: one row for each authorization that ever bought something here, whichever paywall of the
 * database took it. What is not in it has not been sold; what is `settled` in it has been delivered. Sales that come together
 * share a commit.
 */
import type { Address, Hex } from "viem";
import type { SettleResponse } from "../../protocol/authorization.ts";
import { CommitQueue, type Database, migrate } from "../../store/index.ts";
import type { StoredAnswer } from "./door.ts";
import { assetKey, monthOf } from "./payer-cap.ts";
import { LEASE_MS, type Owner } from "./sale-owner.ts";
import { type Delivered, deliveredOf, type SaleRecord } from "./sale-record.ts";
import { type OutcomeColumns, readOutcome, readRow, type SaleRow, writeFacts } from "./sale-row.ts";
import { STEPS } from "./sale-schema.ts";

const COLUMNS =
  "name, state, digest, fingerprint, buyer_key, owner, lease, refused, facts, payload, tx, receipt, answer, at";

interface SettleOptions {
  readonly told?: { readonly transaction: Hex; readonly response: SettleResponse };
  readonly sync?: boolean;
}

const queues = new WeakMap<Database, CommitQueue>();

export class SaleRecords<Order> {
  readonly #db: Database;
  readonly #queue: CommitQueue;
  readonly #now: () => number;

  constructor(db: Database, now: () => number) {
    migrate(db, "paywall", STEPS);
    this.#db = db;
    this.#now = now;
    let queue = queues.get(db);
    if (!queue) queues.set(db, (queue = new CommitQueue({ db })));
    this.#queue = queue;
  }

  find(key: string): SaleRecord<Order> | undefined {
    const sql = `SELECT ${COLUMNS} FROM paywall_sale WHERE key = ?`;
    const row = this.#db.query<SaleRow>(sql).get(key);
    return row && readRow<Order>(row);
  }

  /** What a payer bought under a key of their own. */
  findByBuyerKey(name: string, payer: Address, buyerKey: string): SaleRecord<Order> | undefined {
    const sql = `SELECT ${COLUMNS} FROM paywall_sale
      WHERE name = ? AND payer = ? AND buyer_key = ? AND state <> 'abandoned'`;
    const row = this.#db.query<SaleRow>(sql).get(name, payer.toLowerCase(), buyerKey);
    return row && readRow<Order>(row);
  }

  /** The keys of this paywall's sales that are not over. */
  listOpen(name: string): string[] {
    const sql = `SELECT key FROM paywall_sale
      WHERE name = ? AND state IN ('working', 'worked', 'paid', 'failed')`;
    return this.#db
      .query<{ key: string }>(sql)
      .all(name)
      .map(({ key }) => key);
  }

  /**
   * Takes an authorization for one request and one owner. Where it, or the payer's key, is taken already, the record that has it;
   * where `allow` says no, what it says. Otherwise undefined. Without `sync` it is on disk with the sale's next step.
   */
  claim<T>(
    key: string,
    record: SaleRecord<Order>,
    { owner, allow, sync }: { owner: Owner; allow: () => T | undefined; sync: boolean },
  ): Promise<{ taken: SaleRecord<Order> } | { refused: T } | undefined> {
    const { name, digest, fingerprint, payload, sale, buyerKey } = record;
    return this.#queue.commit(
      () => {
        const taken =
          this.find(key) ??
          (buyerKey === undefined ? undefined : this.findByBuyerKey(name, sale.payer, buyerKey));
        if (taken) return { taken };
        const refused = allow();
        if (refused) return { refused };
        const now = Math.floor(this.#now());
        this.#db.run(
          `INSERT INTO paywall_sale (key, name, state, digest, fingerprint, payer, asset, amount, month, buyer_key, owner, lease, facts, payload, at)
          VALUES (?, ?, 'working', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
          key,
          name,
          digest,
          fingerprint,
          sale.payer.toLowerCase(),
          assetKey(sale.asset),
          sale.amount.toString(),
          monthOf(now),
          buyerKey ?? null,
          owner.id,
          now + LEASE_MS,
          writeFacts(record),
          JSON.stringify(payload),
          now,
        );
        return undefined;
      },
      { sync },
    );
  }

  /** The work was refused, so nothing was sold. */
  drop(key: string): Promise<void> {
    return this.#write("DELETE FROM paywall_sale WHERE key = ? AND state = 'working'", key);
  }

  /** Without `sync` it is on disk after `sync()`, or before whatever is synced to this database later. */
  markWorked(
    key: string,
    answer: StoredAnswer | undefined,
    { sync }: { readonly sync: boolean },
  ): Promise<void> {
    const sql = `UPDATE paywall_sale SET state = 'worked', answer = ? WHERE key = ? AND state = 'working'`;
    const text = answer === undefined ? null : JSON.stringify(answer);
    return this.#queue.commit(() => void this.#db.run(sql, text, key), { sync });
  }

  /** Names this moment, for `sync`. */
  moment(): number {
    return this.#db.moment();
  }

  /** Resolves when all that was recorded before that moment is on disk, which somebody else may have seen to. */
  sync({ upTo }: { readonly upTo: number }): Promise<void> {
    return this.#db.sync({ upTo });
  }

  /** Before the buyer is told. */
  markRefused(key: string): Promise<void> {
    return this.#write("UPDATE paywall_sale SET refused = 1 WHERE key = ? AND refused = 0", key);
  }

  /** The money has moved, before the work. */
  markPaid(key: string, transaction: Hex, receipt: SettleResponse): Promise<void> {
    return this.#write(
      "UPDATE paywall_sale SET state = 'paid', tx = ?, receipt = ?, payload = '{}', at = ? WHERE key = ? AND state = 'working'",
      transaction,
      JSON.stringify(receipt),
      Math.floor(this.#now()),
      key,
    );
  }

  /** The work failed after the money moved; its answer, if any, waits for what the seller does about it. */
  markFailed(key: string, answer: StoredAnswer | undefined): Promise<void> {
    return this.#write(
      "UPDATE paywall_sale SET state = 'failed', answer = ? WHERE key = ? AND state = 'paid'",
      answer === undefined ? null : JSON.stringify(answer),
      key,
    );
  }

  /**
   * Records the last answer of a sale whose money has moved, and how it moved; `answer` is told the one that is kept, and runs in the
   * same transaction, once. Without `sync` a power failure may forget it: then the sale is settled again, which moves nothing, and
   * answers what was kept before.
   */
  settle(
    key: string,
    answer: (kept: StoredAnswer | undefined) => StoredAnswer,
    { told, sync = true }: SettleOptions = {},
  ): Promise<Delivered> {
    return this.#queue.commit(
      () => {
        const sql = "SELECT state, receipt, answer, at FROM paywall_sale WHERE key = ?";
        const row = this.#db.query<OutcomeColumns>(sql).get(key);
        if (!row) throw new Error("a sale that is settled has a record");
        const before = readOutcome(row);
        const delivered = deliveredOf(before);
        if (delivered) return delivered;
        const receipt = told?.response ?? before.receipt;
        if (!receipt) throw new Error("a sale that is settled has a receipt");
        const isNew = before.receipt === undefined;
        const at = isNew ? Math.floor(this.#now()) : before.at;
        const final = answer(before.answer);
        this.#db.run(
          `UPDATE paywall_sale SET state = 'settled', tx = coalesce(?, tx), receipt = ?, answer = coalesce(?, answer),
            payload = '{}', at = ?, owner = NULL
          WHERE key = ?`,
          told?.transaction ?? null,
          JSON.stringify(receipt),
          final === before.answer ? null : JSON.stringify(final),
          at,
          key,
        );
        return { answer: final, receipt, at };
      },
      { sync },
    );
  }

  /** Runs `undo` and records it, in one transaction. */
  abandon(key: string, undo: () => void): Promise<void> {
    return this.#queue.commit(() => {
      undo();
      this.#db.run(
        "UPDATE paywall_sale SET state = 'abandoned', payload = '{}', owner = NULL WHERE key = ?",
        key,
      );
    });
  }

  #write(sql: string, ...values: (string | number | null)[]): Promise<void> {
    return this.#queue.commit(() => void this.#db.run(sql, ...values));
  }
}
