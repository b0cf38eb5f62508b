/** Builders for tests of the ledger: a book of a wallet, and reservations that differ only in what a test is about. */
import { createHash } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Secret } from "../../protocol/index.ts";
import {
  type Ledger,
  type LedgerScope,
  openLedger,
  type OpenLedgerOptions,
  type Reservation,
} from "../../store/index.ts";

export const IDENTITY = {
  network: "eip155:84532",
  genesis: `0x${"11".repeat(32)}`,
  asset: "0x036CbD53842c5426634e7929541eC2318f3dCF7e",
  decimals: 6,
  payer: `0x${"aa".repeat(20)}`,
} as const;

export const PAYMENT = { name: "X-PAYMENT", value: "the-bearer-capability" } as const;
export const TX = `0x${"77".repeat(32)}` as const;

export const newLedgerPath = () =>
  join(mkdtempSync(join(tmpdir(), "purser-ledger-")), "ledger.sqlite");

/** Opens a book that is bound to `IDENTITY`. */
export async function openBook(
  options: Partial<OpenLedgerOptions> = {},
): Promise<Ledger & Disposable> {
  const ledger = openLedger({
    path: ":memory:",
    bytesKey: new Secret(new Uint8Array(32).fill(7)),
    ...options,
  });
  await ledger.bind(IDENTITY);
  return Object.assign(ledger, { [Symbol.dispose]: () => ledger.close() });
}

export const scope = (name: string, max: bigint): LedgerScope => ({
  name,
  kind: name.startsWith("run:") ? "budget" : "cap",
  max,
  perMonth: !name.startsWith("run:"),
});

export function reservation(fields: Partial<Reservation> = {}): Reservation {
  const purchase = fields.purchase ?? "pur_1";
  return {
    purchase,
    provider: "cloudflare",
    service: "cloudflare/registrar:domain",
    fingerprint: "request-1",
    payTo: `0x${"bb".repeat(20)}`,
    amount: 10n,
    validAfter: 0n,
    validBefore: 1_800_000_000n,
    nonceOf: (epoch) => `0x${createHash("sha256").update(`${purchase}/${epoch}`).digest("hex")}`,
    scopes: [scope("provider:p/cloudflare", 100n)],
    ...fields,
  };
}

/** Takes a purchase to `sent`. */
export async function send(ledger: Ledger, fields: Partial<Reservation> = {}) {
  const { entry } = await ledger.reserve(reservation(fields));
  return ledger.markSent(entry.nonce, PAYMENT);
}
