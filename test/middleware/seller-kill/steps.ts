/**
 * The steps of a seller's process, from the moment a payment arrives: each commit, each word with the facilitator, the work, the
 * signature of a refund, the answer, and before and after each. At one of them the process dies, as `kill -9` does it.
 */
import { writeSync } from "node:fs";
import type { PaywallFacilitator, Signer } from "../../../middleware/index.ts";
import type { Database } from "../../../store/index.ts";

/** The n-th step after the next payment's arrival, or the n-th of a name, such as "after settle". */
export interface DeathPlan {
  readonly name?: string | undefined;
  readonly nth: number;
}

export class Steps {
  #plan: DeathPlan | undefined;
  #count = 0;

  dieAt(plan: DeathPlan): void {
    this.#plan = plan;
    this.#count = 0;
  }

  pass(name: string): void {
    const plan = this.#plan;
    if (!plan || (plan.name !== undefined && plan.name !== name)) return;
    this.#count += 1;
    if (this.#count !== plan.nth) return;
    writeSync(2, `died at ${name}\n`);
    process.kill(process.pid, "SIGKILL");
    // The signal comes between two instructions: no other may run before it.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  }

  around<T>(name: string, work: () => T): T {
    this.pass(`before ${name}`);
    const result = work();
    this.pass(`after ${name}`);
    return result;
  }

  async aroundAsync<T>(name: string, work: () => Promise<T>): Promise<T> {
    this.pass(`before ${name}`);
    const result = await work();
    this.pass(`after ${name}`);
    return result;
  }
}

/** A database that dies before or after a commit. */
export function steppingDatabase(db: Database, steps: Steps): Database {
  let depth = 0;
  const commit = <T>(work: () => T): T => {
    if (depth > 0) return work();
    depth += 1;
    try {
      return steps.around("commit", work);
    } finally {
      depth -= 1;
    }
  };
  return {
    path: db.path,
    query: (sql) => db.query(sql),
    prepare: (sql) => db.prepare(sql),
    snapshot: (work) => db.snapshot(work),
    sync: (options) => db.sync(options),
    moment: () => db.moment(),
    close: () => db.close(),
    [Symbol.dispose]: () => db.close(),
    run: (sql, ...values) => commit(() => db.run(sql, ...values)),
    exec: (sql) => commit(() => db.exec(sql)),
    transaction: (work) => commit(() => db.transaction(work)),
  };
}

export function steppingFacilitator(inner: PaywallFacilitator, steps: Steps): PaywallFacilitator {
  return {
    verify: (payload, terms) => steps.aroundAsync("verify", () => inner.verify(payload, terms)),
    settle: (payload, terms) => steps.aroundAsync("settle", () => inner.settle(payload, terms)),
  };
}

export function steppingSigner(inner: Signer, steps: Steps): Signer {
  return {
    address: inner.address,
    sign: (intent) => steps.aroundAsync("sign", () => inner.sign(intent)),
  };
}
