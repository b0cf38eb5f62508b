#!/usr/bin/env node
/**
 * The door for who says `stripe projects …`: the same commands under their published name, so that a skill that was written for those
 * works here. It is never installed as `stripe` by itself (`purser init --stripe-shim`, or a link of one's own).
 */
import { findPackage } from "./package.ts";
import { start } from "./start.ts";
import { translate } from "./stripe-words.ts";

const meant = translate(process.argv.slice(2), findPackage()?.version ?? "unknown");
if ("argv" in meant) await start(meant.argv, "stripe projects");
else {
  (meant.code === 0 ? process.stdout : process.stderr).write(`${meant.text}\n`);
  process.exitCode = meant.code;
}
