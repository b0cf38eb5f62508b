/**
 * After the kills: recovery runs, the chain's clock passes every deadline, and then three records that know nothing of each other
 * are compared: the chain, the ledger, and what the sellers handed over. Each difference is one sentence of evidence.
 */
import type { LedgerEntry } from "../../../store/index.ts";
import { FUNDS, type KillWorld } from "./kill-world.ts";
import type { Life } from "./life.ts";
import { openBook, openPayer } from "./payer.ts";
import { purchaseKey } from "../../../middleware/fetch/purchase-key.ts";

export interface Audit {
  readonly payments: number;
  readonly settled: number;
  readonly released: number;
  /** Empty where everything holds. */
  readonly violations: readonly string[];
}

export interface AuditOptions {
  readonly world: KillWorld;
  readonly lives: readonly Life[];
  /** In dollars, as the last lives had it. */
  readonly cap: string;
  /** In atomic units. */
  readonly capAmount: bigint;
}

/** More than the longest that a payment lives. */
const LIFETIME_SECONDS = 200;

export async function audit({ world, lives, cap, capAmount }: AuditOptions): Promise<Audit> {
  const { market, book, sellers, key } = world;
  const ledger = await openBook(book);
  try {
    const { wallet, pay } = openPayer({ key, sellers, cap, chain: market.chain.chain, ledger });
    await wallet.recover();
    await market.chain.advance(LIFETIME_SECONDS);
    const open = await wallet.recover();
    await world.recoverSeller();
    const violations = open.map(({ id, state }) => `${id} is ${state} after its time is over`);
    const entries = await ledger.list();
    const before = await compare(world, entries, capAmount);
    violations.push(...before, ...disbelieve(lives, sellers, entries));
    await ledger.verify();

    // Asked for again, what is paid costs nothing more.
    const paid = [...new Set(lives.flatMap(({ said }) => said.map(({ item }) => item)))].filter(
      (item) =>
        entries.some(
          ({ purchase, state }) => purchase === purchaseOf(item, sellers) && state === "settled",
        ),
    );
    const spent = await market.chain.chain.balanceOf(world.payer);
    for (const item of paid.slice(0, 12)) {
      const { kind, code } = await pay(item);
      const wanted = item.startsWith("a") ? ["delivered"] : ["delivered", "undelivered"];
      if (!wanted.includes(kind))
        violations.push(`${item}, paid, asked for again: ${kind} ${code ?? ""}`);
    }
    if ((await market.chain.chain.balanceOf(world.payer)) !== spent)
      violations.push("asking again for what is paid cost something");

    const settled = entries.filter(({ state }) => state === "settled").length;
    return { payments: entries.length, settled, released: entries.length - settled, violations };
  } finally {
    ledger.close();
  }
}

/** Chain, ledger and our paywall, to the unit. */
async function compare(
  { market, payer, sellers, sold }: KillWorld,
  entries: readonly LedgerEntry[],
  capAmount: bigint,
): Promise<string[]> {
  const violations: string[] = [];
  const settled = entries.filter(({ state }) => state === "settled");
  const transfers = await market.chain.chain.transfersFrom(payer);
  const booked = settled.map(
    ({ payTo, amount, transaction }) => `${payTo} ${amount} ${transaction ?? ""}`,
  );
  const moved = transfers.map(({ to, value, transaction }) => `${to} ${value} ${transaction}`);
  for (const line of subtract(moved, booked))
    violations.push(`no ledger row explains the transfer ${line}`);
  for (const line of subtract(booked, moved))
    violations.push(`the chain has no transfer for the row ${line}`);

  const purchases = settled.map(({ purchase }) => purchase);
  for (const purchase of subtract(purchases, [...new Set(purchases)]))
    violations.push(`${purchase} is charged twice`);

  const total = settled.reduce((sum, { amount }) => sum + amount, 0n);
  if (total > capAmount) violations.push(`${total} is spent, and the cap is ${capAmount}`);
  const left = await market.chain.chain.balanceOf(payer);
  if (FUNDS - left !== total)
    violations.push(`${FUNDS - left} has left the payer, and ${total} is booked`);

  // Stock sellers forget a payment whose settlement they did not hear of in time, and work again for one that is resent.
  const paid = settled.filter(({ payTo }) => payTo === sellers["a"]!.payTo);
  const handed = sold.map((item) => purchaseOf(item, sellers));
  const bought = paid.map(({ purchase }) => purchase);
  for (const purchase of subtract(bought, handed))
    violations.push(`our paywall has no record of ${purchase}, which is paid`);
  for (const purchase of subtract(handed, bought))
    violations.push(`our paywall handed over ${purchase}, which is not paid, or twice`);
  return violations;
}

/** What a life was told holds for ever. */
function disbelieve(
  lives: readonly Life[],
  sellers: KillWorld["sellers"],
  entries: readonly LedgerEntry[],
): string[] {
  const states = new Map(entries.map(({ purchase, state }) => [purchase, state]));
  return lives.flatMap(({ said, error }) => [
    ...(error === undefined ? [] : [`a life ended badly: ${error}`]),
    ...said.flatMap(({ item, kind, state }) => {
      const now = states.get(purchaseOf(item, sellers));
      const paid = state === "settled" || kind === "undelivered" || kind === "delivered";
      return paid && now !== "settled" ? [`${item} was ${kind} (${state}), and is ${now}`] : [];
    }),
  ]);
}

function purchaseOf(item: string, sellers: KillWorld["sellers"]): string {
  return purchaseKey("kill", {
    method: "POST",
    url: `${sellers[item.charAt(0)]!.url}/shop/items`,
    headers: new Headers(),
    body: Uint8Array.from(Buffer.from(JSON.stringify({ item }))),
    stream: undefined,
  });
}

/** What is left of a list when each of the others is taken away once. */
function subtract(from: readonly string[], others: readonly string[]): string[] {
  const left = [...from];
  for (const other of others) {
    const index = left.indexOf(other);
    if (index >= 0) left.splice(index, 1);
  }
  return left;
}
