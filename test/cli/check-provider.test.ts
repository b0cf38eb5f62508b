/** `purser check-provider` as a provider's author uses it: whom to trust, what to mend, and how it ends. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type OpenGreenhouse, openGreenhouseShop } from "../provider/greenhouse.ts";
import { commandLine } from "../support/command-line.ts";
import { temporaryFolder } from "../support/temporary.ts";

let shop: OpenGreenhouse;
beforeAll(async () => {
  shop = await openGreenhouseShop({ facilitatorUrl: "http://127.0.0.1:9" });
});
afterAll(() => shop[Symbol.asyncDispose]());

test("a stranger is told whom to trust, and is then tried whole with the same key", async () => {
  using folder = temporaryFolder();
  const cwd = folder.path;
  const args = ["check-provider", shop.server.url, "--json"];
  const first = await commandLine(args, { cwd });
  const report = JSON.parse(first.stdout);
  expect([first.code, report.outcome, report.trusted]).toEqual([2, "incomplete", false]);
  expect(statSync(join(cwd, ".purser/check-provider.json")).mode & 0o777).toBe(0o600);
  shop.server.trust(report.trust);
  const second = await commandLine(args, { cwd });
  expect([second.code, JSON.parse(second.stdout).outcome]).toEqual([0, "passed"]);
  const told = await commandLine([...args.slice(0, 2), "--only", "SIGN-01", "--verbose"], { cwd });
  expect(told.stderr).toContain("SIGN-01 an unsigned request is refused");
  expect(told.stdout).toContain("The contract holds.");
});

test.each([
  [["nonsense"], "USAGE"],
  [["http://127.0.0.1:9"], "CHECK_TARGET_UNREACHABLE"],
])("check-provider %s: exit code 2", async (args, code) => {
  using folder = temporaryFolder();
  const cwd = folder.path;
  const answer = await commandLine(["check-provider", ...args, "--json"], { cwd });
  expect([answer.code, JSON.parse(answer.stdout).error.code]).toEqual([2, code]);
});
