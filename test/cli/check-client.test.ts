/** `purser check --client` as CI uses it: a program of somebody's, started once for each trap, and its exit codes. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ReportSchema } from "../../conformance/index.ts";
import { commandLine } from "../support/command-line.ts";
import { temporaryFolder } from "../support/temporary.ts";

const child = join(import.meta.dirname, "../conformance/client/pay-child.ts");
const CLIENT = `'${process.execPath}' '${child}'`;

function check(args: readonly string[], options: Parameters<typeof commandLine>[1] = {}) {
  return commandLine(["check", ...args], options);
}

const ONE = ["--only", "CLIENT-01", "--profile", "x402-v2"];

test("a client that holds its limit: exit code 0", async () => {
  const { code, stdout } = await check(["--client", `${CLIENT} {url}`, ...ONE]);
  expect(stdout).toContain("lost 0");
  expect(code).toBe(0);
});

test("one that does not: exit code 1, with what it signed, what it lost, and reports of it", async () => {
  using folder = temporaryFolder();
  const args = ["--client", `${CLIENT} --careless`, ...ONE, "--report", "json,junit,sarif,md,html"];
  const { code, stdout } = await check(args, { cwd: folder.path });
  expect(code).toBe(1);
  expect(stdout).toMatch(/fail CLIENT-01[\s\S]+signed for 100000. Lost on the chain: 90000/);
  const file = (name: string) => readFileSync(join(folder.path, "purser-check", name), "utf8");
  const report = ReportSchema.parse(JSON.parse(file("report.json")));
  expect(report.client).toMatchObject({ mode: "client", signed: "100000", lost: "90000" });
  for (const name of ["junit.xml", "report.sarif", "report.md", "report.html"]) {
    expect(file(name)).toContain("CLIENT-01");
    expect(file(name)).toContain("--careless");
  }
});

test("one that pays nothing: exit code 2, and the key that was given stays unseen", async () => {
  const key = `0x${"42".repeat(32)}`;
  const args = ["--client", `'${process.execPath}' -e 0`, ...ONE, "--key-env", "MY_KEY"];
  const { code, stdout, stderr } = await check(args, { env: { MY_KEY: key } });
  expect(code).toBe(2);
  expect(stdout).toMatch(/cannot-assess CLIENT-01: INVALID: .+It said: nothing/);
  expect(stdout).toMatch(/It could not be judged\.\nLet the program buy from an honest shop first/);
  expect(stderr).toContain("MY_KEY");
  expect(stdout + stderr).not.toContain(key.slice(2));
});

test("a key that happens to be in the environment is not used", async () => {
  const key = `0x${"43".repeat(32)}`;
  const script = `process.stdout.write(process.env.PRIVATE_KEY === "${key}" ? "mine" : "new")`;
  const { stdout } = await check(
    ["--client", `'${process.execPath}' -e '${script}'`, ...ONE, "--json"],
    { env: { PRIVATE_KEY: key } },
  );
  const [result] = ReportSchema.parse(JSON.parse(stdout)).results;
  expect(result?.seen).toMatch(/It said: new$/);
});

describe("refused before anything starts, with exit code 2", () => {
  test.each([
    ["nothing to test", []],
    ["two things to test", ["http://127.0.0.1:1/", "--client", "node x.js"]],
    ["a client and an agent", ["--agent", "node y.js", "--client", "node x.js"]],
    ["a quote that is open", ["--client", "node 'x.js"]],
    ["a key that is none", ["--client", "node x.js", "--key-env", "BAD_KEY"]],
    ["a variable that is none", ["--client", "node x.js", "--key-env", "a=b"]],
    ["real money", ["--client", "node x.js", "--allow-mainnet"]],
    ["a body for an endpoint", ["--client", "node x.js", "-d", "{}"]],
    ["a deadline that is none", ["--client", "node x.js", "--deadline", "0"]],
    ["a case that there is not", ["--client", "node x.js", "--only", "CHAL-01"]],
  ])("%s", async (_, args) => {
    const { code } = await check(args, { env: { BAD_KEY: "0x12" } });
    expect(code).toBe(2);
  });
});
