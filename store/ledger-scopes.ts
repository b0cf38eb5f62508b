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

const NOTHING: Spent = { settled: 0n, reserved: 0n };

/** What was paid to somebody of whom the book does not know which provider it is: it counts against every provider's cap. */
export const UNATTRIBUTED = "unattributed";
const PROVIDER_PREFIX = "provider:";

/** The name of a monthly cap of a provider, from the key that it is kept by; undefined for any other. */
export function providerCapOf(key: string): string | undefined {
  return /^(provider:.+)\/\d{4}-\d{2}$/.exec(key)?.[1];
}

export function* readScope(key: string): Script<Spent> {
  return (yield* readScopes([key])).get(key) ?? NOTHING;
}

/** Those of the keys that there are. */
function* readScopes(keys: readonly string[]): Script<Map<string, Spent>> {
  const sql = `SELECT key, settled, reserved FROM scope WHERE key IN (${keys.map(() => "?").join(", ")})`;
  const rows = yield* ask<Spent & { key: string }>(sql, ...keys);
  return new Map(rows.map(({ key, settled, reserved }) => [key, { settled, reserved }]));
}

export interface RoomOptions {
  readonly scopes: readonly LedgerScope[];
  readonly amount: bigint;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly decimals: number;
}

/** Finds room for an amount under every scope, and returns the keys that they are kept by; or throws, naming what is left. */
export function* makeRoom({ scopes, ...wanted }: RoomOptions): Script<string[]> {
  const keys = scopes.map((scope) => scopeKey(scope, wanted.at));
  const unattributed = scopeKey({ name: UNATTRIBUTED, perMonth: true }, wanted.at);
  const kept = yield* readScopes([...keys, unattributed]);
  for (const [index, scope] of scopes.entries()) {
    const sums = kept.get(keys[index]!) ?? NOTHING;
    const isProvider = scope.perMonth && scope.name.startsWith(PROVIDER_PREFIX);
    const beside = isProvider ? (kept.get(unattributed) ?? NOTHING) : NOTHING;
    checkRoom({ scope, sums, beside, ...wanted });
  }
  for (const key of keys) {
    if (!kept.has(key))
      yield* ask("INSERT INTO scope (key) VALUES (?) ON CONFLICT DO NOTHING", key);
  }
  return keys;
}

interface CheckOptions extends Omit<RoomOptions, "scopes" | "at"> {
  readonly scope: LedgerScope;
  readonly sums: Spent;
  /** What counts under it too. */
  readonly beside: Spent;
}

function checkRoom({ scope, sums, beside, amount, decimals }: CheckOptions): void {
  const { settled, reserved } = sums;
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
}
