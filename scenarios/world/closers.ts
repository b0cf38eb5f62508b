/**
 * What was opened, to be closed in the reverse order. A part that is still opening is waited for, so that nothing stays behind
 * when another part fails meanwhile; one that fails to close does not keep the others open.
 */
export class Closers implements AsyncDisposable {
  readonly #closers: (() => unknown)[] = [];
  #closing: Promise<void> | undefined;

  defer(close: () => unknown): void {
    this.#closers.push(close);
  }

  /** Closes what the promise opens, if it ever does. */
  adopt<T extends AsyncDisposable>(opening: Promise<T>): Promise<T> {
    this.defer(async () => {
      const opened = await opening.catch(() => undefined);
      await opened?.[Symbol.asyncDispose]();
    });
    return opening;
  }

  /** Closes everything, once; throws the first error when all are done. */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #closeAll(): Promise<void> {
    const errors: unknown[] = [];
    for (const close of this.#closers.toReversed()) {
      try {
        await close();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}
