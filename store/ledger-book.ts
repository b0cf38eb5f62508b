/** The ledger over any database: its commands, the rows as callers see them, and the rule that damage ends everything. */
import type { Address, Hex } from "viem";
import type { PaymentHeader } from "../protocol/authorization.ts";
import type { PurchaseState } from "../protocol/orchestrator-api.ts";
import { Secret } from "../protocol/secret.ts";
import type { SnapshotOptions, TransactionOptions } from "./database.ts";
import { type Facts, LedgerCommands } from "./ledger-commands.ts";
import { LedgerError, unreadable } from "./ledger-error.ts";
import { KeptBook, type KeptTexts } from "./ledger-kept.ts";
import { highest } from "./ledger-marks.ts";
import { countBegun } from "./ledger-rate.ts";
import {
  type AuthRow,
  openPayment,
  readEntry,
  readJournalLine,
  sealPayment,
} from "./ledger-rows.ts";
import { providerCapOf, readScope, scopeKey } from "./ledger-scopes.ts";
import { ask, type Script } from "./ledger-script.ts";
import { Seals } from "./ledger-seals.ts";
import type { ReleaseProof } from "./ledger-states.ts";
import { verifyBook } from "./ledger-verify.ts";
import type {
  JournalLine,
  KeptRequest,
  Ledger,
  LedgerEntry,
  LedgerIdentity,
  LedgerScope,
  LedgerVerification,
  Reservation,
  Spent,
} from "./ledger.ts";

/** A database that a book can be kept in. */
export interface LedgerStore {
  /** Where it is, for messages. */
  readonly path: string;
  /**
   * Runs a script atomically and excluding every other writer; resolves when it is durable and its lines are chained. Without
   * `sync` it resolves when all see it, and it is durable with the next one that is.
   */
  commit<T>(script: () => Script<T>, options?: TransactionOptions): Promise<T>;
  /** Resolves when all that was committed is durable. A store without it commits what has to be durable so. */
  sync?(): Promise<void>;
  /** Runs a script that only reads, all of it from one moment; a single question needs no transaction for that. */
  read<T>(script: () => Script<T>, options?: SnapshotOptions): Promise<T>;
  /** A failure of the database as ours, `LEDGER_UNREADABLE` where it is damage. */
  explain(error: unknown): unknown;
  close(): void;
}

export interface BookOptions {
  /** 32 bytes that seal the payments' bytes at rest, and the book against change. */
  bytesKey: Secret<Uint8Array>;
  /** Milliseconds since the epoch. The book's own clock is the latest of all that it was ever given. */
  now?: () => number;
  /** After how long a reservation that nobody carried on may be replaced. */
  staleAfterMs?: number;
}

/** What is on the disk before anything leaves is `synced`; and bytes can be made again. */
const UNSYNCED = { sync: false };

export class LedgerBook implements Ledger {
  readonly #store: LedgerStore;
  readonly #bytesKey: Secret<Uint8Array>;
  readonly #seals: Seals;
  readonly #commands: LedgerCommands;
  readonly #kept: KeptBook;
  /** What is in sealed bytes of this process's own, so that it need not open them. */
  readonly #sealed = new WeakMap<Uint8Array, Secret<PaymentHeader>>();
  /** Bytes on their way into the book, by nonce. */
  readonly #handedOut = new Map<string, Secret<PaymentHeader>>();
  #damage: unknown;

  constructor(
    store: LedgerStore,
    { bytesKey, now = Date.now, staleAfterMs = 30_000 }: BookOptions,
  ) {
    this.#store = store;
    this.#bytesKey = bytesKey;
    this.#seals = new Seals(bytesKey);
    this.#kept = new KeptBook(bytesKey);
    const { path } = store;
    this.#commands = new LedgerCommands({ path, seals: this.#seals, now, staleAfterMs });
  }

  bind(identity: LedgerIdentity): Promise<void> {
    return this.#commit(() => this.#commands.bind(identity));
  }

  async reserve(reservation: Reservation): Promise<{ entry: LedgerEntry; created: boolean }> {
    const [commands, kept] = [this.#commands, this.#kept];
    const sync = reservation.sent === true && !this.#store.sync;
    const { row, created } = await this.#commit(
      function* () {
        const reserved = yield* commands.reserve(reservation);
        if (reserved.created) yield* kept.keep(reservation.purchase, reservation.request);
        return reserved;
      },
      { sync },
    );
    return { entry: this.#entry(row), created };
  }

  synced(): Promise<void> {
    return this.#guard(async () => this.#store.sync?.());
  }

  markSent(nonce: Hex, payment: PaymentHeader): Promise<LedgerEntry> {
    return this.#move(nonce, "sent", { payment: this.#sealPayment(nonce, payment) });
  }

  async keepSent(nonce: Hex, payment: PaymentHeader): Promise<void> {
    const key = nonce.toLowerCase();
    const { name, value } = payment;
    this.#handedOut.set(key, new Secret({ name, value }));
    try {
      await this.#keep(nonce, payment, UNSYNCED);
    } finally {
      this.#handedOut.delete(key);
    }
  }

  async keepPayment(nonce: Hex, payment: PaymentHeader): Promise<LedgerEntry> {
    return this.#entry(await this.#keep(nonce, payment));
  }

  async withdraw(nonce: Hex): Promise<LedgerEntry> {
    return this.#entry(await this.#commit(() => this.#commands.withdraw(nonce)));
  }

  markUnknown(nonce: Hex, validBefore?: bigint): Promise<LedgerEntry> {
    return this.#move(nonce, "unknown", validBefore === undefined ? {} : { validBefore });
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

  async find(purchase: string): Promise<LedgerEntry | undefined> {
    const row = await this.#read(() => this.#commands.newest(purchase), { single: true });
    return row && this.#entry(row);
  }

  listOpen(): Promise<LedgerEntry[]> {
    return this.#list("WHERE state NOT IN ('settled', 'released')");
  }

  list(): Promise<LedgerEntry[]> {
    return this.#list("");
  }

  spent(scope: Pick<LedgerScope, "name" | "perMonth">, month?: string): Promise<Spent> {
    const commands = this.#commands;
    return this.#read(function* () {
      const at = month === undefined ? yield* commands.time() : Date.parse(month);
      return yield* readScope(scopeKey(scope, at));
    });
  }

