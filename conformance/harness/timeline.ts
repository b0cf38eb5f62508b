/**
 * What happens behind the endpoint while it is tested, in order: what it asks of its facilitator, and each time that it does the work
 * which it sells. Both are servers of the tester's, in one process, so the order is certain.
 */
export interface Happening {
  readonly what: "verify" | "settle" | "supported" | "work" | "after-settle";
  /** Of the authorization that the facilitator was asked about, in lower case. */
  readonly nonce?: string | undefined;
  /** What was done instead of an honest answer. */
  readonly fault?: string | undefined;
  /** The text that this piece of work produced, and nobody else can know. */
  readonly marker?: string | undefined;
}

export class Timeline {
  readonly happenings: Happening[] = [];
  #waiting: (() => void)[] = [];

  add(happening: Happening): void {
    this.happenings.push(happening);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  /** Resolves to whether it happened, from this place on, within the time. */
  async until(
    is: (happening: Happening) => boolean,
    { from, ms }: { from: number; ms: number },
  ): Promise<boolean> {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, ms);
    let isLate = false;
    void late.promise.then(() => (isLate = true));
    try {
      while (!this.happenings.slice(from).some(is)) {
        if (isLate) return false;
        const next = new Promise<void>((resolve) => this.#waiting.push(resolve));
        await Promise.race([next, late.promise]);
      }
      return true;
    } finally {
      clearTimeout(timer);
    }
  }
}
