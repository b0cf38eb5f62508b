/** One at a time for each key, in the order of arrival: whoever asks for the same thing waits for the first. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Whether nobody's turn it is. */
  isFree(key: string): boolean {
    return !this.#last.has(key);
  }

  async take<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve();
    const turn = before.then(work, work);
    this.#last.set(key, turn);
    try {
      return await turn;
    } finally {
      if (this.#last.get(key) === turn) this.#last.delete(key);
    }
  }
}
