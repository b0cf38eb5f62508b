/**
 * A file that only its owner may read, and that is either whole or absent: written beside its place, synced, then linked into
 * it. Of two processes that make it at once, both get the same one's text.
 */
import { chmodSync, closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync } from "node:fs";
import { writeFileSync } from "node:fs";
import { randomUUID } from "node:crypto";

/** Reads the file at `path`, or makes it from `create()` with mode 600. */
export async function readOrCreate(path: string, create: () => Promise<string>): Promise<string> {
  const existing = readIfThere(path);
  if (existing !== undefined) return existing;
  const draft = `${path}.${randomUUID()}`;
  try {
    const file = openSync(draft, "wx", 0o600);
    try {
      writeFileSync(file, await create());
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    linkIfAbsent(draft, path);
  } finally {
    rmSync(draft, { force: true });
  }
  return readFileSync(path, "utf8");
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
