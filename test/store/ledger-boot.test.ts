/** What becomes of a payment that was being signed when its process ended: of a kill, and of the machine's own end. */
import { expect, test } from "vitest";
import { openDatabase, openLedger } from "../../store/index.ts";
import { Secret } from "../../protocol/index.ts";
import { IDENTITY, newLedgerPath, openBook, PAYMENT, reservation, scope } from "./ledger-world.ts";

const coded = (code: string) => expect.objectContaining({ code });
const wallet = scope("wallet", 1_000n);

/** A book in which one payment is being signed, and another was sent. */
async function leaveBook(boot: string) {
  const path = newLedgerPath();
  using ledger = await openBook({ path, boot });
  const order = (purchase: string) => reservation({ purchase, scopes: [wallet] });
  const signing = await ledger.reserve(order("pur_signing"));
  const sent = await ledger.reserve(order("pur_sent"));
  await ledger.sync();
  await ledger.markSent(sent.entry.nonce, PAYMENT);
  return { path, nonce: signing.entry.nonce };
}

test("after a kill it never left, and is given back", async () => {
  const { path, nonce } = await leaveBook("boot-1");
  using ledger = await openBook({ path, boot: "boot-1" });
  expect((await ledger.find("pur_signing"))?.state).toBe("signing");
  expect((await ledger.release(nonce, "NEVER_SENT")).state).toBe("released");
});

test("after the machine was started anew it may have left: it counts, and only the chain ends it", async () => {
  const { path, nonce } = await leaveBook("boot-1");
  using ledger = await openBook({ path, boot: "boot-2" });
  expect(await ledger.find("pur_signing")).toMatchObject({ state: "unknown", payment: undefined });
  expect((await ledger.find("pur_sent"))?.state).toBe("sent");
  expect(await ledger.spent(wallet)).toEqual({ settled: 0n, reserved: 20n });
  await expect(ledger.release(nonce, "NEVER_SENT")).rejects.toEqual(coded("LEDGER_TRANSITION"));
  expect((await ledger.release(nonce, "EXPIRED")).state).toBe("released");
  await ledger.verify();
});

test("whoever binds the book a second time since then changes nothing", async () => {
  const { path } = await leaveBook("boot-1");
  using ledger = await openBook({ path, boot: "boot-2" });
  await ledger.reserve(reservation({ purchase: "pur_new", scopes: [wallet] }));
  using other = await openBook({ path, boot: "boot-2" });
  await other.bind(IDENTITY);
  expect((await other.find("pur_new"))?.state).toBe("signing");
});

test("a name that somebody changed in the book is damage", async () => {
  const { path } = await leaveBook("boot-1");
  {
    using db = openDatabase(path);
    db.run("UPDATE book SET value = replace(value, 'boot-1', 'boot-2') WHERE key = 'boot'");
  }
  const bytesKey = new Secret(new Uint8Array(32).fill(7));
  const ledger = openLedger({ path, bytesKey, boot: "boot-2" });
  await expect(ledger.bind(IDENTITY)).rejects.toEqual(coded("LEDGER_UNREADABLE"));
  ledger.close();
});
