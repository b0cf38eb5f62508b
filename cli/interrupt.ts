/**
 * Ctrl-C and its like. The first one asks everything to stop in order, so that nothing is left running and nothing half
 * written; a later one does not wait for that. Whatever happens, children end by themselves when this process is gone.
 */
const DEADLINE_MS = 15_000;
/** One Ctrl-C may arrive twice: from the terminal, and passed on by npm. A person's second one comes later than this. */
const REPEAT_MS = 500;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Aborts at the first signal; at a later one the process exits. */
export function interruptSignal(onFirst: (name: string) => void): AbortSignal {
  const controller = new AbortController();
  let firstAt = 0;
  for (const name of SIGNALS) {
    const listener = () => {
      if (controller.signal.aborted) {
        if (performance.now() - firstAt > REPEAT_MS) process.exit(1);
        return;
      }
      firstAt = performance.now();
      onFirst(name);
      controller.abort();
      // What does not end in order must end all the same.
      setTimeout(() => process.exit(1), DEADLINE_MS).unref();
    };
    process.on(name, listener);
    forbidOthers(name, listener);
  }
  return controller.signal;
}

/** Packages that exit at a signal by themselves (miniflare does) would cut the orderly end short. */
function forbidOthers(name: NodeJS.Signals, own: () => void): void {
  process.on("newListener", (event: string | symbol, listener: () => void) => {
    if (event === name && listener !== own) {
      process.nextTick(() => process.removeListener(name, listener));
    }
  });
}

/** Resolves when the person has ended it. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    // Only a pending timer keeps the process alive while nothing else is under way.
    const alive = setInterval(() => {}, 60_000);
    signal.addEventListener(
      "abort",
      () => {
        clearInterval(alive);
        resolve();
      },
      { once: true },
    );
  });
}
