/**
 * What a provider has sold to whom, and the mandate's cap on it. Invariant: for every project and UTC month, what is held
 * (payment verified, not settled yet) and what is settled never exceed the mandate, whatever runs at the same time; so the
 * provider keeps to the cap even when the orchestrator does not.
 */
import { type Asset, formatDecimal, parseDecimal } from "../../protocol/index.ts";
import { type Database, migrate } from "../../store/index.ts";
import type { Connection, Connections, Mandate } from "./connections.ts";
import { ProvisioningError } from "./error.ts";

export interface Spending {
  /** Throws `spend_limit_exceeded`, `mandate_expired` or `mandate_invalid` where this amount may not be charged now. */
  check(charge: Charge): void;
  /** Checks and holds in one step; the same payment again changes nothing. */
  hold(charge: Charge & { payment: string }): void;
  /** The payment was settled: the held amount is spent. */
  settle(payment: string): void;
  /** The payment can never be settled: the held amount is free again. */
  release(payment: string): void;
  /** What was settled is given back, and counts no more. */
  refund(payment: string): void;
  /** What this connection's project has spent and holds in the current month, in atomic units. */
  spent(connection: Connection): bigint;
}

interface Charge {
  readonly connection: Connection;
  readonly service: string;
  readonly amount: bigint;
}

export interface SpendingOptions {
  database: Database;
  connections: Connections;
  asset: Asset;
  now: () => number;
}

export function openSpending({ database, connections, asset, now }: SpendingOptions): Spending {
  migrate(database, "spending", [
    `CREATE TABLE charge (
       payment TEXT PRIMARY KEY, account_id TEXT NOT NULL, issuer TEXT NOT NULL, project TEXT NOT NULL,
       service TEXT NOT NULL, amount INTEGER NOT NULL CHECK (amount >= 0), month TEXT NOT NULL,
       state TEXT NOT NULL CHECK (state IN ('held', 'settled', 'released'))
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX charge_by_project ON charge (account_id, issuer, project, month)`,
  ]);
  const month = () => new Date(now()).toISOString().slice(0, 7);
  const total = database.prepare(
    "SELECT coalesce(sum(amount), 0) AS total FROM charge WHERE account_id = ? AND issuer = ? AND project = ? AND month = ? AND state <> 'released'",
  );
  total.setReadBigInts(true);
  const known = database.query<{ state: string }>("SELECT state FROM charge WHERE payment = ?");

  const spent = ({ accountId, issuer, project }: Connection) =>
    (total.get(accountId, issuer, project, month()) as { total: bigint }).total;
  const check = ({ connection, amount }: Charge) => {
    const mandate = connections.mandateOf(connection);
    if (!mandate || mandate.expires * 1000 <= now()) throw noMandate(mandate);
    const cap = parseDecimal(mandate.maxAmountPerMonth, asset.decimals);
    const before = spent(connection);
    if (before + amount <= cap) return;
    const text = (atomic: bigint) => formatDecimal(atomic, asset.decimals);
    throw new ProvisioningError("spend_limit_exceeded", {
      problem: `It costs ${text(amount)}, and of ${text(cap)} for this month ${text(before)} is spent.`,
      nextStep: "Choose something cheaper, or ask the human to raise the cap.",
      details: { cap: text(cap), spent: text(before), requested: text(amount) },
    });
  };
  return {
    spent,
    check,
    hold: (charge) =>
      database.transaction(() => {
        const { connection, service, amount, payment } = charge;
        const before = known.get(payment);
        if (before && before.state !== "released") return;
        check(charge);
        // A payment whose work was refused may come again.
        database.run("DELETE FROM charge WHERE payment = ?", payment);
        const { accountId, issuer, project } = connection;
        database.run(
          "INSERT INTO charge VALUES (?, ?, ?, ?, ?, ?, ?, 'held')",
          payment,
          accountId,
          issuer,
          project,
          service,
          amount,
          month(),
        );
      }),
    settle: (payment) => {
      database.run("UPDATE charge SET state = 'settled' WHERE payment = ?", payment);
    },
    refund: (payment) => {
      database.run("UPDATE charge SET state = 'released' WHERE payment = ?", payment);
    },
    release: (payment) => {
      database.run(
        "UPDATE charge SET state = 'released' WHERE payment = ? AND state = 'held'",
        payment,
      );
    },
  };
}

function noMandate(mandate: Mandate | undefined): ProvisioningError {
  return new ProvisioningError(mandate ? "mandate_expired" : "mandate_invalid", {
    problem: mandate
      ? "The project's mandate has expired, so nothing may be charged."
      : "The project has given no mandate, so nothing may be charged.",
    nextStep: "Ask the orchestrator for a fresh mandate and connect again.",
  });
}
