/**
 * The world's secrets on disk: each in a file of its own that only its owner may read, made once and kept. The file is written
 * beside its place and then linked into it, so that it is whole or absent, whenever the program is killed.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { chmodSync, linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Hex } from "viem";
import { Secret } from "../../protocol/index.ts";
import { makeFolder } from "../make-folder.ts";

/** 32 random bytes as hexadecimal text, the same each time: a private key, or a key for our own use. */
export function openKeyFile(path: string): Secret<Hex> {
  makeFolder(dirname(path), 0o700);
  const draft = `${path}.${randomUUID()}`;
  try {
    writeFileSync(draft, `0x${randomBytes(32).toString("hex")}\n`, { mode: 0o600, flush: true });
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    chmodSync(path, 0o600);
  } finally {
    rmSync(draft, { force: true });
  }
  return new Secret(readFileSync(path, "utf8").trim() as Hex);
}
