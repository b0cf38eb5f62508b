/**
 * What the ledger does, for every database: each command is a script that runs in a transaction which excludes every other
 * writer from its first question on, so no two callers anywhere can both see the same room under a cap.
 */
import assert from "node:assert/strict";
import type { Hex } from "viem";
import type { PurchaseState } from "../protocol/orchestrator-api.ts";
import { readHead, readIdentity } from "./ledger-chain.ts";
import { LedgerError, unreadable } from "./ledger-error.ts";
import type { AuthRow } from "./ledger-rows.ts";
import { begin, takeNumber } from "./ledger-rate.ts";
import { makeRoom } from "./ledger-scopes.ts";
import { ask, type Script } from "./ledger-script.ts";
import { isSame, type Seals } from "./ledger-seals.ts";
import { isOut, type ReleaseProof, STATES } from "./ledger-states.ts";
import type { LedgerIdentity, Reservation } from "./ledger.ts";
import { WrittenRows } from "./written-rows.ts";

/** All of a row of `auth`. */
const COLUMNS = [
  "id",
  "purchase",
  "epoch",
  "nonce",
  "state",
  "provider",
  "service",
  "fingerprint",
  "pay_to",
  "amount",
  "valid_after",
  "valid_before",
  "payment",
  "tx",
  "proof",
  "reserved_at",
  "updated_at",
  "seal",
] as const satisfies readonly (keyof AuthRow)[];
const INSERT_AUTH = `INSERT INTO auth (${COLUMNS.join(", ")}) VALUES (${COLUMNS.map(() => "?").join(", ")})`;

/** One key at a time: a set of them costs more than each of its two or three. */
const KEYS = "SELECT key FROM auth_scope WHERE auth = ?";
const MOVE_SUMS = "UPDATE scope SET settled = settled + ?, reserved = reserved + ? WHERE key = ?";

const LAST_AT = "SELECT at FROM journal ORDER BY seq DESC LIMIT 1";
const LOOK = `SELECT (${LAST_AT}) AS at, (SELECT id FROM auth WHERE nonce = ?) AS taken,
  (SELECT max(id) FROM auth) AS last`;

const STILL = `SELECT seal, (${LAST_AT}) AS at FROM auth WHERE id = ?`;

interface Look {
  at: bigint | null;
  taken: bigint | null;
  last: bigint | null;
}

export interface CommandOptions {
  /** For messages. */
  readonly path: string;
  readonly seals: Seals;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** After how long a reservation that nobody carried on may be replaced. */
  readonly staleAfterMs: number;
}

export interface Facts {
  payment?: Uint8Array;
  tx?: string;
  proof?: ReleaseProof;
  /** Unix seconds; until when an authorization of this nonce may be good at the latest. */
  validBefore?: bigint;
}

export class LedgerCommands {
  readonly #options: CommandOptions;
  readonly #written = new WrittenRows();
  /** Known once the book is bound. */
  #decimals: number | undefined;

  constructor(options: CommandOptions) {
    this.#options = options;
  }

  *bind({ network, genesis, asset, decimals, payer }: LedgerIdentity): Script<void> {
    const identity = JSON.stringify({
      network,
      genesis: genesis.toLowerCase(),
      asset: asset.toLowerCase(),
      decimals,
      payer: payer.toLowerCase(),
    });
    yield* ask(
      "INSERT INTO book (key, value) VALUES ('identity', ?) ON CONFLICT DO NOTHING",
      identity,
    );
    const bound = yield* readIdentity();
    if (bound !== identity) {
      throw new LedgerError("LEDGER_MISMATCH", {
        problem: `The ledger ${this.#options.path} is of another chain, token or wallet: ${bound}, not ${identity}.`,
        nextStep: "Open the ledger that belongs to this wallet, or begin a new one.",
      });
    }
    this.#decimals = decimals;
  }