  async providerCaps(payTo: Address): Promise<string[]> {
    const sql = `SELECT DISTINCT s.key FROM auth_scope s JOIN auth a ON a.id = s.auth
      WHERE lower(a.pay_to) = ? ORDER BY s.key`;
    const rows = await this.#read(() => ask<{ key: string }>(sql, payTo.toLowerCase()));
    return [...new Set(rows.flatMap(({ key }) => providerCapOf(key) ?? []))];
  }

  highest(name: string, count: number): Promise<number> {
    const book = { path: this.#store.path, seals: this.#seals };
    return this.#commit(() => highest(book, name, count));
  }

  begun(name: string): Promise<number> {
    const commands = this.#commands;
    return this.#read(function* () {
      return yield* countBegun(name, yield* commands.time());
    });
  }

  async listKept(purchase?: string): Promise<KeptRequest[]> {
    const [commands, kept] = [this.#commands, this.#kept];
    const found = await this.#read(function* () {
      const pairs: [AuthRow, KeptTexts][] = [];
      for (const texts of yield* kept.list(purchase)) {
        const row = yield* commands.newest(texts.purchase);
        if (row && row.state !== "released") pairs.push([row, texts]);
      }
      return pairs.toSorted(([a], [b]) => (a.id < b.id ? -1 : 1));
    });
    return found.map(([row, { request, answer }]) => ({
      entry: this.#entry(row),
      request,
      answer,
    }));
  }

  keepAnswer(purchase: string, answer: Secret): Promise<void> {
    return this.#commit(() => this.#kept.keepAnswer(purchase, answer));
  }

  forgetRequest(purchase: string): Promise<void> {
    return this.#commit(() => this.#kept.forget(purchase));
  }

  async journal(): Promise<JournalLine[]> {
    const sql = `SELECT j.at, a.purchase, a.nonce, j.from_state, j.to_state, j.credit, j.debit, j.amount
      FROM journal j JOIN auth a ON a.id = j.auth ORDER BY j.seq`;
    const rows = await this.#read(() => ask<Parameters<typeof readJournalLine>[0]>(sql));
    return rows.map(readJournalLine);
  }

  async verify(): Promise<LedgerVerification> {
    const [{ damage, lines, authorizations }, head] = await this.#read(() => this.#verify(true));
    if (damage !== undefined) throw this.#notice(unreadable(this.#store.path, damage));
    return { lines, authorizations, head };
  }

  /** Looks at what is open or new since the last checkpoint; throws `LEDGER_UNREADABLE`. */
  async check(): Promise<void> {
    const [{ damage }] = await this.#read(() => this.#verify(false));
    if (damage !== undefined) throw this.#notice(unreadable(this.#store.path, damage));
  }

  close(): void {
    this.#store.close();
  }

  *#verify(whole: boolean) {
    return [
      yield* verifyBook({ seals: this.#seals, whole }),
      yield* this.#commands.head(),
    ] as const;
  }

  async #move(nonce: Hex, to: PurchaseState, facts: Facts = {}): Promise<LedgerEntry> {
    return this.#entry(await this.#commit(() => this.#commands.move(nonce, to, facts)));
  }

  async #list(where: string): Promise<LedgerEntry[]> {
    const sql = `SELECT * FROM auth ${where} ORDER BY id`;
    return (await this.#read(() => this.#commands.rows(sql))).map((row) => this.#entry(row));
  }

  #keep(nonce: Hex, payment: PaymentHeader, options?: TransactionOptions): Promise<AuthRow> {
    const seal = () => this.#sealPayment(nonce, payment);
    return this.#commit(() => this.#commands.keepPayment(nonce, seal), options);
  }

  #sealPayment(nonce: Hex, { name, value }: PaymentHeader): Uint8Array {
    const sealed = sealPayment(this.#bytesKey, nonce, { name, value });
    this.#sealed.set(sealed, new Secret({ name, value }));
    return sealed;
  }

  #entry(row: AuthRow): LedgerEntry {
    try {
      const open = (sealed: Uint8Array) =>
        this.#sealed.get(sealed) ?? openPayment(row, sealed, this.#bytesKey);
      const entry = readEntry(row, open);
      return { ...entry, payment: entry.payment ?? this.#handedOut.get(row.nonce) };
    } catch (error) {
      throw this.#notice(error);
    }
  }

  #commit<T>(script: () => Script<T>, options?: TransactionOptions): Promise<T> {
    return this.#guard(() => this.#store.commit(script, options));
  }

  #read<T>(script: () => Script<T>, options?: SnapshotOptions): Promise<T> {
    return this.#guard(() => this.#store.read(script, options));
  }

  /** Once the book has shown damage, nothing more is read from it or written to it. */
  async #guard<T>(work: () => Promise<T>): Promise<T> {
    if (this.#damage !== undefined) throw this.#damage;
    try {
      return await work();
    } catch (error) {
      throw this.#notice(error);
    }
  }

  #notice(error: unknown): unknown {
    const ours = this.#store.explain(error);
    if (ours instanceof LedgerError && ours.code === "LEDGER_UNREADABLE") this.#damage = ours;
    return ours;
  }
}
