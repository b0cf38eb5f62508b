/** Work that goes on when its caller has gone on. Whoever closes waits for it, and nothing that fails in it is lost without a word. */
export interface BackgroundOptions {
  /** Told of what failed; the work is then left to the next recovery. */
  readonly onError?: (error: unknown) => void;
}

export class Background {
  readonly #options: BackgroundOptions;
  readonly #going = new Set<Promise<unknown>>();

  constructor(options: BackgroundOptions) {
    this.#options = options;
  }

  add(work: Promise<unknown>): void {
    const going: Promise<unknown> = work
      .catch((error: unknown) => this.#options.onError?.(error))
      .finally(() => this.#going.delete(going));
    this.#going.add(going);
  }

  /** Resolves when nothing is going on. */
  async idle(): Promise<void> {
    while (this.#going.size > 0) await Promise.all(this.#going);
  }
}
