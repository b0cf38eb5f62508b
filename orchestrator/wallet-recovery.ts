/**
 * Has the user's wallet ask the chain, now and then, about what is still open: an agent that paid may have ended before it could say
 * what came of it. What changed a moment ago is left to whoever is paying.
 */

export interface WalletRecoveryOptions {
  /** The wallet by now, if there is one. */
  readonly wallet: () => { recover(options: { graceMs: number }): Promise<unknown> } | undefined;
  readonly everyMs?: number;
}

const GRACE_MS = 30_000;

/** Begins; the timer keeps no program from ending. `stop` waits for a recovery that is going on. */
export function keepRecovering({ wallet, everyMs = 15_000 }: WalletRecoveryOptions): {
  stop(): Promise<void>;
} {
  let going: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    // One at a time; what fails is tried again.
    going = going.then(() => wallet()?.recover({ graceMs: GRACE_MS })).catch(() => undefined);
  }, everyMs).unref();
  return {
    async stop() {
      clearInterval(timer);
      await going;
    },
  };
}
