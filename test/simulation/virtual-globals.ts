/**
 * The clock, timers and chance of JavaScript itself, in virtual time: code under test that does not have them handed in gets these,
 * each timer belongs to the process that set it, and dies with it. `Math.random` is nobody's.
 */
import type { Scheduler } from "./scheduler.ts";

class Timer {
  readonly clear: () => void;

  constructor(clear: () => void) {
    this.clear = clear;
  }
  ref = () => this;
  unref = () => this;
  hasRef = () => true;
  [Symbol.dispose] = () => this.clear();
}

type Callback = (...args: unknown[]) => void;

/** Puts the virtual ones in place until it is disposed of. */
export function useVirtualGlobals(scheduler: Scheduler): Disposable {
  const start = (run: () => void, ms = 0) =>
    new Timer(scheduler.schedule(ms, scheduler.current, run));
  const clear = (timer: unknown) => {
    if (timer instanceof Timer) timer.clear();
  };
  const repeat = (run: Callback, ms = 1, ...args: unknown[]): Timer => {
    let timer = start(again, ms);
    function again() {
      timer = start(again, ms);
      run(...args);
    }
    return new Timer(() => timer.clear());
  };
  const replacements: [object, string, unknown][] = [
    [
      globalThis,
      "setTimeout",
      (run: Callback, ms = 0, ...args: unknown[]) => start(() => run(...args), ms),
    ],
    [globalThis, "setImmediate", (run: Callback, ...args: unknown[]) => start(() => run(...args))],
    [globalThis, "setInterval", repeat],
    [globalThis, "clearTimeout", clear],
    [globalThis, "clearImmediate", clear],
    [globalThis, "clearInterval", clear],
    [Date, "now", () => scheduler.clockOf(scheduler.current)],
    [performance, "now", () => scheduler.now],
    [Math, "random", () => fail("Math.random")],
    [AbortSignal, "timeout", (ms: number) => timeoutSignal(scheduler, ms)],
  ];
  const originals = replacements.map(([owner, name, value]) => {
    const original = Object.getOwnPropertyDescriptor(owner, name);
    Object.defineProperty(owner, name, { value, configurable: true, writable: true });
    return [owner, name, original] as const;
  });
  return {
    [Symbol.dispose]() {
      for (const [owner, name, original] of originals) {
        if (original) Object.defineProperty(owner, name, original);
        else Reflect.deleteProperty(owner, name);
      }
    },
  };
}

function timeoutSignal(scheduler: Scheduler, ms: number): AbortSignal {
  const controller = new AbortController();
  scheduler.schedule(ms, scheduler.current, () =>
    controller.abort(new DOMException("The operation timed out.", "TimeoutError")),
  );
  return controller.signal;
}

function fail(what: string): never {
  throw new Error(`${what} was used: chance must be handed in`);
}
