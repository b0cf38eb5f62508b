/**
 * The ledger on SQLite: one file, shared by any number of processes on a machine. Every command is a transaction that holds
 * the write lock from its first read on, so no two callers anywhere can both see the same room under a cap. Sums are kept per
 * scope, so a command costs the same with a million payments in the book as with none.
 */
import assert from "node:assert/strict";
import type { Hex } from "viem";
import type { PaymentHeader } from "../protocol/authorization.ts";
import { formatDecimal } from "../protocol/money.ts";
import type { PurchaseState } from "../protocol/orchestrator-api.ts";
import type { Secret } from "../protocol/secret.ts";
import { CommitQueue } from "./commit-queue.ts";
import { type Database, openDatabase, StoreError } from "./database.ts";
import { LedgerError, unreadable } from "./ledger-error.ts";
import { type AuthRow, readEntry, readJournalLine, sealPayment } from "./ledger-rows.ts";
import { LEDGER_STEPS } from "./ledger-schema.ts";
import { isOut, type ReleaseProof, STATES } from "./ledger-states.ts";
import type {
  JournalLine,
  Ledger,
  LedgerEntry,
  LedgerIdentity,
  LedgerScope,
  Reservation,
  Spent,
} from "./ledger.ts";
import { migrate } from "./migrate.ts";

export interface OpenLedgerOptions {
  /** The file, or ":memory:". */
  path: string;
  /** 32 bytes that seal the payments' bytes at rest. */
  bytesKey: Secret<Uint8Array>;
  /** Milliseconds since the epoch. The book's own clock is the latest of all that it was ever given. */
  now?: () => number;
  /** After how long a reservation that nobody carried on may be replaced. */
  staleAfterMs?: number;
}

/** What SQLite can hold, with room to spare. */
const MAX_SUM = 2n ** 62n;

/** Opens the book, or throws `LEDGER_UNREADABLE` when it is damaged or its sums do not add up. */
export function openLedger(options: OpenLedgerOptions): Ledger {
  const { path } = options;
  assert(options.bytesKey.reveal().length === 32, "bytesKey must have 32 bytes");
  let db: Database | undefined;
  try {
    db = openDatabase(path);
    migrate(db, "ledger", LEDGER_STEPS);
    const damage = findDamage(db);
    if (damage !== undefined) throw unreadable(path, damage);
    return new SqliteLedger(db, options);
  } catch (error) {
    db?.close();
    throw asUnreadable(path, error);
  }
}

class SqliteLedger implements Ledger {
  readonly #db: Database;
  readonly #queue: CommitQueue;
  readonly #bytesKey: Secret<Uint8Array>;
  readonly #now: () => number;
  readonly #staleAfterMs: number;
  /** Known once the book is bound. */
  #decimals: number | undefined;
  #damage: unknown;

  constructor(
    db: Database,
    { bytesKey, now = Date.now, staleAfterMs = 30_000 }: OpenLedgerOptions,
  ) {
    this.#db = db;
    this.#queue = new CommitQueue(db);
    this.#bytesKey = bytesKey;
    this.#now = now;
    this.#staleAfterMs = staleAfterMs;
  }

