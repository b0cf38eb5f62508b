/** What is the SQLite ledger's own: its files, and what becomes of them. What every ledger does: `ledger-contract.test.ts`. */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { Secret } from "../../protocol/index.ts";
import { openDatabase, openLedger } from "../../store/index.ts";
import { newLedgerPath, openBook, PAYMENT, send } from "./ledger-world.ts";

const coded = (code: string) => expect.objectContaining({ code });

test("the payment's bytes are nowhere in the files, nor in what prints an entry", async () => {
  const path = newLedgerPath();
  using ledger = await openBook({ path });
  const entry = await send(ledger);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  for (const file of [path, `${path}-wal`]) {
    expect(readFileSync(file).includes(PAYMENT.value)).toBe(false);
  }
  expect(JSON.stringify({ ...entry, amount: "", validAfter: "", validBefore: "" })).not.toContain(
    PAYMENT.value,
  );
});

test.each([
  ["no database at all", (path: string) => writeFileSync(path, "not a ledger".repeat(1000))],
  [
    "a page with flipped bytes",
    (path: string) => {
      const bytes = readFileSync(path);
      bytes.fill(0xff, 4096 + 8, 4096 + 200);
      writeFileSync(path, bytes);
    },
  ],
  [
    "an amount that somebody changed",
    (path: string) => {
      using db = openDatabase(path);
      db.run("UPDATE auth SET amount = 1");
    },
  ],
  [
    "a sum that somebody changed",
    (path: string) => {
      using db = openDatabase(path);
      db.run("UPDATE scope SET reserved = 0");
    },
  ],
])("a book that is %s denies everything", async (_, damage) => {
  const path = newLedgerPath();
  {
    using ledger = await openBook({ path });
    await send(ledger);
  }
  damage(path);
  const open = () => openLedger({ path, bytesKey: new Secret(new Uint8Array(32).fill(7)) });
  expect(open).toThrow(coded("LEDGER_UNREADABLE"));
});

test("a journal line can be neither changed nor deleted", async () => {
  const path = newLedgerPath();
  using ledger = await openBook({ path });
  await send(ledger);
  using db = openDatabase(path);
  expect(() => db.exec("UPDATE journal SET amount = 1")).toThrow("append-only");
  expect(() => db.exec("DELETE FROM journal")).toThrow("append-only");
});
