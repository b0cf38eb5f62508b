/**
 * What was opened, closed in reverse order: what `AsyncDisposableStack` does, which Node has from version 24 on, and the package runs on
 * Node 22 too. Every part is closed, also behind one that fails; the first failure is thrown.
 */
export class ClosingStack implements AsyncDisposable {
  #closers: (() => unknown)[] = [];

  /** Closes it with the rest; gives it back. */
  use<T extends AsyncDisposable | Disposable>(opened: T): T {
    this.defer(() =>
      Symbol.asyncDispose in opened ? opened[Symbol.asyncDispose]() : opened[Symbol.dispose](),
    );
    return opened;
  }

  defer(close: () => unknown): void {
    this.#closers.push(close);
  }

  /** Hands all over to a new stack: this one closes nothing any more. */
  move(): ClosingStack {
    const moved = new ClosingStack();
    moved.#closers = this.#closers;
    this.#closers = [];
    return moved;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = [];
    for (let close = this.#closers.pop(); close; close = this.#closers.pop()) {
      try {
        await close();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
