/**
 * Nothing may be left running when this process dies, however it dies. miniflare's workerd outlives a `kill -9` of its parent
 * (measured), so it is started through a small shell script: a watcher holds the other end of miniflare's control pipe, and
 * when the pipe closes (we died, or miniflare is done) it kills workerd. The script then becomes workerd, so that miniflare's
 * own signals reach it.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** File descriptor 3 is miniflare's control pipe, a socket; before it kills, the watcher makes sure that the pid is still workerd's. */
function script(workerd: string): string {
  const quoted = `'${workerd.replaceAll("'", `'\\''`)}'`;
  return `#!/bin/sh
(
  while read -r _ <&3; do :; done
  case "$(cat /proc/$$/comm 2>/dev/null || ps -o comm= -p $$)" in
    *workerd*) kill -9 $$ ;;
  esac
) </dev/null >/dev/null 2>&1 &
exec ${quoted} "$@"
`;
}

const VARIABLE = "MINIFLARE_WORKERD_PATH";

/**
 * Makes miniflare start workerd through the watcher from now on. miniflare takes the program from the environment alone, so
 * this sets a variable of the process; call it before each start, as another provider's folder may be gone since.
 */
export function watchWorkerd({ dir, workerd }: { dir: string; workerd: string }): void {
  if (process.platform === "win32") return;
  const path = join(dir, "watched-workerd.sh");
  const text = script(workerd);
  if (!existsSync(path) || readFileSync(path, "utf8") !== text) {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    writeFileSync(path, text, { mode: 0o700 });
    chmodSync(path, 0o700);
  }
  process.env[VARIABLE] = path;
}
