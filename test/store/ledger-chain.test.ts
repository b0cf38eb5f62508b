/** A book that is not what was written to it, by one byte or one row, pays nothing. */
import { readFileSync, writeFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Secret } from "../../protocol/index.ts";
import { type Ledger, openDatabase, openLedger } from "../../store/index.ts";
import { ledgerSteps } from "../../store/ledger-schema.ts";
import { Seals } from "../../store/ledger-seals.ts";
import { BOOKS } from "./ledger-books.ts";
import {
  IDENTITY,
  newLedgerPath,
  openBook,
  PAYMENT,
  reservation,
  scope,
  send,
  TX,
} from "./ledger-world.ts";

const coded = (code: string) => expect.objectContaining({ code });
const bytesKey = new Secret(new Uint8Array(32).fill(7));

/** A settled payment, a released one and an open one. */
async function fill(ledger: Ledger): Promise<void> {
  const scopes = [scope("provider:p/cloudflare", 100n), scope("run:r1", 50n)];
  const settled = await send(ledger, { purchase: "a", scopes });
  await ledger.markSettled(settled.nonce, TX);
  const released = await send(ledger, { purchase: "b", scopes });
  await ledger.release(released.nonce, "EXPIRED");
  await send(ledger, { purchase: "c", scopes });
}

const CHANGES = [
  ["a line's amount", "UPDATE journal SET amount = 9 WHERE seq = 4"],
  ["a line's time", "UPDATE journal SET at = at + 1 WHERE seq = 2"],
  ["a line that is gone", "DELETE FROM journal WHERE seq = 4"],
  ["the last line gone", "DELETE FROM journal WHERE seq = (SELECT max(seq) FROM journal)"],
  [
    "a last commit that is gone, with its lines",
    `DELETE FROM journal WHERE seq = (SELECT max(seq) FROM journal);
      DELETE FROM batch WHERE seq = (SELECT max(seq) FROM batch)`,
  ],
  ["a commit that is gone", "DELETE FROM batch WHERE seq = 2"],
  ["the book's wallet", "UPDATE book SET value = replace(value, 'aaaa', 'bbbb')"],
  ["a payment that is said to be released", "UPDATE auth SET state = 'released' WHERE id = 3"],
  ["a payment's recipient", "UPDATE auth SET pay_to = nonce WHERE id = 1"],
  ["a payment's bytes", "UPDATE auth SET payment = seal WHERE id = 3"],
  ["a payment without its seal", "UPDATE auth SET seal = payment WHERE id = 1"],
  [
    "a payment that is gone",
    "DELETE FROM auth_scope WHERE auth = 1; DELETE FROM auth WHERE id = 1",
  ],
  ["a sum", "UPDATE scope SET settled = 0"],
  ["a sum that is gone", "DELETE FROM scope"],
  ["the name of a column", "ALTER TABLE journal RENAME COLUMN amount TO quantity"],
  ["the name of the seals", "ALTER TABLE auth RENAME COLUMN seal TO stamp"],
  ["a payment under another limit", "UPDATE auth_scope SET key = 'run:r2' WHERE key = 'run:r1'"],
] as const;

describe.each(BOOKS)("on $name", ({ skip, openBook, newLedgerPath, tamper }) => {
  const it = test.skipIf(skip);

  it("a book that nobody touched verifies, and says where its chain stands", async () => {
    const path = newLedgerPath();
    using ledger = await openBook({ path });
    await fill(ledger);
    const first = await ledger.verify();
    expect(first).toMatchObject({ lines: 8, authorizations: 3 });
    await send(ledger, { purchase: "d" });
    expect((await ledger.verify()).head).not.toBe(first.head);
    using again = await openBook({ path });
    expect(await again.verify()).toEqual(await ledger.verify());
  });

  it.each(CHANGES)("somebody changed %s: nothing is paid from it", async (_, sql) => {
    const path = newLedgerPath();
    {
      using ledger = await openBook({ path });
      await fill(ledger);
    }
    await tamper(path, sql);
    await expect(openBook({ path })).rejects.toThrow(coded("LEDGER_UNREADABLE"));
  });

  it("a line that appears while the book is open ends it before the next payment", async () => {
    const path = newLedgerPath();
    using ledger = await openBook({ path });
    await fill(ledger);
    await tamper(
      path,
      `INSERT INTO journal (at, auth, from_state, to_state, credit, debit, amount)
        VALUES (1, 1, 'settled', 'released', 'spent', 'available', 10)`,
    );
    const reserve = ledger.reserve(reservation({ purchase: "d" }));
    await expect(reserve).rejects.toThrow(coded("LEDGER_UNREADABLE"));
    await expect(ledger.find("a")).rejects.toThrow(coded("LEDGER_UNREADABLE"));
  });

  it("a row that is changed while the book is open is not believed", async () => {
    const path = newLedgerPath();
    using ledger = await openBook({ path });
    await fill(ledger);
    await tamper(path, "UPDATE auth SET state = 'released', proof = 'EXPIRED' WHERE id = 3");
    const reserve = ledger.reserve(reservation({ purchase: "c" }));
    await expect(reserve).rejects.toThrow(coded("LEDGER_UNREADABLE"));
  });
});

