/**
 * A process that does one thing when it is told to, as often as it is told, until it is let go of: what is measured in one process pays for
 * everything else that runs there. The libraries that they share are compiled for the mixture of all, and each collects the garbage of all.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

export interface TurnProcess<Turn, Figure> extends AsyncDisposable {
  readonly name: string;
  take(turn: Turn): Promise<Figure>;
}

/** Runs a file of this folder, whose first argument is the name, and which calls `takeTurns`. */
export async function openTurnProcess<Turn extends object, Figure>(
  file: string,
  [name, ...rest]: readonly [string, ...string[]],
): Promise<TurnProcess<Turn, Figure>> {
  const child = fork(join(import.meta.dirname, file), [name, ...rest]);
  const ended = once(child, "exit");
  const hear = async (): Promise<unknown> => {
    const [heard] = (await Promise.race([once(child, "message"), ended])) as [unknown];
    if (child.exitCode !== null) throw new Error(`the process of ${name} ended by itself`);
    return heard;
  };
  await hear();
  return {
    name,
    async take(turn) {
      child.send(turn);
      return (await hear()) as Figure;
    },
    async [Symbol.asyncDispose]() {
      child.disconnect();
      await ended;
    },
  };
}

/** In the process itself: takes turns until nobody wants one any more. */
export async function takeTurns(take: (turn: never) => Promise<unknown>): Promise<void> {
  const gone = once(process, "disconnect");
  process.on(
    "message",
    (turn) => void take(turn as never).then((figure) => process.send?.(figure)),
  );
  process.send?.("open");
  await gone;
}