  *reserve(reservation: Reservation): Script<{ row: AuthRow; created: boolean }> {
    const decimals = this.#decimals;
    assert(decimals !== undefined, "bind the ledger before reserving");
    assert(reservation.scopes.length > 0, "a reservation needs a limit");
    const newest = yield* this.newest(reservation.purchase);
    const epoch = (newest?.epoch ?? 0n) + 1n;
    const nonce = reservation.nonceOf(Number(epoch)).toLowerCase() as Hex;
    const { at, taken, id } = yield* this.#look(nonce);
    if (newest && isOut(newest.state)) {
      refuseOther(newest, reservation);
      if (newest.state === "sent" && newest.payment === null) this.#refuseYoung(newest, at);
      return { row: newest, created: false };
    }
    if (newest && newest.state !== "released") yield* this.#replaceStale(newest, at);
    const { amount, scopes, rate } = reservation;
    const keys: string[] = [];
    for (const scope of scopes) keys.push(yield* makeRoom({ scope, amount, at, decimals }));
    const number = rate && (yield* takeNumber(rate, at));
    if (taken) throw nonceTaken(reservation);
    const row = yield* this.#insert(reservation, { id, epoch, nonce, at });
    if (rate && number !== undefined) yield* begin(rate.name, id, at, number);
    for (const key of keys) yield* ask("INSERT INTO auth_scope (auth, key) VALUES (?, ?)", id, key);
    yield* this.#book(row, undefined, at);
    return { row, created: true };
  }

  *move(nonce: Hex, to: PurchaseState, facts: Facts = {}): Script<AuthRow> {
    const { row, at } = yield* this.#byNonce(nonce.toLowerCase());
    const rules = STATES[row.state];
    if (row.state === to && rules.repeats) return row;
    const { proof } = facts;
    const allowed =
      rules.next.includes(to) &&
      (row.state !== "signing" || to !== "unknown" || facts.validBefore !== undefined) &&
      (to !== "released" || (proof !== undefined && rules.releases.includes(proof)));
    if (!allowed) {
      throw notCarriedOn(row, `become ${to}${proof ? ` on ${proof}` : ""}`);
    }
    return yield* this.#set(row, to, at, facts);
  }

  *keepPayment(nonce: Hex, seal: () => Uint8Array): Script<AuthRow> {
    const { row: before } = yield* this.#byNonce(nonce.toLowerCase());
    if (before.payment !== null) return before;
    if (!isOut(before.state)) throw notCarriedOn(before, "have bytes");
    const payment = seal();
    const row: AuthRow = { ...before, payment };
    row.seal = this.#options.seals.row(row);
    yield* ask("UPDATE auth SET payment = ?, seal = ? WHERE id = ?", payment, row.seal, row.id);
    return this.#written.keep(row);
  }

  *withdraw(nonce: Hex): Script<AuthRow> {
    const { row, at } = yield* this.#byNonce(nonce.toLowerCase());
    const isHeld = row.state === "signing" || (row.state === "sent" && row.payment === null);
    if (!isHeld) throw notCarriedOn(row, "be taken back");
    return yield* this.#set(row, "released", at, { proof: "NEVER_SENT" });
  }

  *newest(purchase: string): Script<AuthRow | undefined> {
    const sql = "SELECT * FROM auth WHERE purchase = ? ORDER BY epoch DESC LIMIT 1";
    return (yield* this.rows(sql, purchase))[0];
  }