  bind({ network, genesis, asset, decimals, payer }: LedgerIdentity): Promise<void> {
    const identity = JSON.stringify({
      network,
      genesis: genesis.toLowerCase(),
      asset: asset.toLowerCase(),
      decimals,
      payer: payer.toLowerCase(),
    });
    return this.#command(() => {
      this.#db.run("INSERT OR IGNORE INTO book (key, value) VALUES ('identity', ?)", identity);
      const bound = this.#readBook("identity");
      if (bound === identity) {
        this.#decimals = decimals;
        return;
      }
      throw new LedgerError("LEDGER_MISMATCH", {
        problem: `The ledger ${this.#db.path} is of another chain, token or wallet: ${bound}, not ${identity}.`,
        nextStep: "Open the ledger that belongs to this wallet, or begin a new one.",
      });
    });
  }

  reserve(reservation: Reservation): Promise<{ entry: LedgerEntry; created: boolean }> {
    return this.#command(() => {
      assert(this.#decimals !== undefined, "bind the ledger before reserving");
      assert(reservation.scopes.length > 0, "a reservation needs a limit");
      const at = this.#tick();
      const newest = this.#newest(reservation.purchase);
      if (newest && isOut(newest.state)) {
        refuseOther(newest, reservation);
        return { entry: this.#read(newest), created: false };
      }
      if (newest && newest.state !== "released") this.#replaceStale(newest, at);
      const keys = reservation.scopes.map((scope) => this.#makeRoom(scope, reservation, at));
      const epoch = Number(newest?.epoch ?? 0) + 1;
      const row = this.#insert(reservation, epoch, at);
      for (const key of keys) {
        this.#db.run("INSERT INTO auth_scope (auth, key) VALUES (?, ?)", row.id, key);
      }
      this.#book(row, undefined, "reserved", at);
      return { entry: this.#read(row), created: true };
    });
  }

  markSigning(nonce: Hex): Promise<LedgerEntry> {
    return this.#move(nonce, "signing");
  }

  markSent(nonce: Hex, payment: PaymentHeader): Promise<LedgerEntry> {
    return this.#move(nonce, "sent", { payment: sealPayment(this.#bytesKey, nonce, payment) });
  }

  markUnknown(nonce: Hex): Promise<LedgerEntry> {
    return this.#move(nonce, "unknown");
  }

  markClaimed(nonce: Hex, transaction: Hex): Promise<LedgerEntry> {
    return this.#move(nonce, "claimed", { tx: transaction });
  }

  markSettled(nonce: Hex, transaction: Hex): Promise<LedgerEntry> {
    return this.#move(nonce, "settled", { tx: transaction });
  }

  release(nonce: Hex, proof: ReleaseProof): Promise<LedgerEntry> {
    return this.#move(nonce, "released", { proof });
  }

  find(purchase: string): Promise<LedgerEntry | undefined> {
    return this.#reading(() => {
      const row = this.#newest(purchase);
      return row && this.#read(row);
    });
  }

  listOpen(): Promise<LedgerEntry[]> {
    return this.#rows("WHERE state NOT IN ('settled', 'released')");
  }

  list(): Promise<LedgerEntry[]> {
    return this.#rows("");
  }

  spent(scope: Pick<LedgerScope, "name" | "perMonth">): Promise<Spent> {
    return this.#reading(() => this.#readScope(scopeKey(scope, this.#time())));
  }

  journal(): Promise<JournalLine[]> {
    return this.#reading(() => {
      const sql = `SELECT j.at, a.purchase, a.nonce, j.from_state, j.to_state, j.credit, j.debit, j.amount
        FROM journal j JOIN auth a ON a.id = j.auth ORDER BY j.seq`;
      return this.#bigintRows<Parameters<typeof readJournalLine>[0]>(sql).map(readJournalLine);
    });
  }

  close(): void {
    this.#db.close();
  }

  /** Reserves room under one scope, and returns the key it is kept under. */
  #makeRoom(scope: LedgerScope, { amount }: Reservation, at: number): string {
    const key = scopeKey(scope, at);
    const { settled, reserved } = this.#readScope(key);
    const used = settled + reserved;
    const max = scope.max < MAX_SUM ? scope.max : MAX_SUM;
    if (used + amount > max) {
      const text = (atomic: bigint) => formatDecimal(atomic, this.#decimals ?? 0);
      const available = text(max > used ? max - used : 0n);
      throw new LedgerError(scope.kind === "budget" ? "BUDGET_EXCEEDED" : "CAP_EXCEEDED", {
        problem: `${text(amount)} is asked for, and ${available} is left of the ${scope.kind} of ${text(max)} (${scope.name}).`,
        nextStep: "Choose something cheaper, or ask the human to raise the limit.",
        details: {
          scope: scope.name,
          max: text(max),
          settled: text(settled),
          reserved: text(reserved),
          available,
          requested: text(amount),
        },
      });
    }
    this.#db.run("INSERT OR IGNORE INTO scope (key) VALUES (?)", key);
    return key;
  }

  #insert(reservation: Reservation, epoch: number, at: number): AuthRow {
    const nonce = reservation.nonceOf(epoch).toLowerCase();
    const taken = this.#db.query("SELECT 1 FROM auth WHERE nonce = ?").get(nonce) !== undefined;
    if (taken) throw nonceTaken(reservation);
    this.#db.run(
      `INSERT INTO auth (purchase, epoch, nonce, state, provider, service, fingerprint, pay_to, amount,
        valid_after, valid_before, reserved_at, updated_at)
        VALUES (?, ?, ?, 'reserved', ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      reservation.purchase,
      epoch,
      nonce,
      reservation.provider,
      reservation.service,
      reservation.fingerprint,
      reservation.payTo,
      reservation.amount,
      reservation.validAfter,
      reservation.validBefore,
      at,
      at,
    );
    return this.#byNonce(nonce);
  }

  /** A reservation that was never sent can be replaced safely: from `released` no way leads to `sent`. */
  #replaceStale(row: AuthRow, at: number): void {
    if (at - Number(row.updated_at) < this.#staleAfterMs) {
      throw new LedgerError("PURCHASE_IN_PROGRESS", {
        problem: `The purchase ${row.purchase} is being paid for by another caller.`,
        nextStep: "Ask for the same purchase again in a moment.",
      });
    }
    this.#set(row, "released", at, { proof: "NEVER_SENT" });
  }

  #move(nonce: Hex, to: PurchaseState, facts: Facts = {}): Promise<LedgerEntry> {
    return this.#command(() => {
      const row = this.#byNonce(nonce.toLowerCase());
      const rules = STATES[row.state];
      if (row.state === to && rules.repeats) return this.#read(row);
      const { proof } = facts;
      const allowed =
        rules.next.includes(to) &&
        (to !== "released" || (proof !== undefined && rules.releases.includes(proof)));
      if (!allowed) {
        throw new LedgerError("LEDGER_TRANSITION", {
          problem: `The authorization of ${row.purchase} is ${row.state}, and cannot become ${to}${proof ? ` on ${proof}` : ""}.`,
          nextStep: "Look the purchase up again: another caller has carried it on.",
        });
      }
      this.#set(row, to, this.#tick(), facts);
      return this.#read(this.#byNonce(row.nonce));
    });
  }

  #set(row: AuthRow, to: PurchaseState, at: number, { payment, tx, proof }: Facts): void {
    this.#db.run(
      `UPDATE auth SET state = ?, updated_at = ?, payment = coalesce(?, payment), tx = coalesce(?, tx),
        proof = coalesce(?, proof) WHERE id = ?`,
      to,
      at,
      payment ?? null,
      tx ?? null,
      proof ?? null,
      row.id,
    );
    this.#book(row, row.state, to, at);
  }

  /** Writes the journal, and moves the amount between the sums of every scope that carries it. */
  #book(row: AuthRow, from: PurchaseState | undefined, to: PurchaseState, at: number): void {
    const credit = from === undefined ? "available" : STATES[from].account;
    const debit = STATES[to].account;
    this.#db.run(
      "INSERT INTO journal (at, auth, from_state, to_state, credit, debit, amount) VALUES (?, ?, ?, ?, ?, ?, ?)",
      at,
      row.id,
      from ?? null,
      to,
      credit,
      debit,
      row.amount,
    );
    if (credit === debit) return;
    const change = (account: string) =>
      (debit === account ? row.amount : 0n) - (credit === account ? row.amount : 0n);
    this.#db.run(
      `UPDATE scope SET settled = settled + ?, reserved = reserved + ?
        WHERE key IN (SELECT key FROM auth_scope WHERE auth = ?)`,
      change("spent"),
      change("reserved"),
      row.id,
    );
  }

  #rows(where: string): Promise<LedgerEntry[]> {
    return this.#reading(() =>
      this.#bigintRows<AuthRow>(`SELECT * FROM auth ${where} ORDER BY id`).map((row) =>
        this.#read(row),
      ),
    );
  }

  #newest(purchase: string): AuthRow | undefined {
    const sql = "SELECT * FROM auth WHERE purchase = ? ORDER BY epoch DESC LIMIT 1";
    return this.#bigintRows<AuthRow>(sql, purchase)[0];
  }

  #byNonce(nonce: string): AuthRow {
    const [row] = this.#bigintRows<AuthRow>("SELECT * FROM auth WHERE nonce = ?", nonce);
    if (row) return row;
    throw new LedgerError("PURCHASE_UNKNOWN", {
      problem: "The ledger has no authorization with this nonce.",
      nextStep: "Reserve before anything else.",
    });
  }

  #readScope(key: string): Spent {
    const [row] = this.#bigintRows<{ settled: bigint; reserved: bigint }>(
      "SELECT settled, reserved FROM scope WHERE key = ?",
      key,
    );
    return row ? { settled: row.settled, reserved: row.reserved } : { settled: 0n, reserved: 0n };
  }

  #readBook(key: string): string | undefined {
    return this.#db.query<{ value: string }>("SELECT value FROM book WHERE key = ?").get(key)
      ?.value;
  }

  #bigintRows<Row extends object>(sql: string, ...values: string[]): Row[] {
    const statement = this.#db.prepare(sql);
    statement.setReadBigInts(true);
    return statement.all(...values) as unknown[] as Row[];
  }

  #read(row: AuthRow): LedgerEntry {
    return readEntry(row, this.#bytesKey);
  }

  /** The book's time: a clock that was set back neither opens a new month nor makes anything stale. */
  #time(): number {
    return Math.max(Math.floor(this.#now()), Number(this.#readBook("time") ?? 0));
  }

  #tick(): number {
    const at = this.#time();
    this.#db.run(
      "INSERT INTO book (key, value) VALUES ('time', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
      String(at),
    );
    return at;
  }

  /** Once the book has shown damage, nothing more is read from it or written to it. */
  async #command<T>(work: () => T): Promise<T> {
    if (this.#damage !== undefined) throw this.#damage;
    try {
      return await this.#queue.commit(work);
    } catch (error) {
      throw this.#notice(error);
    }
  }

  async #reading<T>(work: () => T): Promise<T> {
    if (this.#damage !== undefined) throw this.#damage;
    try {
      return await Promise.resolve(work());
    } catch (error) {
      throw this.#notice(error);
    }
  }

  #notice(error: unknown): unknown {
    const ours = asUnreadable(this.#db.path, error);
    if (ours instanceof LedgerError && ours.code === "LEDGER_UNREADABLE") this.#damage = ours;
    return ours;
  }
}

interface Facts {
  payment?: Uint8Array;
  tx?: string;
  proof?: ReleaseProof;
}

function scopeKey({ name, perMonth }: Pick<LedgerScope, "name" | "perMonth">, at: number): string {
  return perMonth ? `${name}/${new Date(at).toISOString().slice(0, 7)}` : name;
}

function refuseOther(row: AuthRow, { fingerprint, payTo, amount, provider }: Reservation): void {
  const same =
    row.fingerprint === fingerprint &&
    row.provider === provider &&
    row.pay_to.toLowerCase() === payTo.toLowerCase() &&
    row.amount === amount;
  if (same) return;
  throw new LedgerError("PURCHASE_CONFLICT", {
    problem: `The purchase ${row.purchase} is already paid or on its way, for another request, amount or recipient.`,
    nextStep: "Resend the payment that exists; a second one is not signed.",
  });
}

/** Where a server fixes the nonce (MPP), it may hand the same one to two; the chain would take only one of them. */
function nonceTaken({ purchase }: Reservation): LedgerError {
  return new LedgerError("PURCHASE_CONFLICT", {
    problem: `The nonce for the purchase ${purchase} has been used for another authorization.`,
    nextStep: "Nothing was signed. Ask the provider again, for another challenge.",
  });
}

/** What is wrong with the book: a page, or a sum that is not the sum of its parts. */
function findDamage(db: Database): string | undefined {
  const check = db.query<{ quick_check: string }>("PRAGMA quick_check(1)").get()?.quick_check;
  if (check !== "ok") return `a page of the file is damaged (${check ?? "unreadable"})`;
  const wrong = db
    .query<{ key: string }>(
      `SELECT s.key FROM scope s LEFT JOIN auth_scope x ON x.key = s.key LEFT JOIN auth a ON a.id = x.auth
        GROUP BY s.key
        HAVING s.settled <> coalesce(sum(a.amount) FILTER (WHERE a.state = 'settled'), 0)
            OR s.reserved <> coalesce(sum(a.amount) FILTER (WHERE a.state NOT IN ('settled', 'released')), 0)
        LIMIT 1`,
    )
    .get();
  return wrong && `the sums of ${wrong.key} do not add up`;
}

function asUnreadable(path: string, error: unknown): unknown {
  if (error instanceof StoreError && error.code === "DATABASE_UNREADABLE") {
    return unreadable(path, "the file is damaged or cannot be read", error);
  }
  return error;
}
