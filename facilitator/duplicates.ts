/**
 * Settling is idempotent, so two sellers that are shown one payment at the same moment would both be told that it is settled, and both
 * deliver. Where duplicates are refused, a settlement belongs to whoever asked for it first: a seller that keeps a record names it with
 * an `Idempotency-Key` and is answered the same each time; one that names nothing is told of its success once. Everybody else is
 * answered `duplicate_settlement`. See docs/decisions/0018-duplicates.md.
 */
import { getAddress } from "../protocol/address.ts";
import { readExactPayload } from "../protocol/authorization.ts";
import { type Database, migrate } from "../store/index.ts";
import { refusedSettle, type SettleAnswer } from "./answers.ts";
import type { Facilitator } from "./facilitator.ts";
import { readNetwork } from "./payment.ts";

/** What whoever asks for a settlement that was asked for before is told: the same answer, or no. */
export type Duplicates = "answer" | "refuse";

/** One settlement as it is asked for over HTTP. */
export interface SettleRequest {
  readonly payload: unknown;
  readonly requirements: unknown;
  readonly x402Version?: unknown;
  readonly idempotencyKey?: string | undefined;
}

const STEPS = [
  `CREATE TABLE facilitator_asked (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    asked TEXT NOT NULL
  ) STRICT;`,
];
/** Settlements whose first asker is remembered. By the time one is forgotten, verification has long refused its payment as used. */
const REMEMBERED = 100_000;
/** Longer keys count by their beginning: they are somebody's own. */
const MAX_KEY = 255;
/** Failures after which the payment may still settle, so that it stays with the seller that has a name for it. */
const UNDECIDED = new Set(["settlement_pending", "unexpected_settle_error"]);

/** The facilitator's `settle`, for one asker each. */
export function refuseDuplicates(
  facilitator: Pick<Facilitator, "settle">,
  db: Database,
): (request: SettleRequest) => Promise<SettleAnswer> {
  migrate(db, "facilitator-asked", STEPS);
  return async ({ payload, requirements, x402Version, idempotencyKey }) => {
    const settle = () => facilitator.settle(payload, requirements, x402Version);
    const data = readExactPayload((payload as { payload?: unknown } | null)?.payload);
    if (!data) return settle();
    const { from, nonce } = data.authorization;
    const payer = getAddress(from.toLowerCase());
    const key = `${payer} ${nonce.toLowerCase()}`;
    const asked = idempotencyKey?.slice(0, MAX_KEY) ?? "";
    if (!take(db, key, asked)) {
      const network = readNetwork({
        x402Version,
        paymentPayload: payload,
        paymentRequirements: requirements,
      });
      return refusedSettle({ reason: "duplicate_settlement", network: network ?? "", payer });
    }
    let isKept = asked !== "";
    try {
      const answer = await settle();
      const { success, errorReason = "" } = answer;
      isKept = success || (isKept && UNDECIDED.has(errorReason));
      return answer;
    } finally {
      if (!isKept) db.run("DELETE FROM facilitator_asked WHERE key = ? AND asked = ?", key, asked);
    }
  };
}

/** Whether the settlement is this asker's now. It is on disk with what is recorded before its transaction leaves. */
function take(db: Database, key: string, asked: string): boolean {
  return db.transaction(
    () => {
      const sql = "SELECT asked FROM facilitator_asked WHERE key = ?";
      const first = db.query<{ asked: string }>(sql).get(key);
      if (first) return first.asked === asked && asked !== "";
      db.run("INSERT INTO facilitator_asked (key, asked) VALUES (?, ?)", key, asked);
      db.run(
        "DELETE FROM facilitator_asked WHERE id <= (SELECT max(id) FROM facilitator_asked) - ?",
        REMEMBERED,
      );
      return true;
    },
    { sync: false },
  );
}
