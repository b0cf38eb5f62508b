/**
 * Runs anvil so that it neither outlives us nor loses its state when we die, however we die. A small shell, in a session of its
 * own and adopted by init, holds the other end of a pipe from us: when the pipe closes (we closed it, crashed, or were killed,
 * alone or with our whole process group), it asks anvil to end, and anvil saves its state on the way.
 * A second pipe, the life line, is held open by anvil alone: when it ends, anvil is gone.
 */
import { spawn } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import type { Socket } from "node:net";
import { finished } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import { ChainError } from "../error.ts";

/**
 * Descriptor 3 is the life line and 4 the pipe from us (not 0: Node closes a child's stdin when the child itself ends, and the
 * outer shell ends at once). anvil writes to a file: a pipe that nobody reads would end it before it has saved.
 */
const WATCHDOG = `
binary=$1 log=$2 pidfile=$3 trash=$4; shift 4
{
  "$binary" "$@" </dev/null >"$log" 2>&1 4<&- &
  anvil=$!
  exec 3>&-
  echo "$anvil" >"$pidfile"
  read -r _ <&4
  kill -TERM "$anvil" 2>/dev/null
  wait "$anvil"
  [ -z "$trash" ] || rm -rf "$trash"
} >/dev/null 2>&1 &
`;

const START_TIMEOUT_MS = 10_000;
const LISTENING = /Listening on 127\.0\.0\.1:(\d+)/;

export interface AnvilProcess {
  port: number;
  /** Asks anvil to end, and resolves when it has saved its state and is gone. */
  end(): Promise<void>;
}

export interface AnvilProcessOptions {
  binary: string;
  args: readonly string[];
  logFile: string;
  /** Receives anvil's process id, for whoever comes after us. */
  pidFile: string;
  /** A folder to remove once anvil is gone. */
  trash?: string | undefined;
}

/** Starts anvil, and resolves when it listens; throws `CHAIN_START_FAILED` with anvil's own words. */
export async function runAnvil(options: AnvilProcessOptions): Promise<AnvilProcess> {
  const { binary, args, logFile, pidFile, trash = "" } = options;
  await rm(logFile, { force: true });
  const shell = spawn(
    "/bin/sh",
    ["-c", WATCHDOG, "anvil-watchdog", binary, logFile, pidFile, trash, ...args],
    {
      detached: true,
      stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
      // Not our environment: it may hold keys, and a FOUNDRY_… or ANVIL_… variable would change what starts.
      env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", HOME: process.env["HOME"] ?? "/" },
    },
  );
  const lifeLine = shell.stdio[3] as Socket;
  const leash = shell.stdio[4] as Socket;
  const failed = new Promise<never>((_, reject) => shell.once("error", reject));
  const gone = finished(lifeLine.resume(), { writable: false }).catch(() => undefined);
  leash.on("error", () => undefined);
  const end = async () => {
    lifeLine.ref();
    leash.end();
    await gone;
  };
  try {
    const port = await Promise.race([failed, waitForPort(logFile, gone)]);
    // What is left open must not keep a finished program from ending.
    for (const handle of [shell, leash, lifeLine]) handle.unref();
    return { port, end };
  } catch (error) {
    leash.end();
    if (error instanceof ChainError) throw error;
    throw startFailed((error as Error).message);
  }
}

/** anvil was given port 0 and chose a free one; its log says which. */
async function waitForPort(logFile: string, gone: Promise<unknown>): Promise<number> {
  let running = true;
  void gone.then(() => (running = false));
  for (let waited = 0; waited < START_TIMEOUT_MS; waited += 5) {
    const alive = running;
    const log = await readFile(logFile, "utf8").catch(() => "");
    const [, port] = LISTENING.exec(log) ?? [];
    if (port !== undefined && alive) return Number(port);
    if (!alive)
      throw startFailed(log.trim().split("\n").slice(-3).join(" ") || "it ended at once.");
    await delay(5);
  }
  throw startFailed(`it did not listen within ${START_TIMEOUT_MS} ms.`);
}

function startFailed(reason: string): ChainError {
  return new ChainError("CHAIN_START_FAILED", {
    problem: `anvil did not start: ${reason.slice(0, 500)}`,
    nextStep:
      "If a port was given, give another or none; otherwise see anvil.log in the chain's folder.",
  });
}
