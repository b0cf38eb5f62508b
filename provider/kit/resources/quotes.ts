/**
 * The quotes that a provider has given. A quote belongs to one connection, is for one order, holds for fifteen minutes, and buys
 * once: what names it pays its amount or is refused.
 */
import { type ProvisioningQuote, quoteHash } from "../../../protocol/index.ts";
import { type Database, migrate } from "../../../store/index.ts";
import type { Connection } from "../connections.ts";
import { ProvisioningError, type ProvisioningErrorCode } from "../error.ts";

interface QuoteRecord {
  readonly quote: ProvisioningQuote;
  readonly configuration: Readonly<Record<string, string>>;
  /** What used it: a payment's id. */
  readonly usedBy: string | undefined;
}

/** What an order says that its quote is for. */
interface QuotedOrder extends Pick<ProvisioningQuote, "purpose" | "service_id"> {
  readonly resource_id?: string | undefined;
  readonly configuration: Readonly<Record<string, string>>;
  readonly quote_id?: string | undefined;
  readonly quote_hash?: string | undefined;
}

export interface Quotes {
  /** Gives one, for fifteen minutes. */
  give(
    said: Omit<ProvisioningQuote, "id" | "object" | "expires_at" | "hash">,
    of: { connection: Connection; configuration: Readonly<Record<string, string>> },
  ): ProvisioningQuote;
  /** The quote that an order names, if it is its own; throws `quote_required`, `_unknown`, `_expired`, `_mismatch` or `_used`. */
  check(order: QuotedOrder, connection: Connection): ProvisioningQuote;
  /** Whether the quote is one of this connection's at all. */
  isOf(id: string, connection: Connection): boolean;
  /** In a transaction: it is this payment's from now on; throws `quote_used`. */
  use(id: string, payment: string): void;
  /** In a transaction: the payment never came. */
  giveBack(id: string, payment: string): void;
}

export const QUOTE_LIFETIME_MS = 900_000;
/** Kept after it has ended, so that whoever asks again hears why. */
const KEPT_MS = 86_400_000;

interface Row {
  quote: string;
  configuration: string;
  usedBy: string | null;
}

export function openQuotes(
  database: Database,
  { now, newId }: { now: () => number; newId: () => string },
): Quotes {
  migrate(database, "quotes", [
    `CREATE TABLE quote (
       id TEXT PRIMARY KEY, account_id TEXT NOT NULL, issuer TEXT NOT NULL, project TEXT NOT NULL, quote TEXT NOT NULL,
       configuration TEXT NOT NULL, expires INTEGER NOT NULL, used_by TEXT
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX quote_by_end ON quote (expires)`,
  ]);
  const one = database.query<Row>(
    "SELECT quote, configuration, used_by AS usedBy FROM quote WHERE id = ? AND account_id = ? AND issuer = ? AND project = ?",
  );
  const find = (
    id: string,
    { accountId, issuer, project }: Connection,
  ): QuoteRecord | undefined => {
    const row = one.get(id, accountId, issuer, project);
    return (
      row && {
        quote: JSON.parse(row.quote) as ProvisioningQuote,
        configuration: JSON.parse(row.configuration) as Record<string, string>,
        usedBy: row.usedBy ?? undefined,
      }
    );
  };
  return {
    give: (said, { connection: { accountId, issuer, project }, configuration }) => {
      const expires = now() + QUOTE_LIFETIME_MS;
      const whole = {
        ...said,
        id: `quote_${newId().replaceAll("-", "")}`,
        object: "quote" as const,
        expires_at: new Date(expires).toISOString(),
      };
      const quote = { ...whole, hash: quoteHash(whole, configuration) };
      database.transaction(() => {
        database.run("DELETE FROM quote WHERE expires < ? AND used_by IS NULL", now() - KEPT_MS);
        database.run(
          "INSERT INTO quote VALUES (?, ?, ?, ?, ?, ?, ?, NULL)",
          quote.id,
          accountId,
          issuer,
          project,
          JSON.stringify(quote),
          JSON.stringify(configuration),
          expires,
        );
      });
      return quote;
    },
    check: (order, connection) => {
      if (order.quote_id === undefined || order.quote_hash === undefined)
        throw refuse("quote_required", "It costs money, and the order names no quote.");
      const found = find(order.quote_id, connection);
      if (!found) throw refuse("quote_unknown", "The project was given no such quote.");
      const { quote, configuration, usedBy } = found;
      if (quote.hash !== order.quote_hash || !isFor(quote, configuration, order))
        throw refuse("quote_mismatch", "The quote is for another order than this one.");
      if (usedBy !== undefined)
        throw refuse("quote_used", "The quote has bought something already.");
      if (Date.parse(quote.expires_at) <= now())
        throw refuse("quote_expired", `The quote ended at ${quote.expires_at}.`);
      return quote;
    },
    isOf: (id, connection) => find(id, connection) !== undefined,
    use: (id, payment) => {
      const sql = "UPDATE quote SET used_by = ? WHERE id = ? AND (used_by IS NULL OR used_by = ?)";
      if (database.run(sql, payment, id, payment) === 0)
        throw refuse("quote_used", "The quote has bought something already.");
    },
    giveBack: (id, payment) => {
      database.run("UPDATE quote SET used_by = NULL WHERE id = ? AND used_by = ?", id, payment);
    },
  };
}

function isFor(
  { service_id, purpose, resource_id }: ProvisioningQuote,
  configuration: Readonly<Record<string, string>>,
  order: QuotedOrder,
): boolean {
  return (
    service_id === order.service_id &&
    purpose === order.purpose &&
    resource_id === order.resource_id &&
    sameValues(configuration, order.configuration)
  );
}

function sameValues(
  one: Readonly<Record<string, string>>,
  other: Readonly<Record<string, string>>,
): boolean {
  const keys = Object.keys(one);
  return (
    keys.length === Object.keys(other).length &&
    keys.every((key) => Object.hasOwn(other, key) && one[key] === other[key])
  );
}

function refuse(code: ProvisioningErrorCode, problem: string): ProvisioningError {
  const nextStep = "Ask for a quote of this very order, and name its id and hash.";
  return new ProvisioningError(code, { problem, nextStep });
}