  /** Rows of `auth`, each with its seal unbroken. */
  *rows(sql: string, ...values: string[]): Script<AuthRow[]> {
    const rows = yield* ask<AuthRow>(sql, ...values);
    for (const row of rows) {
      if (!isSame(row.seal, this.#options.seals.row(row))) {
        throw unreadable(this.#options.path, `the authorization ${row.id} is not what was written`);
      }
    }
    return rows;
  }

  /** The book's time: a clock that was set back neither opens a new month nor makes anything stale. */
  *time(): Script<number> {
    const [last] = yield* ask<{ at: bigint }>(LAST_AT);
    return this.#timeAfter(last?.at ?? null);
  }

  #timeAfter(last: bigint | null): number {
    return Math.max(Math.floor(this.#options.now()), Number(last ?? 0));
  }

  /** How far the chain is, for whoever wants to keep it elsewhere. */
  *head(): Script<string> {
    return Buffer.from((yield* readHead(this.#options.seals)).hash).toString("hex");
  }

  /** The book's time, whether a nonce is used, and the next authorization's id. */
  *#look(nonce: Hex): Script<{ at: number; taken: boolean; id: bigint }> {
    const [row] = yield* ask<Look>(LOOK, nonce);
    const { at = null, taken = null, last = null } = row ?? {};
    return { at: this.#timeAfter(at), taken: taken !== null, id: (last ?? 0n) + 1n };
  }

  *#insert(
    reservation: Reservation,
    { id, epoch, nonce, at }: { id: bigint; epoch: bigint; nonce: Hex; at: number },
  ): Script<AuthRow> {
    const { purchase, provider, service, fingerprint, payTo, amount } = reservation;
    const row = {
      id,
      purchase,
      epoch,
      nonce,
      state: reservation.sent === true ? ("sent" as const) : ("signing" as const),
      provider,
      service,
      fingerprint,
      pay_to: payTo,
      amount,
      valid_after: reservation.validAfter,
      valid_before: reservation.validBefore,
      payment: null,
      tx: null,
      proof: null,
      reserved_at: BigInt(at),
      updated_at: BigInt(at),
    };
    const sealed: AuthRow = { ...row, seal: this.#options.seals.row(row) };
    yield* ask(INSERT_AUTH, ...COLUMNS.map((column) => sealed[column]));
    return this.#written.keep(sealed);
  }

  /** A reservation that was never sent can be replaced safely: from `released` no way leads to `sent`. */
  *#replaceStale(row: AuthRow, at: number): Script<void> {
    this.#refuseYoung(row, at);
    yield* this.#set(row, "released", at, { proof: "NEVER_SENT" });
  }

  #refuseYoung({ purchase, updated_at }: AuthRow, at: number): void {
    if (at - Number(updated_at) >= this.#options.staleAfterMs) return;
    throw new LedgerError("PURCHASE_IN_PROGRESS", {
      problem: `The purchase ${purchase} is being paid for by another caller.`,
      nextStep: "Ask for the same purchase again in a moment.",
    });
  }

  *#set(before: AuthRow, to: PurchaseState, at: number, facts: Facts): Script<AuthRow> {
    const { payment, tx, proof, validBefore } = facts;
    const row: AuthRow = {
      ...before,
      state: to,
      updated_at: BigInt(at),
      payment: payment ?? before.payment,
      tx: (tx as Hex | undefined) ?? before.tx,
      proof: proof ?? before.proof,
      valid_before: validBefore ?? before.valid_before,
    };
    row.seal = this.#options.seals.row(row);
    yield* ask(
      "UPDATE auth SET state = ?, updated_at = ?, payment = ?, tx = ?, proof = ?, valid_before = ?, seal = ? WHERE id = ?",
      row.state,
      row.updated_at,
      row.payment,
      row.tx,
      row.proof,
      row.valid_before,
      row.seal,
      row.id,
    );
    yield* this.#book(row, before.state, at);
    if (to === "released") yield* ask("DELETE FROM kept WHERE purchase = ?", row.purchase);
    return this.#written.keep(row);
  }

  /** Writes the journal, and moves the amount between the sums of every scope that carries it. */
  *#book(row: AuthRow, from: PurchaseState | undefined, at: number): Script<void> {
    const credit = from === undefined ? "available" : STATES[from].account;
    const debit = STATES[row.state].account;
    yield* ask(
      "INSERT INTO journal (at, auth, from_state, to_state, credit, debit, amount) VALUES (?, ?, ?, ?, ?, ?, ?)",
      at,
      row.id,
      from ?? null,
      row.state,
      credit,
      debit,
      row.amount,
    );
    if (credit === debit) return;
    const change = (account: string) =>
      (debit === account ? row.amount : 0n) - (credit === account ? row.amount : 0n);
    const [spent, reserved] = [change("spent"), change("reserved")];
    for (const { key } of yield* ask<{ key: string }>(KEYS, row.id)) {
      yield* ask(MOVE_SUMS, spent, reserved, key);
    }
  }

  /** The authorization of a nonce, and the book's time. */
  *#byNonce(nonce: string): Script<{ row: AuthRow; at: number }> {
    const written = this.#written.find(nonce);
    if (written) {
      const [now] = yield* ask<{ seal: Uint8Array; at: bigint }>(STILL, written.id);
      if (now && isSame(written.seal, now.seal))
        return { row: written, at: this.#timeAfter(now.at) };
    }
    const [row] = yield* this.rows("SELECT * FROM auth WHERE nonce = ?", nonce);
    if (row) return { row, at: yield* this.time() };
    throw new LedgerError("PURCHASE_UNKNOWN", {
      problem: "The ledger has no authorization with this nonce.",
      nextStep: "Reserve before anything else.",
    });
  }
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

function notCarriedOn({ purchase, state }: AuthRow, what: string): LedgerError {
  return new LedgerError("LEDGER_TRANSITION", {
    problem: `The authorization of ${purchase} is ${state}, and cannot ${what}.`,
    nextStep: "Look the purchase up again: another caller has carried it on.",
  });
}

/** Where a server fixes the nonce (MPP), it may hand the same one to two; the chain would take only one of them. */
function nonceTaken({ purchase }: Reservation): LedgerError {
  return new LedgerError("PURCHASE_CONFLICT", {
    problem: `The nonce for the purchase ${purchase} has been used for another authorization.`,
    nextStep: "Nothing was signed. Ask the provider again, for another challenge.",
  });
}
