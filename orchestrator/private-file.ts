/**
 * A file that only its owner may read, and that is either whole or absent: written beside its place, synced, then linked into
 * it. Of two processes that make it at once, both get the same one's text.
 */
import { randomUUID } from "node:crypto";
import {
  chmodSync,
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";

/** Reads the file at `path`, or makes it from `create()` with mode 600. */
export async function readOrCreate(path: string, create: () => Promise<string>): Promise<string> {
  const existing = readIfThere(path);
  if (existing !== undefined) return existing;
  const draft = writeDraft(path, await create());
  try {
    linkIfAbsent(draft, path);
  } finally {
    rmSync(draft, { force: true });
  }
  return readFileSync(path, "utf8");
}

/** Puts `text` in the place of what the file holds: at every moment, and after a crash, it is the one or the other, whole. */
export function replaceFile(path: string, text: string): void {
  const draft = writeDraft(path, text);
  renameSync(draft, path);
  const folder = openSync(dirname(path), "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** Writes and syncs a file beside `path` that only its owner may read. */
function writeDraft(path: string, text: string): string {
  const draft = `${path}.${randomUUID()}`;
  const file = openSync(draft, "wx", 0o600);
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
  return draft;
}

function readIfThere(path: string): string | undefined {
  try {
    const text = readFileSync(path, "utf8");
    chmodSync(path, 0o600);
    return text;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function linkIfAbsent(draft: string, path: string): void {
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
