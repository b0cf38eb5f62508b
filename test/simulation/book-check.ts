/**
 * Holds the book against the invariants after every commit, with arithmetic of its own: it believes no sum and no state table of
 * the ledger's, only its rows, the plan's caps, and what the world has seen.
 */
import type { ChainDouble } from "./chain-double.ts";
import type { BookFile } from "./book-file.ts";
import type { Plan } from "./plan.ts";
import { checkRate, checkSums } from "./book-sums.ts";
import { expect, type Watch } from "./watch.ts";

/** The edges of wallet.md 1.3, written down a second time. */
const EDGES: Readonly<Record<string, readonly string[]>> = {
  "": ["reserved", "signing", "sent"],
  reserved: ["signing", "released"],
  signing: ["sent", "unknown", "released"],
  sent: ["unknown", "claimed", "settled", "released"],
  unknown: ["claimed", "settled", "released"],
  claimed: ["settled", "released"],
  settled: [],
  released: [],
};
const ENDED = ["settled", "released"];
const NEVER_OUT = ["reserved", "signing"];

export interface Row {
  id: bigint;
  purchase: string;
  nonce: string;
  state: string;
  pay_to: string;
  amount: bigint;
  valid_before: bigint;
  reserved_at: bigint;
  proof: string | null;
  payment: Uint8Array | null;
}

interface Line {
  seq: bigint;
  at: bigint;
  auth: bigint;
  from_state: string | null;
  to_state: string;
  credit: string;
  debit: string;
  amount: bigint;
}

export interface BookCheckOptions {
  readonly file: BookFile;
  readonly plan: Plan;
  readonly chain: ChainDouble;
  readonly watch: Watch;
}

export class BookCheck {
  readonly #options: BookCheckOptions;
  #version = -1;
  #stopped = false;

  constructor(options: BookCheckOptions) {
    this.#options = options;
  }

  /** Throws `Broken`. */
  check(): void {
    const { file } = this.#options;
    if (file.version === this.#version || this.#stopped) return;
    this.#version = file.version;
    const rows = file.ask<Row>("SELECT * FROM auth ORDER BY id");
    checkSums(rows, this.#options);
    checkRate(rows, this.#options.plan);
    this.#checkPurchases(rows);
    this.#checkReleases(rows);
    this.#checkJournal(rows);
  }

  /** The book is no longer what was written to it. */
  stop(): void {
    this.#stopped = true;
  }

  /** Those that are neither settled nor released. */
  open(): Row[] {
    const rows = this.#options.file.ask<Row>("SELECT * FROM auth ORDER BY id");
    return rows.filter(({ state }) => !ENDED.includes(state));
  }

  /** I4: one live authorization a purchase. */
  #checkPurchases(rows: readonly Row[]): void {
    const live = rows.filter(({ state }) => state !== "released");
    const purchases = new Set(live.map(({ purchase }) => purchase));
    expect("I4", purchases.size === live.length, "a purchase has two live authorizations");
  }

  /** I6, and that only what never left is called so. */
  #checkReleases(rows: readonly Row[]): void {
    const { watch, chain } = this.#options;
    for (const { nonce, state, proof, valid_before, payment } of rows) {
      expect("I6", (state === "released") === (proof !== null), `${nonce} is ${state} on ${proof}`);
      const wasOut = watch.left.has(nonce);
      if (proof === "NEVER_SENT") expect("I6", !wasOut, `${nonce} was sent and is "never sent"`);
      if (proof === "EXPIRED") {
        const kind = chain.endOf(nonce)?.transaction.kind;
        const over = BigInt(chain.finalized.timestamp) >= valid_before;
        expect("I6", over && kind !== "transfer", `${nonce} is released as expired; it is not`);
      }
      if (proof === "CANCELLED") {
        const kind = chain.endOf(nonce, chain.finalized)?.transaction.kind;
        expect("I6", kind === "cancel", `${nonce} is released as cancelled, and it is not`);
      }
      if (NEVER_OUT.includes(state)) expect("I3", !wasOut, `${nonce} was sent and is ${state}`);
      const bytes = watch.left.get(nonce)?.bytes.slice(0, 40) ?? "";
      const plain = bytes !== "" && Buffer.from(payment ?? []).includes(bytes);
      expect("I13", !plain, `the bytes of ${nonce} stand unsealed in the book`);
    }
  }

  /** I8, I14, I17: each authorization's lines are one path, its credits and debits meet, and time goes forward. */
  #checkJournal(rows: readonly Row[]): void {
    const at = new Map<bigint, { state: string; account: string }>();
    let time = 0n;
    for (const line of this.#options.file.ask<Line>("SELECT * FROM journal ORDER BY seq")) {
      const before = at.get(line.auth) ?? { state: "", account: "available" };
      const step = `${before.state} to ${line.to_state}`;
      const isEdge = EDGES[before.state]?.includes(line.to_state) === true;
      expect("I8", isEdge && (line.from_state ?? "") === before.state, `${line.auth} goes ${step}`);
      expect("I17", line.credit === before.account, `${line.seq} credits what holds nothing`);
      expect("I14", line.at >= time, `the line ${line.seq} is of an earlier time than the last`);
      time = line.at;
      at.set(line.auth, { state: line.to_state, account: line.debit });
    }
    for (const { id, nonce, state } of rows) {
      expect("I8", at.get(id)?.state === state, `${nonce} is not where its journal leaves it`);
    }
  }
}
