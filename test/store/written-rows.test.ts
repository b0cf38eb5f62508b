/** A row that is not read again, because its seal says that nobody has changed it: what happens where somebody has. */
import { expect, test } from "vitest";
import { openDatabase } from "../../store/index.ts";
import { newLedgerPath, openBook, PAYMENT, reservation, TX } from "./ledger-world.ts";

const coded = (code: string) => expect.objectContaining({ code });

test("what another process has carried on meanwhile is read again", async () => {
  const path = newLedgerPath();
  using first = await openBook({ path });
  using second = await openBook({ path });
  const { entry } = await first.reserve(reservation({ sent: true }));
  await second.markUnknown(entry.nonce);
  await expect(first.withdraw(entry.nonce)).rejects.toEqual(coded("LEDGER_TRANSITION"));
  await second.keepPayment(entry.nonce, PAYMENT);
  const settled = await first.markSettled(entry.nonce, TX);
  expect(settled.payment?.reveal()).toEqual(PAYMENT);
  await first.verify();
});

test.each(["amount = amount + 1", "pay_to = 'somebody else'", "payment = x'00'"])(
  "a change behind its back (%s) is damage, at the latest at the next reading",
  async (change) => {
    const path = newLedgerPath();
    using ledger = await openBook({ path });
    const { entry } = await ledger.reserve(reservation({ sent: true }));
    {
      using db = openDatabase(path);
      db.run(`UPDATE auth SET ${change}`);
    }
    await ledger.markClaimed(entry.nonce, TX).catch(() => undefined);
    const read = ledger.find("pur_1");
    if (change.startsWith("payment")) expect((await read)?.payment).toBeUndefined();
    else await expect(read).rejects.toEqual(coded("LEDGER_UNREADABLE"));
  },
);
