/**
 * What counts under each cap, added up from the authorizations alone (I1, I2, I11, I15): everything that is not released, in the month
 * in which it was reserved, for the shop that its payee is.
 */
import type { Row } from "./book-check.ts";
import type { BookFile } from "./book-file.ts";
import type { Plan } from "./plan.ts";
import { expect, isSame } from "./watch.ts";

type Sums = Map<string, { settled: bigint; reserved: bigint }>;

export function checkSums(
  rows: readonly Row[],
  { plan, file }: { plan: Plan; file: BookFile },
): void {
  const sums = addUp(rows, plan);
  for (const [name, { settled, reserved }] of sums) {
    const shop = plan.shops.find(({ id }) => name.startsWith(`provider:p/${id}/`));
    const cap = shop?.cap ?? plan.walletCap;
    const used = settled + reserved;
    expect(shop ? "I1" : "I2", used <= cap, `${used} counts under ${name}, whose cap is ${cap}`);
  }
  for (const row of file.ask<{ key: string; settled: bigint; reserved: bigint }>(
    "SELECT key, settled, reserved FROM scope",
  )) {
    const { settled, reserved } = sums.get(row.key) ?? { settled: 0n, reserved: 0n };
    const same = row.settled === settled && row.reserved === reserved;
    const kept = `${row.settled} settled and ${row.reserved} reserved under ${row.key}`;
    expect("I11", same, `the book has ${kept}; its rows give ${settled} and ${reserved}`);
  }
}

/** The brake on a loop that pays: of the paying fetch, in any sixty seconds of the book's time. */
export function checkRate(rows: readonly Row[], { perMinute }: Plan): void {
  const begun = rows.filter(({ purchase }) => purchase.startsWith("pay_"));
  for (const [index, { reserved_at }] of begun.entries()) {
    const first = begun[index - perMinute];
    const tooSoon = first !== undefined && reserved_at - first.reserved_at < 60_000n;
    expect("R1", !tooSoon, `more than ${perMinute} payments are begun in a minute`);
  }
}

function addUp(rows: readonly Row[], plan: Plan): Sums {
  const sums: Sums = new Map();
  for (const { pay_to, amount, reserved_at, state } of rows) {
    if (state === "released") continue;
    const shop = plan.shops.find(({ payTo }) => isSame(payTo, pay_to));
    const month = new Date(Number(reserved_at)).toISOString().slice(0, 7);
    for (const name of [`provider:p/${shop?.id}/${month}`, `wallet/${month}`]) {
      const sum = sums.get(name) ?? { settled: 0n, reserved: 0n };
      sum[state === "settled" ? "settled" : "reserved"] += amount;
      sums.set(name, sum);
    }
  }
  return sums;
}
