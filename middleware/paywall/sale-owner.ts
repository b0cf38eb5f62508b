/**
 * Who is working on a sale. Of several processes on one database only one may run its work: it holds the row for a short time
 * that it keeps renewing, and whoever finds the holder dead, or silent for that long, takes the row over.
 */
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { Database } from "../../store/index.ts";
import type { SaleRecord } from "./sale-record.ts";

/** How long a holder is believed without a sign of life. */
export const LEASE_MS = 15_000;

export class Owner {
  /** Machine, process, and paywall in it. */
  readonly id = `${hostname()}/${process.pid}/${randomUUID()}`;
  readonly #db: Database;
  readonly #now: () => number;
  readonly #held = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(db: Database, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** Whether somebody else is at work on it now. */
  isElsewhere({ owner }: SaleRecord<unknown>): boolean {
    if (!owner || owner.id === this.id || owner.until < this.#now()) return false;
    return isAlive(owner.id);
  }

  /** Takes over what nobody works on; false where somebody was faster. */
  take(key: string, { owner }: SaleRecord<unknown>): boolean {
    const changed = this.#db.run(
      "UPDATE paywall_sale SET owner = ?, lease = ? WHERE key = ? AND owner IS ?",
      this.id,
      Math.floor(this.#now()) + LEASE_MS,
      key,
      owner?.id ?? null,
    );
    return changed === 1;
  }

  /** Keeps a row that is ours while `work` runs, and lets go of it afterwards where the sale is not over. */
  async keep<T>(key: string, work: () => Promise<T>): Promise<T> {
    this.#held.add(key);
    this.#timer ??= setInterval(() => this.#renew(), LEASE_MS / 3).unref();
    try {
      return await work();
    } finally {
      this.#held.delete(key);
      if (this.#held.size === 0) {
        clearInterval(this.#timer);
        this.#timer = undefined;
      }
    }
  }

  release(key: string): void {
    this.#db.run("UPDATE paywall_sale SET owner = NULL WHERE key = ? AND owner = ?", key, this.id);
  }

  #renew(): void {
    const until = Math.floor(this.#now()) + LEASE_MS;
    this.#db.transaction(() => {
      for (const key of this.#held) {
        const sql = "UPDATE paywall_sale SET lease = ? WHERE key = ? AND owner = ?";
        this.#db.run(sql, until, key, this.id);
      }
    });
  }
}

/** False only for a process of this machine that is certainly gone. */
function isAlive(id: string): boolean {
  const [machine, pid] = id.split("/");
  if (machine !== hostname()) return true;
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code !== "ESRCH";
  }
}
