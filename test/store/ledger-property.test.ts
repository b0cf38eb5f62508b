/** I1, I6, I8, I11, I17: whatever callers do, in whatever order and at once, no scope ever counts more than its limit. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { PurserError } from "../../protocol/index.ts";
import { isOpen, type Ledger, type LedgerEntry, STATES } from "../../store/index.ts";
import { newLedgerPath, openBook, PAYMENT, reservation, scope, TX } from "./ledger-world.ts";

const CAP = 100n;
const BUDGET = 60n;

const command = fc.record({
  step: fc.constantFrom(
    "reserve",
    "reserve",
    "markSent",
    "reserveSent",
    "keepPayment",
    "withdraw",
    "markUnknown",
    "markClaimed",
    "markSettled",
    "NEVER_SENT",
    "EXPIRED",
    "CANCELLED",
  ),
  purchase: fc.integer({ min: 0, max: 7 }).map((n) => `pur_${n}`),
  amount: fc.bigInt({ min: 1n, max: 70n }),
  run: fc.constantFrom("run:a", "run:b"),
  handle: fc.integer({ min: 0, max: 1 }),
  hours: fc.integer({ min: -400, max: 400 }),
});
type Command = { step: string; purchase: string; amount: bigint; run: string };

async function apply(ledger: Ledger, { step, purchase, amount, run }: Command): Promise<void> {
  if (step === "reserve" || step === "reserveSent") {
    const scopes = [scope("provider:p/c", CAP), scope(run, BUDGET)];
    const sent = step === "reserveSent";
    await ledger.reserve(reservation({ purchase, amount, scopes, sent }));
    return;
  }
  const entry = await ledger.find(purchase);
  if (!entry) return;
  const { nonce } = entry;
  if (step === "markSent") await ledger.markSent(nonce, PAYMENT);
  else if (step === "keepPayment") await ledger.keepPayment(nonce, PAYMENT);
  else if (step === "withdraw") await ledger.withdraw(nonce);
  else if (step === "markUnknown") await ledger.markUnknown(nonce);
  else if (step === "markClaimed") await ledger.markClaimed(nonce, TX);
  else if (step === "markSettled") await ledger.markSettled(nonce, TX);
  else await ledger.release(nonce, step as "EXPIRED");
}

/** Sums that owe nothing to the ledger's own: from the list of authorizations alone. */
function sum(entries: LedgerEntry[], counts: (entry: LedgerEntry) => boolean): bigint {
  return entries.filter(counts).reduce((total, { amount }) => total + amount, 0n);
}

async function checkInvariants(ledger: Ledger): Promise<void> {
  const entries = await ledger.list();
  const months = Map.groupBy(entries, ({ reservedAt }) => new Date(reservedAt).getUTCMonth());
  for (const inMonth of months.values()) {
    expect(sum(inMonth, ({ state }) => state !== "released") <= CAP).toBe(true);
  }
  const [a, b] = await Promise.all([
    ledger.spent(scope("run:a", 0n)),
    ledger.spent(scope("run:b", 0n)),
  ]);
  for (const { settled, reserved } of [a, b]) expect(settled + reserved <= BUDGET).toBe(true);
  expect(a.settled + b.settled).toBe(sum(entries, ({ state }) => state === "settled"));
  expect(a.reserved + b.reserved).toBe(sum(entries, ({ state }) => isOpen(state)));
  const live = entries.filter(({ state }) => state !== "released");
  expect(new Set(live.map(({ purchase }) => purchase)).size).toBe(live.length);
  for (const entry of entries) {
    expect(entry.state === "released").toBe(entry.proof !== undefined);
    if (entry.proof === "NEVER_SENT" || entry.state === "signing")
      expect(entry.payment).toBeUndefined();
  }
  await checkJournal(ledger, entries);
}

/** Every authorization's lines form one path through the states, and their credits and debits end where it stands. */
async function checkJournal(ledger: Ledger, entries: LedgerEntry[]): Promise<void> {
  const lines = Map.groupBy(await ledger.journal(), ({ nonce }) => nonce);
  expect(lines.size).toBe(entries.length);
  for (const { nonce, state, amount } of entries) {
    const path = lines.get(nonce) ?? [];
    for (const [index, line] of path.entries()) {
      const before = path[index - 1];
      expect(line.from).toBe(before?.to);
      expect(line.credit).toBe(before?.debit ?? "available");
      expect(line.amount).toBe(amount);
      if (line.from) expect(STATES[line.from].next).toContain(line.to);
    }
    expect(path.at(-1)?.to).toBe(state);
  }
}

test("no sequence or overlap of commands, from two handles on one book, breaks an invariant", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(command, { minLength: 1, maxLength: 6 }), { maxLength: 20 }),
      async (rounds) => {
        let now = Date.UTC(2026, 10, 20);
        const path = newLedgerPath();
        using first = await openBook({ path, now: () => now, staleAfterMs: 3_600_000 });
        using second = await openBook({ path, now: () => now, staleAfterMs: 3_600_000 });
        for (const round of rounds) {
          now += (round[0]?.hours ?? 0) * 3_600_000;
          const results = await Promise.allSettled(
            round.map((command) => apply(command.handle === 0 ? first : second, command)),
          );
          for (const result of results) {
            if (result.status === "rejected") expect(result.reason).toBeInstanceOf(PurserError);
          }
          await checkInvariants(first);
        }
      },
    ),
    { numRuns: 60 },
  );
});
