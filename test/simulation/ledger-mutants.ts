/** Wallets that keep a wrong book. */
import { LedgerError } from "../../store/index.ts";
import { chainLines } from "../../store/ledger-chain.ts";
import { type Question, runLater, type Script } from "../../store/ledger-script.ts";
import { change, type Mutant } from "./mutant.ts";
import type { World } from "./world.ts";

export const LEDGER_MUTANTS: readonly Mutant[] = [
  {
    name: "records that a payment was sent only after it has sent it",
    ledger: (ledger, { scheduler }, actor) =>
      change(ledger, {
        reserve: (reservation) => ledger.reserve({ ...reservation, sent: false }),
        async keepSent(nonce, payment) {
          await scheduler.sleep(100, actor);
          await ledger.markSent(nonce, payment);
        },
      }),
  },
  {
    name: "looks for room under a cap without a transaction",
    store: (store, { scheduler, file }, actor) => ({
      ...store,
      async commit(script) {
        const answer = (question: Question) =>
          scheduler.ask(actor, 1, 20, () => file.ask<object>(question.sql, ...question.values));
        const result = await runLater(script(), answer);
        file.run(() => chainLines(file.seals));
        file.sync();
        return result;
      },
    }),
  },
  {
    name: "does not count what it does not know",
    states: { unknown: { account: "available" } },
  },
  {
    name: "settles the same payment twice",
    states: { settled: { next: ["settled"], repeats: false } },
  },
  {
    name: "sends what was released meanwhile",
    states: { released: { next: ["sent"] } },
  },
  {
    name: "says of what it does not know that it was never sent",
    states: {
      sent: { releases: ["NEVER_SENT"] },
      unknown: { releases: ["NEVER_SENT"] },
      claimed: { releases: ["NEVER_SENT"] },
    },
  },
  {
    name: "charges the month in which a payment settles",
    ledger: (ledger, world) =>
      change(ledger, {
        async markSettled(nonce, transaction) {
          const entry = await ledger.markSettled(nonce, transaction);
          moveToMonthOf(world, nonce, entry.updatedAt);
          return entry;
        },
      }),
  },
  {
    name: "adds amounts up as floats",
    store: (store) => ({ ...store, commit: (script) => store.commit(() => asFloats(script())) }),
  },
  {
    name: "opens an old month again when the clock is set back",
    store: (store) => ({ ...store, commit: (script) => store.commit(() => forgetful(script())) }),
  },
  {
    name: "takes a second request for the first one's purchase",
    ledger: (ledger) =>
      change(ledger, {
        async reserve(reservation) {
          try {
            return await ledger.reserve(reservation);
          } catch (error) {
            const entry = await ledger.find(reservation.purchase);
            const conflict = error instanceof LedgerError && error.code === "PURCHASE_CONFLICT";
            if (!conflict || !entry) throw error;
            return { entry, created: false };
          }
        },
      }),
  },
  {
    name: "sends before it is on the disk that it did",
    store: (store) => ({
      ...store,
      commit: (script) => store.commit(script, { sync: false }),
      sync: async () => undefined,
    }),
  },
  {
    name: "takes back what has no bytes yet, whoever sent it",
    ledger: (ledger) =>
      change(ledger, {
        async listOpen() {
          const open = await ledger.listOpen();
          for (const { nonce } of open) await ledger.withdraw(nonce).catch(() => undefined);
          return ledger.listOpen();
        },
      }),
  },
  {
    name: "goes on before its disk has what it wrote",
    diskTellsEarly: true,
  },
];

function moveToMonthOf({ file }: World, nonce: string, at: number): void {
  const month = new Date(at).toISOString().slice(0, 7);
  const row = file.ask<{ id: bigint; amount: bigint }>(
    "SELECT id, amount FROM auth WHERE nonce = ?",
    nonce,
  )[0]!;
  const keys = file.ask<{ key: string }>("SELECT key FROM auth_scope WHERE auth = ?", row.id);
  for (const { key } of keys) {
    const moved = `${key.slice(0, key.lastIndexOf("/"))}/${month}`;
    if (moved === key) continue;
    file.ask("INSERT INTO scope (key) VALUES (?) ON CONFLICT DO NOTHING", moved);
    file.ask("UPDATE auth_scope SET key = ? WHERE auth = ? AND key = ?", moved, row.id, key);
    file.ask("UPDATE scope SET settled = settled - ? WHERE key = ?", row.amount, key);
    file.ask("UPDATE scope SET settled = settled + ? WHERE key = ?", row.amount, moved);
  }
  file.sync();
}

function* asFloats<T>(script: Script<T>): Script<T> {
  let step = script.next();
  while (step.done !== true) {
    const { sql, values } = step.value;
    const rounded = values.map((value) =>
      typeof value === "bigint" && sql.startsWith("UPDATE scope")
        ? BigInt(Number(value) * 1)
        : value,
    );
    step = script.next(yield { sql, values: rounded });
  }
  return step.value;
}

function* forgetful<T>(script: Script<T>): Script<T> {
  let step = script.next();
  while (step.done !== true) {
    const asksTime = step.value.sql.includes("SELECT at FROM journal");
    const rows: readonly object[] = yield step.value;
    step = script.next(asksTime ? rows.map((row) => ({ ...row, at: null })) : rows);
  }
  return step.value;
}
