/**
 * What makes a change of the book's bytes visible: every authorization's row carries a seal, and every commit's journal lines
 * are chained to the commit before. Both are keyed, so whoever can write the file but has not the key cannot mend them.
 */
import { createHmac } from "node:crypto";
import { type Hmac, oneShotHmac } from "../protocol/one-shot-hmac.ts";
import type { Secret } from "../protocol/secret.ts";
import type { AuthRow } from "./ledger-rows.ts";

/** A row of `journal`, as the chain counts it. */
export interface JournalRow {
  seq: bigint;
  at: bigint;
  auth: bigint;
  from_state: string | null;
  to_state: string;
  credit: string;
  debit: string;
  amount: bigint;
}

type Field = string | bigint | null | Uint8Array;

export class Seals {
  readonly #hmac: Hmac;

  constructor(bytesKey: Secret<Uint8Array>) {
    const derived = createHmac("sha256", bytesKey.reveal()).update("purser ledger seals").digest();
    this.#hmac = oneShotHmac(derived);
  }

  /** Of an authorization's row, every column of it. */
  row(row: Omit<AuthRow, "seal">): Uint8Array {
    return this.#seal(
      "auth",
      row.id,
      row.purchase,
      row.epoch,
      row.nonce,
      row.state,
      row.provider,
      row.service,
      row.fingerprint,
      row.pay_to,
      row.amount,
      row.valid_after,
      row.valid_before,
      row.payment,
      row.tx,
      row.proof,
      row.reserved_at,
      row.updated_at,
    );
  }

  /** Where a wallet's chain begins. */
  genesis(identity: string): Uint8Array {
    return this.#seal("genesis", identity);
  }

  /** A commit's lines after all that came before. */
  batch(before: Uint8Array, lines: readonly JournalRow[]): Uint8Array {
    const fields = lines.flatMap((line) => [
      line.seq,
      line.at,
      line.auth,
      line.from_state,
      line.to_state,
      line.credit,
      line.debit,
      line.amount,
    ]);
    return this.#seal("batch", before, ...fields);
  }

  /** Of a value that the book keeps under a name, as hex. */
  mark(name: string, value: string): string {
    return Buffer.from(this.#seal("mark", name, value)).toString("hex");
  }

  /** Of the sums at a point of the chain. */
  checkpoint(head: Uint8Array, lastLine: bigint, sums: readonly string[]): Uint8Array {
    return this.#seal("checkpoint", head, lastLine, ...sums);
  }

  #seal(...fields: Field[]): Uint8Array {
    // Lengths and kinds are part of it, so that no two lists of fields read the same.
    const parts = fields.map((field) => {
      if (field === null) return "n;";
      const text = field instanceof Uint8Array ? Buffer.from(field).toString("hex") : String(field);
      return `${typeof field === "string" ? "s" : "v"}${text.length}:${text};`;
    });
    return Buffer.from(this.#hmac(parts.join(""), "binary"), "binary");
  }
}

/** What was read may be no bytes at all, where somebody has renamed its column. */
export function isSame(a: Uint8Array | null, b: Uint8Array): boolean {
  return a instanceof Uint8Array && Buffer.compare(a, b) === 0;
}
