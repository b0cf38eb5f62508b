/**
 * Work that is done at the start and then now and then, because whoever began it may have ended before it was over: an agent that paid,
 * or an orchestrator that had ordered.
 */
export interface RecoveringOptions {
  /** Once; what fails is tried again the next time. */
  readonly recover: () => Promise<unknown>;
  readonly everyMs: number;
}

/** Begins, one at a time; the timer keeps no program from ending. `stop` waits for a recovery that is going on. */
export function keepRecovering({ recover, everyMs }: RecoveringOptions): { stop(): Promise<void> } {
  let going: Promise<unknown> | undefined;
  const begin = () => {
    going ??= recover()
      .catch(() => undefined)
      .finally(() => (going = undefined));
  };
  begin();
  const timer = setInterval(begin, everyMs).unref();
  return {
    async stop() {
      clearInterval(timer);
      await going;
    },
  };
}
