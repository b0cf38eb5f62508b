/**
 * The folder of a project: the nearest one upwards that has `.projects/state.json`, so that commands work from anywhere in a
 * repository. Files are replaced whole, never half, and what holds ids or caches is kept out of the repository.
 */
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { z } from "zod";
import { withDefault } from "./environments.ts";
import { ProjectError } from "./project-error.ts";
import { LocalState, type ProjectState, SharedState } from "./project-state.ts";

const SHARED = ".projects/state.json";
const LOCAL = ".projects/state.local.json";
const IGNORED = [
  ".projects/state.local.json",
  ".projects/cache",
  ".projects/vault",
  ".projects/bin",
];

/** The root of the project that `cwd` is in. */
export function findRoot(cwd: string): string | undefined {
  for (let at = cwd; ; at = dirname(at)) {
    if (existsSync(join(at, SHARED))) return at;
    if (at === dirname(at)) return undefined;
  }
}

/** Throws `STATE_UNREADABLE`. */
export function readState(root: string): ProjectState {
  return withDefault({
    shared: readShape(join(root, SHARED), SharedState),
    local: readShape(join(root, LOCAL), LocalState),
  });
}

export function writeState(root: string, { shared, local }: ProjectState): void {
  writeWhole(join(root, SHARED), `${JSON.stringify(shared, undefined, 2)}\n`);
  writeWhole(join(root, LOCAL), `${JSON.stringify(local, undefined, 2)}\n`, 0o600);
}

/** Adds the lines that are not there yet; the rest of the file stays as it is. */
export function ignoreFiles(root: string, outputs: readonly string[], world?: string): void {
  const file = join(root, ".gitignore");
  const before = existsSync(file) ? readFileSync(file, "utf8") : "";
  const present = new Set(before.split(/\r?\n/).map((line) => line.trim()));
  // A world in here has keys in it, of play money as they may be.
  const worlds = world?.startsWith(join(root, ".purser")) ? [".purser"] : [];
  const missing = [...IGNORED, ...outputs, ...worlds].filter((line) => !present.has(line));
  if (missing.length === 0) return;
  const gap = before === "" || before.endsWith("\n") ? "" : "\n";
  writeWhole(file, `${before}${gap}${missing.join("\n")}\n`);
}

/**
 * Writes beside the file and renames; where it is a link, what it points to is replaced and the link stays. Without `mode` it keeps
 * the one it has.
 */
export function writeWhole(path: string, text: string, wanted?: number): void {
  const file = existsSync(path) ? realpathSync(path) : path;
  const mode = wanted ?? (existsSync(file) ? statSync(file).mode & 0o777 : 0o644);
  mkdirSync(dirname(file), { recursive: true });
  const fresh = `${file}.${process.pid}.new`;
  writeFileSync(fresh, text, { mode });
  chmodSync(fresh, mode);
  renameSync(fresh, file);
}

/** The same for what is made once: where there is a file already, it stays as it is. */
export function writeNew(file: string, text: string, mode: number): void {
  if (existsSync(file)) return;
  mkdirSync(dirname(file), { recursive: true });
  const fresh = `${file}.${process.pid}.new`;
  writeFileSync(fresh, text, { mode });
  try {
    linkSync(fresh, file);
  } catch (error) {
    // Another process was first.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    unlinkSync(fresh);
  }
}

function readShape<Shape extends z.ZodType>(file: string, shape: Shape): z.output<Shape> {
  let text: string | undefined;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw unreadable(file, error);
  }
  try {
    return shape.parse(text === undefined ? { version: 1 } : JSON.parse(text));
  } catch (error) {
    throw unreadable(file, error);
  }
}

function unreadable(file: string, cause: unknown): ProjectError {
  return new ProjectError("STATE_UNREADABLE", {
    problem: `${file} cannot be read as a project's state.`,
    nextStep:
      "Restore it from the repository, or move it away and run init again; the orchestrator knows everything that is in it.",
    cause,
  });
}
