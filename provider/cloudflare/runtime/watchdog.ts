/**
 * Nothing may be left running when this process dies, however it dies, and miniflare's workerd outlives a `kill -9` of its
 * parent (measured). So every workerd writes down its pid before it begins, and one small shell process, which a group's or a
 * terminal's signals do not reach, waits on a pipe from us: when the pipe closes without a word, it kills what was written down.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Watchdog {
  /**
   * Makes miniflare start workerd under watch. miniflare takes the program from the environment alone, so this sets a variable
   * of the process; call it before each start, as another provider's folder may be gone since.
   */
  arm(): void;
  /** Strikes out those that have ended, so that their pids may become somebody else's. */
  forgetEnded(): void;
  close(): Promise<void>;
}

/** Starts the watchdog; its notes lie below `dir`. Without a shell (Windows) there is none. */
export function openWatchdog({ dir, workerd }: { dir: string; workerd: string }): Watchdog {
  if (process.platform === "win32") {
    return { arm: () => {}, forgetEnded: () => {}, close: async () => {} };
  }
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  // Of this process alone: the watchdog of one that was killed may still be at work beside us.
  const own = mkdtempSync(join(dir, "watch-"));
  const pids = join(own, "pids");
  mkdirSync(pids);
  const program = join(own, "workerd.sh");
  writeFileSync(program, PROGRAM(quote(pids), quote(workerd)), { mode: 0o700 });
  const shell = spawn("/bin/sh", ["-c", WATCH(quote(own), quote(pids))], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  shell.unref();
  // It may be killed too; there is nobody to tell.
  shell.on("error", () => {});
  shell.stdin.on("error", () => {});
  const ended = once(shell, "exit").catch(() => {});
  return {
    arm: () => {
      process.env["MINIFLARE_WORKERD_PATH"] = program;
    },
    forgetEnded: () => {
      for (const pid of readdirSync(pids)) if (!isAlive(Number(pid))) rmSync(join(pids, pid));
    },
    close: async () => {
      shell.stdin.end(`${ALL_IS_WELL}\n`);
      if (shell.exitCode === null && shell.signalCode === null) await ended;
      rmSync(own, { recursive: true, force: true });
    },
  };
}

const ALL_IS_WELL = "done";

const PROGRAM = (pids: string, workerd: string) => `#!/bin/sh
: > ${pids}/$$
exec ${workerd} "$@"
`;

/** Sweeps twice, for one that was just about to write itself down. A pid that is not workerd's any more is left alone. */
const WATCH = (own: string, pids: string) => `
while read -r word; do [ "$word" = ${ALL_IS_WELL} ] && exit 0; done
sweep() {
  for file in ${pids}/*; do
    pid=\${file##*/}
    case "$(cat "/proc/$pid/comm" 2>/dev/null || ps -o comm= -p "$pid" 2>/dev/null)" in
      *workerd*) kill -9 "$pid" 2>/dev/null ;;
    esac
  done
}
sweep
sleep 1
sweep
rm -rf ${own}
`;

function quote(path: string): string {
  return `'${path.replaceAll("'", `'\\''`)}'`;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
