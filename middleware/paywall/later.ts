/**
 * Sales whose settlement nobody knew when their buyer was answered: they are looked at again by themselves, less and less often,
 * so that what was paid for waits for the buyer and not the other way round. It keeps no process alive.
 */
export interface LaterOptions {
  /** Looks at one sale; resolves to whether there is anything left to do. */
  readonly look: (key: string) => Promise<boolean>;
  readonly firstMs?: number;
  readonly lastMs?: number;
}

export class Later {
  readonly #options: Required<LaterOptions>;
  readonly #waiting = new Set<string>();

  constructor({ look, firstMs = 1_000, lastMs = 60_000 }: LaterOptions) {
    this.#options = { look, firstMs, lastMs };
  }

  add(key: string): void {
    if (this.#waiting.has(key)) return;
    this.#waiting.add(key);
    this.#wait(key, this.#options.firstMs);
  }

  #wait(key: string, ms: number): void {
    const { look, lastMs } = this.#options;
    const run = async () => {
      // A seller that closes its database is no longer interested.
      const isOpen = await look(key).catch(() => false);
      if (isOpen) this.#wait(key, Math.min(ms * 2, lastMs));
      else this.#waiting.delete(key);
    };
    setTimeout(() => void run(), ms).unref();
  }
}
