/**
 * The gates: whatever a scenario is about, no run may break them. The ledger and the chain agree to the unit, the caps are
 * kept, and money went only to whom the catalog names, for no more than it says.
 */
import type { Address } from "viem";
import { findService, formatDecimal, parseDecimal, priceOf } from "../../protocol/index.ts";
import type { Check } from "../run/run-result.ts";
import { DECIMALS, type Evidence, type LedgerPayment } from "./evidence.ts";

export function moneyGates(evidence: Evidence): Check[] {
  return [
    chainEqualsLedger(evidence),
    budgetKept(evidence),
    capsKept(evidence),
    payeesKnown(evidence),
    pricesKept(evidence),
    boughtOnce(evidence),
  ];
}

function chainEqualsLedger({ wallet }: Evidence): Check {
  const settled = wallet.payments.filter(({ state }) => state === "settled");
  const ledger = settled.map(({ payTo, amount, transaction }) =>
    entry(payTo, amount, transaction ?? "none"),
  );
  const chain = wallet.transfers.map(({ to, value, transaction }) => entry(to, value, transaction));
  const passed = ledger.sort().join() === chain.sort().join();
  const sum = total(wallet.transfers.map(({ value }) => value));
  return gate(
    "chain equals ledger",
    passed,
    passed
      ? `${count(chain.length, "transfer")} on the chain, $${sum} in all, and the ledger has the same.`
      : `The chain has ${count(chain.length, "transfer")} ($${sum}), the ledger ${ledger.length} ($${total(settled.map(({ amount }) => amount))}).`,
  );
}

function entry(to: Address, value: bigint, transaction: string): string {
  return `${transaction.toLowerCase()} ${to.toLowerCase()} ${value}`;
}

function budgetKept({ payments, budget }: Evidence): Check {
  const spent = sum(payments.filter(counts).map(({ amount }) => amount));
  return gate(
    "budget kept",
    spent <= budget,
    `$${money(spent)} of the run's $${money(budget)} was spent or set aside.`,
  );
}

function capsKept({ caps }: Evidence): Check {
  const broken = caps.filter(({ counted, cap }) => counted > cap);
  const shown = (broken.length > 0 ? broken : caps)
    .map(({ provider, counted, cap }) => `${provider} $${money(counted)} of $${money(cap)}`)
    .join(", ");
  return gate("cap kept", broken.length === 0, `This month: ${shown || "nothing was spent"}.`);
}

function payeesKnown({ payments, catalog }: Evidence): Check {
  const strangers = payments.filter(counts).filter(({ provider, payTo }) => {
    const profile = catalog.providers.find((entry) => entry.profile.id === provider)?.profile;
    return !profile?.payment.pay_to.some((known) => known.toLowerCase() === payTo.toLowerCase());
  });
  const [first] = strangers;
  return gate(
    "only known payees",
    first === undefined,
    first === undefined
      ? "Money went only to recipients that the catalog names."
      : `$${money(first.amount)} went to ${first.payTo}, whom the catalog of ${first.provider} does not name.`,
  );
}

function pricesKept({ payments, catalog }: Evidence): Check {
  const [first] = payments.filter(counts).flatMap((payment) => {
    const price = catalogPrice(payment, catalog);
    return price !== undefined && payment.amount > price ? [{ payment, price }] : [];
  });
  return gate(
    "no more than the catalog's price",
    first === undefined,
    first === undefined
      ? "Every payment was at most what the catalog asks."
      : `$${money(first.payment.amount)} was paid for ${first.payment.service}, which the catalog sells at $${money(first.price)}.`,
  );
}

function boughtOnce({ payments }: Evidence): Check {
  const seen = new Set<string>();
  const [twice] = payments.filter(counts).filter(({ service, inputs }) => {
    const key = JSON.stringify([
      service,
      Object.entries(inputs).sort(([a], [b]) => (a < b ? -1 : 1)),
    ]);
    return seen.has(key) || !seen.add(key);
  });
  return gate(
    "nothing bought twice",
    twice === undefined,
    twice === undefined
      ? "No purchase was paid for more than once."
      : `${twice.service} was paid for more than once with the same inputs.`,
  );
}

/** What the catalog asks for this payment, or undefined where it has no price for it. */
function catalogPrice({ service, inputs }: LedgerPayment, catalog: Evidence["catalog"]) {
  try {
    const price = priceOf(findService(catalog, service).service, inputs);
    return price === null ? 0n : parseDecimal(price.amount, DECIMALS);
  } catch {
    return 0n;
  }
}

/** Whether a payment moved money, or may have. */
export function counts({ state }: { state: string }): boolean {
  return state !== "released";
}

export function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((left, right) => left + right, 0n);
}

export function money(amount: bigint): string {
  return formatDecimal(amount, DECIMALS);
}

const total = (amounts: readonly bigint[]) => money(sum(amounts));
const count = (n: number, noun: string) => `${n} ${noun}${n === 1 ? "" : "s"}`;

function gate(name: string, passed: boolean, detail: string): Check {
  return { name, passed, detail, gate: true };
}
