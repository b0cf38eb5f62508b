/**
 * Whether the book is what was written to it: each link of the chain follows from the one before and the lines between, the sums
 * are what the lines moved, and each authorization is sealed and stands where its last line put it. Opening verifies all of it
 * since the last checkpoint, and everything open; `whole` verifies from the first line on.
 */
import {
  isCheckpointOf,
  type Link,
  readCheckpoint,
  readIdentity,
  readLines,
  readSums,
  type Sums,
} from "./ledger-chain.ts";
import type { AuthRow } from "./ledger-rows.ts";
import { ask, type Script } from "./ledger-script.ts";
import { isSame, type JournalRow, type Seals } from "./ledger-seals.ts";

const PAGE = 1_000;

export interface VerifyOptions {
  readonly seals: Seals;
  readonly whole: boolean;
}

export interface Verified {
  /** What is wrong, or undefined. */
  readonly damage: string | undefined;
  /** How many lines and authorizations were looked at. */
  readonly lines: number;
  readonly authorizations: number;
}

export function* verifyBook({ seals, whole }: VerifyOptions): Script<Verified> {
  const checkpoint = whole ? undefined : yield* readCheckpoint();
  const walk = new Walk(seals);
  const start = checkpoint ?? {
    last_line: 0n,
    hash: seals.genesis(yield* readIdentity()),
  };
  const chain = yield* walk.chain(start);
  const rows = chain === undefined ? yield* walk.rows(start.last_line, whole) : undefined;
  let damage = chain ?? rows;
  if (damage === undefined) {
    const sums = walk.before(yield* readSums());
    const sound = checkpoint ? isCheckpointOf(seals, checkpoint, sums) : isNothing(sums);
    if (!sound) damage = "its sums are not what its journal moved";
  }
  return { damage, lines: walk.lines, authorizations: walk.authorizations };
}

class Walk {
  lines = 0;
  authorizations = 0;
  readonly #seals: Seals;
  /** What the lines that were walked moved. */
  readonly #moved: Sums = new Map();
  /** Where the last line of each authorization put it. */
  readonly #states = new Map<bigint, JournalRow>();

  constructor(seals: Seals) {
    this.#seals = seals;
  }

  *chain(start: Link): Script<string | undefined> {
    let { last_line: at, hash } = start;
    for (;;) {
      const links = yield* ask<Link>(
        `SELECT last_line, hash FROM batch WHERE last_line > ? ORDER BY seq LIMIT ${PAGE}`,
        at,
      );
      const after = at;
      const lines = yield* readLines(at, links.at(-1)?.last_line);
      let next = 0;
      for (const link of links) {
        const begin = next;
        while (next < lines.length && lines[next]!.seq <= link.last_line) next += 1;
        const batch = lines.slice(begin, next);
        hash = this.#seals.batch(hash, batch);
        if (batch.length === 0 || !isSame(link.hash, hash)) {
          return `its chain breaks between the lines ${at} and ${link.last_line}`;
        }
        at = link.last_line;
      }
      if (next < lines.length) return `the line ${lines[next]!.seq} is in no commit`;
      yield* this.#move(lines, after);
      if (links.length < PAGE) return undefined;
    }
  }

  *rows(after: bigint, whole: boolean): Script<string | undefined> {
    const condition = whole
      ? "id > ?"
      : "(state NOT IN ('settled', 'released') OR id IN (SELECT auth FROM journal WHERE seq > ?))";
    for (let from = whole ? 0n : after; ;) {
      const limit = whole ? `ORDER BY id LIMIT ${PAGE}` : "";
      const rows = yield* ask<AuthRow>(`SELECT * FROM auth WHERE ${condition} ${limit}`, from);
      for (const row of rows) {
        const last = this.#states.get(row.id);
        this.#states.delete(row.id);
        const stands = last ? last.to_state === row.state && last.amount === row.amount : !whole;
        if (!stands || !isSame(row.seal, this.#seals.row(row))) {
          return `the authorization ${row.id} is not what was written`;
        }
        from = row.id;
      }
      this.authorizations += rows.length;
      if (!whole || rows.length < PAGE) break;
    }
    return this.#states.size > 0 ? "an authorization of its journal is gone" : undefined;
  }

  /** What the sums were before the lines that were walked. */
  before(sums: Sums): Sums {
    const keys = new Set([...sums.keys(), ...this.#moved.keys()]);
    const nothing = { settled: 0n, reserved: 0n };
    return new Map(
      [...keys].map((key) => {
        const [now, moved] = [sums.get(key) ?? nothing, this.#moved.get(key) ?? nothing];
        const settled = now.settled - moved.settled;
        return [key, { settled, reserved: now.reserved - moved.reserved }];
      }),
    );
  }

  /** Of lines whose links hold: before that, nothing says that they have what a line has. */
  *#move(lines: readonly JournalRow[], after: bigint): Script<void> {
    const last = lines.at(-1);
    if (!last) return;
    const rows = yield* ask<{ auth: bigint; key: string }>(
      `SELECT auth, key FROM auth_scope
        WHERE auth IN (SELECT auth FROM journal WHERE seq > ? AND seq <= ?)`,
      after,
      last.seq,
    );
    const keys = Map.groupBy(rows, ({ auth }) => auth);
    for (const line of lines) {
      this.#states.set(line.auth, line);
      for (const { key } of keys.get(line.auth) ?? []) {
        const moved = this.#moved.get(key) ?? { settled: 0n, reserved: 0n };
        const change = (account: string) =>
          (line.debit === account ? line.amount : 0n) -
          (line.credit === account ? line.amount : 0n);
        moved.settled += change("spent");
        moved.reserved += change("reserved");
        this.#moved.set(key, moved);
      }
    }
    this.lines += lines.length;
  }
}

function isNothing(sums: Sums): boolean {
  return [...sums.values()].every(({ settled, reserved }) => settled === 0n && reserved === 0n);
}
