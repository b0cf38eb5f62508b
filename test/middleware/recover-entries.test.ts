/** Recovery beside others who are alive: how long it leaves them alone, by whatever clock. */
import { expect, test } from "vitest";
import { EntryAges } from "../../middleware/entry-ages.ts";
import { recoverEntries } from "../../middleware/recover-entries.ts";
import { Turns } from "../../middleware/turns.ts";
import type { WalletEntries } from "../../middleware/wallet-entries.ts";
import { openBook, reservation } from "../store/ledger-world.ts";

const GRACE_MS = 30_000;
const DAY_MS = 86_400_000;

/** A book with one authorization that somebody is signing. */
async function openSigning() {
  const world = { now: Date.UTC(2026, 10, 20), stopwatch: 0 };
  const now = () => world.now;
  const ledger = await openBook({ now });
  await ledger.reserve(reservation());
  const ages = new EntryAges({ now, elapsed: () => world.stopwatch });
  const entries = { tellChange: () => undefined } as unknown as WalletEntries;
  const turns = new Turns();
  const recover = () => recoverEntries({ ledger, entries, turns, ages, graceMs: GRACE_MS });
  return { world, recover, [Symbol.dispose]: () => ledger.close() };
}

test("what another process is signing is left alone for the grace, and then released", async () => {
  using book = await openSigning();
  book.world.now += GRACE_MS - 1;
  expect(await book.recover()).toMatchObject([{ state: "signing" }]);
  book.world.now += 1;
  expect(await book.recover()).toEqual([]);
});

test("a clock that was set back by a month keeps it open for the grace and no longer", async () => {
  using book = await openSigning();
  book.world.now -= 30 * DAY_MS;
  expect(await book.recover()).toMatchObject([{ state: "signing" }]);
  book.world.stopwatch += GRACE_MS;
  expect(await book.recover()).toEqual([]);
});
