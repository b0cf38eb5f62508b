/** A bug ends the program with an error that says so, as JSON where that was asked for, and nothing is left running. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { processesOf } from "../support/command.ts";
import { temporaryFolder } from "../support/temporary.ts";

test("an exception that nobody catches", async () => {
  using folder = temporaryFolder();
  const args = ["test/cli/crashing-child.ts", folder.path, "--json"];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  const [stdout, [code]] = await Promise.all([child.stdout.toArray(), once(child, "close")]);
  expect(code).toBe(1);
  expect(JSON.parse(Buffer.concat(stdout as Buffer[]).toString())).toMatchObject({
    passed: false,
    error: { code: "INTERNAL", problem: "a bug" },
  });
  await expect.poll(() => processesOf(folder.path), { timeout: 5_000 }).toEqual([]);
});
