/** A cell is one run of workerd among many, from the moment that it is asked for until it is retired. */
import type { Instance } from "./instance.ts";
import type { CellPlan } from "./cell-plan.ts";

export interface Cell {
  readonly plan: CellPlan;
  /** Requests wait for it. */
  readonly instance: Promise<Instance>;
  /** The same, once it is up. */
  running?: Instance;
  /** Counts up with every use, so that the one that was not used for longest can be told. */
  usedAt: number;
}

/** The cells that requests go to, found by what runs in them. Each Worker and each namespace is in one cell at most. */
export class Cells {
  readonly #workers = new Map<string, Cell>();
  readonly #namespaces = new Map<string, Cell>();
  #uses = 0;

  find(part: { worker: string } | { namespace: string }): Cell | undefined {
    return "worker" in part ? this.#workers.get(part.worker) : this.#namespaces.get(part.namespace);
  }

  all(): Set<Cell> {
    return new Set([...this.#workers.values(), ...this.#namespaces.values()]);
  }

  add(cell: Cell): void {
    for (const name of cell.plan.workers) this.#workers.set(name, cell);
    for (const id of cell.plan.namespaces) this.#namespaces.set(id, cell);
    this.touch(cell);
  }

  remove(cell: Cell): void {
    for (const [name, at] of this.#workers) if (at === cell) this.#workers.delete(name);
    for (const [id, at] of this.#namespaces) if (at === cell) this.#namespaces.delete(id);
  }

  touch(cell: Cell): void {
    this.#uses += 1;
    cell.usedAt = this.#uses;
  }
}