test("whichever byte of the file is flipped, it is refused, or all that is read is as it was", async () => {
  const path = newLedgerPath();
  const readAll = async (ledger: Ledger) =>
    JSON.stringify(
      [await ledger.list(), await ledger.journal(), await ledger.spent(scope("run:r1", 0n))],
      (_, value: unknown) => (typeof value === "bigint" ? `${value}` : value),
    );
  {
    using ledger = await openBook({ path });
    await fill(ledger);
  }
  const sound = readFileSync(path);
  using before = await openBook({ path });
  const content = await readAll(before);
  before.close();
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: sound.length - 1 }),
      fc.integer({ min: 1, max: 255 }),
      async (offset, flip) => {
        const bytes = Buffer.from(sound);
        bytes[offset] = (bytes[offset] ?? 0) ^ flip;
        const copy = newLedgerPath();
        writeFileSync(copy, bytes);
        try {
          using ledger = await openBook({ path: copy });
          expect(await readAll(ledger)).toBe(content);
        } catch (error) {
          const codes = ["LEDGER_UNREADABLE", "LEDGER_MISMATCH", "DATABASE_TOO_NEW"];
          expect(codes).toContain((error as { code?: unknown }).code);
        }
      },
    ),
    { numRuns: 200 },
  );
});

test("from a checkpoint on, opening looks at what came since, and verifying still at everything", async () => {
  const path = newLedgerPath();
  {
    using ledger = await openBook({ path });
    const scopes = [scope("provider:p/c", 10n ** 9n)];
    const pay = async (index: number) => {
      const { nonce } = await send(ledger, { purchase: `pur_${index}`, scopes });
      await ledger.markSettled(nonce, TX);
    };
    for (let index = 0; index < 3_400; index += 100) {
      await Promise.all(Array.from({ length: 100 }, (_, more) => pay(index + more)));
    }
    expect(await ledger.verify()).toMatchObject({ lines: 10_200, authorizations: 3_400 });
  }
  const [sqlite] = BOOKS;
  await sqlite!.tamper(path, "UPDATE journal SET at = 1 WHERE seq = 5");
  {
    using ledger = await openBook({ path });
    await expect(ledger.verify()).rejects.toThrow(coded("LEDGER_UNREADABLE"));
    await expect(ledger.find("pur_1")).rejects.toThrow(coded("LEDGER_UNREADABLE"));
  }
  await sqlite!.tamper(path, "UPDATE scope SET settled = settled - 10");
  await expect(openBook({ path })).rejects.toThrow(coded("LEDGER_UNREADABLE"));
});

test("a book of the version before is chained and sealed when it is opened, and keeps what it holds", async () => {
  const path = newLedgerPath();
  {
    using db = openDatabase(path);
    db.exec("CREATE TABLE migration (name TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT");
    const [tables] = ledgerSteps(new Seals(bytesKey));
    db.exec(tables as string);
    const identity = { ...IDENTITY, asset: IDENTITY.asset.toLowerCase() };
    db.exec(`
      INSERT INTO migration VALUES ('ledger', 1);
      INSERT INTO book VALUES ('identity', '${JSON.stringify(identity)}'), ('time', '5');
      INSERT INTO auth VALUES (1, 'a', 1, '0x11', 'reserved', 'p', 's', 'f', '0x22', 10, 0, 9, NULL, NULL, NULL, 5, 5);
      INSERT INTO scope VALUES ('provider:p/c/1970-01', 0, 10);
      INSERT INTO auth_scope VALUES (1, 'provider:p/c/1970-01');
      INSERT INTO journal VALUES (1, 5, 1, NULL, 'reserved', 'available', 'reserved', 10);`);
  }
  using ledger = openBookOf(path);
  await ledger.bind(IDENTITY);
  expect(await ledger.list()).toMatchObject([{ purchase: "a", amount: 10n, state: "reserved" }]);
  expect(await ledger.verify()).toMatchObject({ lines: 1, authorizations: 1 });
  // A reservation that was not yet being signed is a state of that version's: it can only be given back.
  await expect(ledger.markSent("0x11", PAYMENT)).rejects.toMatchObject({
    code: "LEDGER_TRANSITION",
  });
  expect(await ledger.release("0x11", "NEVER_SENT")).toMatchObject({ state: "released" });
});

test("a book of the version that counted a minute's payments one by one goes on counting where it was", async () => {
  const path = newLedgerPath();
  {
    using ledger = openBookOf(path);
    await ledger.bind(IDENTITY);
    await ledger.reserve(reservation({ purchase: "a" }));
  }
  {
    using db = openDatabase(path);
    db.exec(`ALTER TABLE begun DROP COLUMN n;
      UPDATE migration SET version = version - 1 WHERE name = 'ledger';
      INSERT INTO begun VALUES ('wallet', 1, 1), ('wallet', 3, 1), ('other', 2, 1), ('wallet', 2, 1);`);
  }
  using ledger = openBookOf(path);
  await ledger.bind(IDENTITY);
  expect([await ledger.begun("wallet"), await ledger.begun("other")]).toEqual([3, 1]);
  const rate = { name: "wallet", max: 4 };
  await ledger.reserve(reservation({ purchase: "b", rate }));
  expect(await ledger.begun("wallet")).toBe(4);
  await expect(ledger.reserve(reservation({ purchase: "c", rate }))).rejects.toMatchObject({
    code: "RATE_EXCEEDED",
  });
});

function openBookOf(path: string): Ledger & Disposable {
  const ledger = openLedger({ path, bytesKey, now: () => 5 });
  return Object.assign(ledger, { [Symbol.dispose]: () => ledger.close() });
}
