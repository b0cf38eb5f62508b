/** The ledger's rows as the caller sees them; what cannot be read is damage, never a default. */
import type { Address, Hex } from "viem";
import type { PaymentHeader } from "../protocol/authorization.ts";
import type { PurchaseState } from "../protocol/orchestrator-api.ts";
import { Secret } from "../protocol/secret.ts";
import { unreadable } from "./ledger-error.ts";
import type { Account, ReleaseProof } from "./ledger-states.ts";
import type { JournalLine, LedgerEntry } from "./ledger.ts";
import { openText, sealText } from "./sealed-text.ts";

/** A row of `auth`, its integers read as bigints. */
export interface AuthRow {
  id: bigint;
  purchase: string;
  epoch: bigint;
  nonce: Hex;
  state: PurchaseState;
  provider: string;
  service: string;
  fingerprint: string;
  pay_to: Address;
  amount: bigint;
  valid_after: bigint;
  valid_before: bigint;
  payment: Uint8Array | null;
  tx: Hex | null;
  proof: ReleaseProof | null;
  reserved_at: bigint;
  updated_at: bigint;
  /** Over all the others (`Seals`). */
  seal: Uint8Array | null;
}

export function sealPayment(
  key: Secret<Uint8Array>,
  nonce: Hex,
  { name, value }: PaymentHeader,
): Uint8Array {
  return sealText(key.reveal(), nonce.toLowerCase(), JSON.stringify({ name, value }));
}

/** `open` gives the bytes of a payment, where the row has some. */
export function readEntry(
  row: AuthRow,
  open: (sealed: Uint8Array) => Secret<PaymentHeader>,
): LedgerEntry {
  return {
    purchase: row.purchase,
    epoch: Number(row.epoch),
    nonce: row.nonce,
    state: row.state,
    provider: row.provider,
    service: row.service,
    fingerprint: row.fingerprint,
    payTo: row.pay_to,
    amount: row.amount,
    validAfter: row.valid_after,
    validBefore: row.valid_before,
    payment: row.payment === null ? undefined : open(row.payment),
    transaction: row.tx ?? undefined,
    proof: row.proof ?? undefined,
    reservedAt: Number(row.reserved_at),
    updatedAt: Number(row.updated_at),
  };
}

/** The bytes that were sealed, or `LEDGER_UNREADABLE`. */
export function openPayment(
  row: AuthRow,
  sealed: Uint8Array,
  key: Secret<Uint8Array>,
): Secret<PaymentHeader> {
  try {
    const { name, value } = JSON.parse(openText(key.reveal(), row.nonce, sealed)) as PaymentHeader;
    return new Secret({ name, value });
  } catch (cause) {
    throw unreadable(row.purchase, "the bytes of this payment do not open with this key", cause);
  }
}

export function readJournalLine(row: {
  at: bigint;
  purchase: string;
  nonce: Hex;
  from_state: PurchaseState | null;
  to_state: PurchaseState;
  credit: Account;
  debit: Account;
  amount: bigint;
}): JournalLine {
  const { at, purchase, nonce, from_state, to_state, credit, debit, amount } = row;
  const from = from_state ?? undefined;
  return { at: Number(at), purchase, nonce, from, to: to_state, credit, debit, amount };
}
