/** The sums under a limit: what they are kept by, what they hold, and whether an amount still fits. */
import { formatDecimal } from "../protocol/money.ts";
import { LedgerError } from "./ledger-error.ts";
import { ask, type Script } from "./ledger-script.ts";
import type { LedgerScope, Spent } from "./ledger.ts";

/** What the database can hold, with room to spare. */
const MAX_SUM = 2n ** 62n;

export function scopeKey(
  { name, perMonth }: Pick<LedgerScope, "name" | "perMonth">,
  at: number,
): string {
  return perMonth ? `${name}/${monthOf(at)}` : name;
}

let newest = { from: 0, until: 0, text: "" };

/** Such as "2026-11", in UTC. A book asks for the same month again and again. */
function monthOf(at: number): string {
  if (at < newest.from || at >= newest.until) {
    const date = new Date(at);
    const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
    const [from, until] = [Date.UTC(year, month), Date.UTC(year, month + 1)];
    newest = { from, until, text: date.toISOString().slice(0, 7) };
  }
  return newest.text;
}

const READ = "SELECT settled, reserved FROM scope WHERE key = ?";
const NOTHING: Spent = { settled: 0n, reserved: 0n };

/** What was paid to somebody of whom the book does not know which provider it is: it counts against every provider's cap. */
export const UNATTRIBUTED = "unattributed";
const PROVIDER_PREFIX = "provider:";

/** The name of a monthly cap of a provider, from the key that it is kept by; undefined for any other. */
export function providerCapOf(key: string): string | undefined {
  return /^(provider:.+)\/\d{4}-\d{2}$/.exec(key)?.[1];
}

export function* readScope(key: string): Script<Spent> {
  const [row] = yield* ask<Spent>(READ, key);
  return row ?? NOTHING;
}

export interface RoomOptions {
  readonly scope: LedgerScope;
  readonly amount: bigint;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly decimals: number;
}

/** Finds room for an amount under one scope, and returns the key that it is kept by; or throws, naming what is left. */
export function* makeRoom({ scope, amount, at, decimals }: RoomOptions): Script<string> {
  const key = scopeKey(scope, at);
  const [kept] = yield* ask<Spent>(READ, key);
  const { settled, reserved } = kept ?? NOTHING;
  const beside =
    scope.perMonth && scope.name.startsWith(PROVIDER_PREFIX)
      ? yield* readScope(scopeKey({ name: UNATTRIBUTED, perMonth: true }, at))
      : NOTHING;
  const used = settled + reserved + beside.settled + beside.reserved;
  const max = scope.max < MAX_SUM ? scope.max : MAX_SUM;
  if (used + amount > max) {
    const text = (atomic: bigint) => formatDecimal(atomic, decimals);
    const available = text(max > used ? max - used : 0n);
    throw new LedgerError(scope.kind === "budget" ? "BUDGET_EXCEEDED" : "CAP_EXCEEDED", {
      problem: `${text(amount)} is asked for, and ${available} is left of the ${scope.kind} of ${text(max)} (${scope.name}).`,
      nextStep: "Choose something cheaper, or ask the human to raise the limit.",
      details: {
        scope: scope.name,
        max: text(max),
        settled: text(settled),
        reserved: text(reserved),
        ...(beside === NOTHING ? {} : { unattributed: text(beside.settled + beside.reserved) }),
        available,
        requested: text(amount),
      },
    });
  }
  if (!kept) yield* ask("INSERT INTO scope (key) VALUES (?) ON CONFLICT DO NOTHING", key);
  return key;
}
