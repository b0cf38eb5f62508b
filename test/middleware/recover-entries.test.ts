/** Recovery beside others who are alive: how long it leaves them alone, by whatever clock. */
import { expect, test } from "vitest";
import { EntryAges } from "../../middleware/entry-ages.ts";
import { recoverEntries } from "../../middleware/recover-entries.ts";
import { Turns } from "../../middleware/turns.ts";
import type { WalletEntries } from "../../middleware/wallet-entries.ts";
import type { Ledger, LedgerEntry } from "../../store/index.ts";
import { openBook, reservation, send, TX } from "../store/ledger-world.ts";

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

/** What is told of entries, and what is asked of the chain, where it says nothing new. */
function openEntries() {
  const told: string[] = [];
  const settled: [string, unknown][] = [];
  const entries = {
    settle: (entry: LedgerEntry, options: unknown) => {
      settled.push([entry.purchase, options]);
      return Promise.resolve(entry);
    },
    tellChange: (before: LedgerEntry, after: LedgerEntry) =>
      void told.push(`${before.purchase}: ${before.state}, ${after.state}`),
  } as unknown as WalletEntries;
  return { entries, told, settled };
}

const openAges = () => new EntryAges({ now: Date.now, elapsed: () => 0 });

test("what may be out is the chain's to end, what is not is given back, and what is still open is answered", async () => {
  using ledger = await openBook();
  await send(ledger, { purchase: "out" });
  await ledger.reserve(reservation({ purchase: "signing" }));
  const { entries, told, settled } = openEntries();
  const options = { ledger, entries, turns: new Turns(), ages: openAges() };
  const open = await recoverEntries({ ...options, graceMs: 0 });
  expect(open.map(({ purchase }) => purchase)).toEqual(["out"]);
  expect(settled).toEqual([["out", { young: false }]]);
  expect(told.toSorted()).toEqual(["out: sent, sent", "signing: signing, released"]);
});

test("a young one that may be out is taken as far as the chain has it, and no further", async () => {
  using ledger = await openBook();
  await send(ledger);
  const { entries, settled } = openEntries();
  const options = { ledger, entries, turns: new Turns(), ages: openAges() };
  await recoverEntries({ ...options, graceMs: GRACE_MS });
  expect(settled).toEqual([["pur_1", { young: true }]]);
});

test("what another call ends while recovery waits for its turn is not ended again", async () => {
  using ledger = await openBook();
  const { nonce } = await send(ledger);
  const { entries, told, settled } = openEntries();
  const turns = new Turns();
  const { promise, resolve } = Promise.withResolvers<void>();
  const call = turns.take("pur_1", async () => {
    await promise;
    await ledger.markSettled(nonce, TX);
  });
  const recovery = recoverEntries({ ledger, entries, turns, ages: openAges(), graceMs: 0 });
  resolve();
  await call;
  expect(await recovery).toEqual([]);
  expect([settled, told]).toEqual([[], []]);
});

test("a purchase that is gone by then is none that is open", async () => {
  const listOpen = () => Promise.resolve([{ purchase: "pur_1" } as LedgerEntry]);
  const ledger = { listOpen, find: () => Promise.resolve(undefined) } as unknown as Ledger;
  const { entries } = openEntries();
  const options = { ledger, entries, turns: new Turns(), ages: openAges() };
  expect(await recoverEntries({ ...options, graceMs: 0 })).toEqual([]);
});

test("only what is open is remembered by its age", async () => {
  using ledger = await openBook();
  await send(ledger);
  const kept: string[][] = [];
  const ages = { keep: (open: LedgerEntry[]) => kept.push(open.map((one) => one.purchase)) };
  Object.assign(ages, { ageOf: () => 0 });
  const { entries } = openEntries();
  const options = { ledger, entries, turns: new Turns(), ages: ages as unknown as EntryAges };
  await recoverEntries({ ...options, graceMs: 0 });
  expect(kept).toEqual([["pur_1"]]);
});
