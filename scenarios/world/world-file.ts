/**
 * What a world must remember to reopen at the same addresses: its ports and its project. Written whole, once everything has
 * started, so that a half-started world is started anew.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { WorldError } from "./world-error.ts";

const Port = z.int().min(1).max(65_535);

const WorldFile = z.object({
  version: z.literal(1),
  ports: z.object({
    chain: Port,
    facilitator: Port,
    orchestrator: Port,
    cloudflare: Port,
    sites: Port.optional(),
  }),
});
export type WorldFile = z.output<typeof WorldFile>;
export type WorldPorts = WorldFile["ports"];

const NAME = "world.json";

/** The file's content, or undefined where no world was yet; `WORLD_UNREADABLE` for anything else. */
export function readWorldFile(dir: string): WorldFile | undefined {
  const path = join(dir, NAME);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw unreadable(path, error);
  }
  try {
    return WorldFile.parse(JSON.parse(text));
  } catch (error) {
    throw unreadable(path, error);
  }
}

export function writeWorldFile(dir: string, file: WorldFile): void {
  const path = join(dir, NAME);
  writeFileSync(`${path}.new`, `${JSON.stringify(file, undefined, 2)}\n`);
  renameSync(`${path}.new`, path);
}

function unreadable(path: string, cause: unknown): WorldError {
  return new WorldError("WORLD_UNREADABLE", {
    problem: `${path} is not a world of this version of purser.`,
    nextStep: "Use another folder, or remove this one.",
    details: { part: "folder", path },
    cause,
  });
}
