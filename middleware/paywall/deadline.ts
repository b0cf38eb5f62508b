/** A limit on how long somebody else is waited for; it stands still while the waiting is our own. */
export class Deadline {
  readonly #ms: number;
  readonly #passed = Promise.withResolvers<"timed out">();
  #timer: NodeJS.Timeout | undefined;

  constructor(ms: number) {
    this.#ms = ms;
  }

  /** Resolves once the time has passed; it may never. */
  get passed(): Promise<"timed out"> {
    return this.#passed.promise;
  }

  /** Begins anew. */
  start(): void {
    this.stop();
    this.#timer = setTimeout(() => this.#passed.resolve("timed out"), this.#ms);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
