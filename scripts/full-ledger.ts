/**
 * `node scripts/full-ledger.ts [payments]`: is a book of a million payments as fast as an empty one? It fills one as that many
 * settled payments would have left it, then authorizes in both by turns, opens and verifies. Exit code 1 above twice the time.
 */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Secret } from "../protocol/index.ts";
import { type Database, type Ledger, openDatabase, openLedger } from "../store/index.ts";
import { chainLines } from "../store/ledger-chain.ts";
import { answer } from "../store/ledger-schema.ts";
import { runNow } from "../store/ledger-script.ts";
import { Seals } from "../store/ledger-seals.ts";
import { median } from "./bench/bench.ts";

const PAYMENTS = Number(process.argv[2] ?? 1_000_000);
const ROUNDS = 7;
const PER_ROUND = 1_000;
const AT = BigInt(Date.UTC(2026, 0, 1));
const SCOPES = ["provider:p/shop/2026-01", "run:past"];
const PATH = [
  [null, "signing", "available", "reserved"],
  ["signing", "sent", "reserved", "reserved"],
  ["sent", "settled", "reserved", "spent"],
] as const;

const PAYMENT = new Uint8Array(700).fill(9);
const bytesKey = new Secret(new Uint8Array(32).fill(1));
const folder = mkdtempSync(join(tmpdir(), "purser-full-"));
const say = (text: string) => process.stdout.write(`${text}\n`);
try {
  const [emptyPath, fullPath] = [join(folder, "empty.sqlite"), join(folder, "full.sqlite")];
  const empty = await open(emptyPath);
  (await open(fullPath)).close();
  say(`filling: ${await seconds(async () => fill(fullPath))} s`);
  let full!: Ledger;
  say(`opening: ${await seconds(async () => (full = await open(fullPath)))} s`);
  const times: { empty: number[]; full: number[] } = { empty: [], full: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    times.empty.push(await authorize(empty, round));
    times.full.push(await authorize(full, round));
  }
  const [before, after] = [median(times.empty), median(times.full)];
  const each = (ms: number) => `${((ms / PER_ROUND) * 1_000).toFixed(0)} µs`;
  say(`an authorization in an empty book: ${each(before)}; in a full one: ${each(after)}`);
  let verified: unknown;
  say(`verifying all of it: ${await seconds(async () => (verified = await full.verify()))} s`);
  say(`${JSON.stringify(verified)}, ${(statSync(fullPath).size / 2 ** 20).toFixed(0)} MiB`);
  const ratio = after / before;
  say(`ratio ${ratio.toFixed(2)}, at most 2: ${ratio <= 2 ? "holds" : "MISSED"}`);
  process.exitCode = ratio <= 2 ? 0 : 1;
  full.close();
  empty.close();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function open(path: string): Promise<Ledger> {
  const ledger = openLedger({ path, bytesKey });
  await ledger.bind({
    network: "eip155:84532",
    genesis: `0x${"11".repeat(32)}`,
    asset: `0x${"22".repeat(20)}`,
    decimals: 6,
    payer: `0x${"33".repeat(20)}`,
  });
  return ledger;
}

async function seconds(work: () => Promise<unknown>): Promise<string> {
  const start = performance.now();
  await work();
  return ((performance.now() - start) / 1_000).toFixed(2);
}

/** How many milliseconds a round takes: reserved, sent, 64 at a time. */
async function authorize(ledger: Ledger, round: number): Promise<number> {
  let next = 0;
  const scope = { kind: "cap", max: 10n ** 15n, perMonth: true } as const;
  const work = async () => {
    while (next < PER_ROUND) {
      const purchase = `pur_new_${round}_${next++}`;
      const { entry } = await ledger.reserve({
        purchase,
        provider: "shop",
        service: "shop/thing",
        fingerprint: "f".repeat(64),
        payTo: `0x${"bb".repeat(20)}`,
        amount: 10n,
        validAfter: 0n,
        validBefore: 2_000_000_000n,
        nonceOf: () => nonceOf(purchase),
        scopes: [
          { ...scope, name: "provider:p/shop" },
          { ...scope, name: "run:now", perMonth: false },
        ],
      });
      await ledger.markSent(entry.nonce, { name: "X-PAYMENT", value: "p".repeat(600) });
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: 64 }, work));
  return performance.now() - start;
}

function nonceOf(purchase: string): `0x${string}` {
  return `0x${createHash("sha256").update(purchase).digest("hex")}`;
}

function fill(path: string): void {
  using db = openDatabase(path);
  const seals = new Seals(bytesKey);
  for (const key of SCOPES) db.run("INSERT INTO scope (key) VALUES (?)", key);
  for (let from = 0; from < PAYMENTS; from += 64) {
    db.transaction(() => {
      const to = Math.min(from + 64, PAYMENTS);
      for (let index = from; index < to; index += 1) insertPayment(db, seals, index);
      db.run("UPDATE scope SET settled = ?", BigInt(to) * 10n);
      runNow(chainLines(seals), (question) => answer(db, question));
    });
  }
}

function insertPayment(db: Database, seals: Seals, index: number): void {
  const purchase = `pur_${index}`;
  const row = {
    id: BigInt(index + 1),
    purchase,
    epoch: 1n,
    nonce: nonceOf(purchase),
    state: "settled" as const,
    provider: "shop",
    service: "shop/thing",
    fingerprint: "f".repeat(64),
    pay_to: `0x${"bb".repeat(20)}` as const,
    amount: 10n,
    valid_after: 0n,
    valid_before: 2_000_000_000n,
    payment: PAYMENT,
    tx: nonceOf(purchase),
    proof: null,
    reserved_at: AT,
    updated_at: AT,
  };
  const columns = [...Object.keys(row), "seal"];
  db.run(
    `INSERT INTO auth (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`,
    ...Object.values(row),
    seals.row(row),
  );
  for (const key of SCOPES) {
    db.run("INSERT INTO auth_scope (auth, key) VALUES (?, ?)", row.id, key);
  }
  for (const [from, to, credit, debit] of PATH) {
    db.run(
      `INSERT INTO journal (at, auth, from_state, to_state, credit, debit, amount)
        VALUES (?, ?, ?, ?, ?, ?, 10)`,
      AT,
      row.id,
      from,
      to,
      credit,
      debit,
    );
  }
}
