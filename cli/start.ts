/**
 * Starts the program for a command line and ends the process with its exit code. It starts fast: each command's code is loaded when it
 * is called, and compiled code is kept beside the installed packages (`node_modules/.cache/purser`), so that it goes when they go. A checkout
 * keeps it in `.cache`: npm takes a `node_modules` that was changed for one that it must read anew, which costs each `npx` a second.
 */
import module from "node:module";
import { fileURLToPath } from "node:url";
import { findPackage } from "./package.ts";

/** `tool` is what the person called it by, where that is not "purser". */
export async function start(argv: readonly string[], tool?: string): Promise<void> {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < 22 || (major === 22 && minor < 14)) {
    process.stderr.write(
      `purser needs Node 22.14 or later, and this is ${process.versions.node}. In a checkout, use \`npm run purser\`, which brings its own.\n`,
    );
    process.exit(2);
  }
  const root = findPackage()?.root;
  const cache = root?.pathname.includes("/node_modules/")
    ? new URL("../.cache/purser", root)
    : root && new URL(".cache/purser", root);
  if (cache) module.enableCompileCache(fileURLToPath(cache));

  // Loaded now, and not by static imports, so that the cache serves them too.
  const [{ run }, { processSurroundings }] = await Promise.all([
    import("./program.ts"),
    import("./surroundings.ts"),
  ]);
  // A reader who has seen enough (`purser --help | head`) closes the pipe; that is no error.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit();
    throw error;
  });
  const surroundings = processSurroundings(argv);
  const code = await run(argv, tool === undefined ? surroundings : { ...surroundings, tool });
  // Whatever a package forgot to close (a server, a timer) must not keep an ended program alive.
  process.stdout.write("", () => process.exit(code));
}
