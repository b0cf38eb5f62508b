/** A folder that the command line names: made with those above it, or refused with its reason, and never a program that hangs. */
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeFolder } from "../../cli/make-folder.ts";
import { temporaryFolder } from "../support/temporary.ts";

test("is made with the folders above it, for its owner alone, and again without harm", () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "a", "b", "c");
  makeFolder(path);
  makeFolder(path);
  expect(statSync(path).mode & 0o777).toBe(0o700);
});

test.each<[string, (folder: string) => string]>([
  ["a file", (folder) => join(folder, "file")],
  ["below a file", (folder) => join(folder, "file", "a")],
  ["where the system takes none", () => "/proc/purser"],
  ["deep where the system takes none", () => "/proc/purser/a/b"],
])("is refused where it is %s", (_, pathIn) => {
  using folder = temporaryFolder();
  mkdirSync(folder.path, { recursive: true });
  writeFileSync(join(folder.path, "file"), "");
  expect(() => makeFolder(pathIn(folder.path))).toThrow(expect.objectContaining({ code: "USAGE" }));
});
