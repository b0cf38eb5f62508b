import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeFolder } from "../../scenarios/make-folder.ts";
import { temporaryFolder } from "../support/temporary.ts";

test("a folder is made with those above it, and made again without harm", () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "a/b/c");
  makeFolder(path, 0o700);
  makeFolder(path);
  expect(statSync(path).mode & 0o777).toBe(0o700);
});

test("where nothing can be made it is an error, and never a hang", () => {
  using folder = temporaryFolder();
  writeFileSync(join(folder.path, "file"), "");
  expect(() => makeFolder(join(folder.path, "file"))).toThrow(/EEXIST/);
  expect(() => makeFolder(join(folder.path, "file", "inside"))).toThrow(/EEXIST|ENOTDIR/);
  if (process.platform === "linux")
    expect(() => makeFolder("/proc/nothing/here")).toThrow(/ENOENT/);
});
