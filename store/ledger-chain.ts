/**
 * The journal's chain, one link a commit. A link is made before the commit, in its own transaction, so there is no moment at
 * which a line is on disk without it. Now and then a checkpoint seals the sums, so that opening a book of a million payments
 * verifies what came since and not all of it.
 */
import { ask, type Script } from "./ledger-script.ts";
import { isSame, type JournalRow, type Seals } from "./ledger-seals.ts";

/** A row of `batch`, which is also where the next one begins. */
export interface Link {
  last_line: bigint;
  hash: Uint8Array;
}

/** How many lines may follow a checkpoint. */
const CHECKPOINT_LINES = 10_000n;

/** The chain's last link; where it has none yet, the beginning that the book's identity gives. */
export function* readHead(seals: Seals): Script<Link> {
  const [link] = yield* ask<Link>("SELECT last_line, hash FROM batch ORDER BY seq DESC LIMIT 1");
  return link ?? { last_line: 0n, hash: seals.genesis(yield* readIdentity()) };
}

export function* readIdentity(): Script<string> {
  const [row] = yield* ask<{ value: string }>("SELECT value FROM book WHERE key = 'identity'");
  return row?.value ?? "";
}

/** Where a commit begins. */
export interface ChainStart {
  readonly head: Link;
  /** Up to where a checkpoint seals the sums. */
  readonly checkpointed: bigint;
  /** A line stands in the journal that no commit of ours has written. */
  readonly damage: string | undefined;
}

interface StartRow {
  last: bigint | null;
  last_line: bigint | null;
  hash: Uint8Array | null;
  checkpointed: bigint | null;
}

const START = `SELECT (SELECT max(seq) FROM journal) AS last,
    (SELECT last_line FROM batch ORDER BY seq DESC LIMIT 1) AS last_line,
    (SELECT hash FROM batch ORDER BY seq DESC LIMIT 1) AS hash,
    (SELECT last_line FROM checkpoint WHERE id = 1) AS checkpointed`;

/** Asked before each commit of ours, in its transaction. */
export function* startOfCommit(seals: Seals): Script<ChainStart> {
  const [row] = yield* ask<StartRow>(START);
  const { last = null, last_line = null, hash = null, checkpointed = null } = row ?? {};
  const head =
    hash === null
      ? { last_line: 0n, hash: seals.genesis(yield* readIdentity()) }
      : { last_line: last_line ?? 0n, hash };
  const damage =
    (last ?? 0n) === head.last_line
      ? undefined
      : "its journal does not end where its last commit ended";
  return { head, checkpointed: checkpointed ?? 0n, damage };
}

/** Chains the lines of this transaction to where it began. */
export function* chainLines(seals: Seals, start?: ChainStart): Script<void> {
  const { head, checkpointed } = start ?? (yield* startOfCommit(seals));
  const { last_line, hash } = head;
  const lines = yield* readLines(last_line);
  const last = lines.at(-1);
  if (!last) return;
  const next = seals.batch(hash, lines);
  yield* ask("INSERT INTO batch (last_line, hash) VALUES (?, ?)", last.seq, next);
  if (last.seq - checkpointed < CHECKPOINT_LINES) return;
  const mac = seals.checkpoint(next, last.seq, listSums(yield* readSums()));
  yield* ask(
    `INSERT INTO checkpoint (id, last_line, hash, mac) VALUES (1, ?, ?, ?) ON CONFLICT (id)
      DO UPDATE SET last_line = excluded.last_line, hash = excluded.hash, mac = excluded.mac`,
    last.seq,
    next,
    mac,
  );
}

/** The lines after one, up to another. */
export function* readLines(after: bigint, upTo: bigint = 2n ** 62n): Script<JournalRow[]> {
  const sql = "SELECT * FROM journal WHERE seq > ? AND seq <= ? ORDER BY seq";
  return yield* ask<JournalRow>(sql, after, upTo);
}

export interface Checkpoint extends Link {
  mac: Uint8Array;
}

export function* readCheckpoint(): Script<Checkpoint | undefined> {
  const [row] = yield* ask<Checkpoint>("SELECT last_line, hash, mac FROM checkpoint WHERE id = 1");
  return row;
}

/** What is settled and what is reserved under each key. */
export type Sums = Map<string, { settled: bigint; reserved: bigint }>;

export function* readSums(): Script<Sums> {
  const rows = yield* ask<{ key: string; settled: bigint; reserved: bigint }>(
    "SELECT key, settled, reserved FROM scope",
  );
  return new Map(rows.map(({ key, settled, reserved }) => [key, { settled, reserved }]));
}

/** In one order, and without those that hold nothing: a key may be made and its reservation be released. */
function listSums(sums: Sums): string[] {
  return [...sums]
    .filter(([, { settled, reserved }]) => settled !== 0n || reserved !== 0n)
    .map(([key, { settled, reserved }]) => JSON.stringify([key, `${settled}`, `${reserved}`]))
    .sort();
}

/** Whether a checkpoint was sealed over these sums. */
export function isCheckpointOf(seals: Seals, { last_line, hash, mac }: Checkpoint, sums: Sums) {
  return isSame(mac, seals.checkpoint(hash, last_line, listSums(sums)));
}
