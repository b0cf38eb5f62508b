/**
 * The whole path from the command line, as a person and as a program sees it. Two runs are processes, side by side, and so is every one
 * that is told to end or is killed; the others run in the test.
 */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { get, type IncomingMessage } from "node:http";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readTrace } from "../../agent/index.ts";
import type { RunResult } from "../../scenarios/index.ts";
import {
  type CommandResult,
  processesOf,
  runCommand,
  type RunningCommand,
  startCommand,
} from "../support/command.ts";
import { commandLine } from "../support/command-line.ts";
import { temporaryFolder } from "../support/temporary.ts";

const scenario = (name: string) => join(process.cwd(), "scenarios", `${name}.md`);
const timeout = 60_000;

describe("one run that stays up for a program, and one beside it for a person", () => {
  const folder = temporaryFolder();
  const { path: cwd } = folder;
  const records = join(cwd, ".purser", "runs");
  let [out, shown] = ["", ""];
  let command: RunningCommand;
  let result: RunResult;
  let person: CommandResult;
  beforeAll(async () => {
    const run = ["run", scenario("landing-page")];
    command = startCommand([...run, "--json", "--keep"], { cwd });
    [result, person] = await Promise.all([command.json<RunResult>(), runCommand(run, { cwd })]);
    out = result.record ?? "";
    shown = join(records, readdirSync(records).find((name) => name !== basename(out)) ?? "");
  }, timeout);
  afterAll(async () => {
    command.child.kill("SIGTERM");
    await command.ended;
    folder[Symbol.dispose]();
  });
  const recorded = (file: string) => readFileSync(join(shown, file), "utf8");

  test("they do not disturb each other", () => {
    expect(readdirSync(records)).toHaveLength(2);
    const results = [result, JSON.parse(recorded("result.json")) as RunResult];
    expect(results.map(({ passed }) => passed)).toEqual([true, true]);
    const ports = results.flatMap(({ world }) => Object.values(world ?? {}).map(String));
    expect(new Set(ports).size).toBe(ports.length - 1); // `[object Object]` of the providers twice.
  });

  test("no secret of the world is in its record", () => {
    const { stdout, stderr } = person;
    const files = ["trace.jsonl", "result.json", "report.html", "run.json"];
    const all = [stdout, stderr, ...files.map(recorded)].join("\n");
    for (const file of ["wallet/key", "wallet/seal", "wallet/nonce-secret", "facilitator/key"]) {
      const secret = recorded(`world/${file}`).trim().replace(/^0x/, "");
      expect(all.toLowerCase()).not.toContain(secret.toLowerCase());
    }
    expect(all).not.toMatch(/prt_[\w-]{20}|eyJ[\w-]{20}/);
  });

  test("for a person, the end tells where, what for how much, what was asked, and how long it took", () => {
    const { code, stdout, stderr } = person;
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Live {2}http:\/\/127\.0\.0\.1:\d+\/$/m);
    expect(stdout).toMatch(/cloudflare\/registrar:domain +12\.18 USDC +settled/);
    expect(stdout).toMatch(/0x[0-9a-f]{64}/);
    expect(stdout).toContain("$12.18 of the $100.00 cap");
    expect(stdout).toMatch(/terms of service.* accept/);
    expect(stdout).toMatch(/Time +world \d+\.\d\d s/);
    expect(stdout).toContain("report.html");
    expect(stdout + stderr).not.toContain("\u001B");
  });

  test("a world that cannot start is exit code 3, and says which part", async () => {
    const args = ["run", scenario("landing-page"), "--json", "--resume", out];
    const ended = await commandLine(args);
    expect(ended.code).toBe(3);
    expect(JSON.parse(ended.stdout)).toMatchObject({
      passed: false,
      outcome: "failed",
      error: { code: "WORLD_IN_USE" },
    });
  });

  test("landing-page goes live, stays up until SIGTERM, and leaves nothing running", async () => {
    expect(result).toMatchObject({
      passed: true,
      outcome: "live",
      hostname: "nimbus.dev",
      payments: [
        {
          provider: "cloudflare",
          service: "cloudflare/registrar:domain",
          amount: "12.18",
          asset: "USDC",
          network: "eip155:84532",
          state: "settled",
          transaction: expect.stringMatching(/^0x[0-9a-f]{64}$/) as string,
        },
      ],
      spent: { cloudflare: "12.18" },
      cap: { cloudflare: "100.00" },
      human: [{ kind: "terms", answer: "accept" }],
      model: "planner",
      stopReason: "finish",
    });
    expect(result.stages.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["world", "deploy", "proof"]),
    );

    const page = await (await fetch(result.url ?? "")).text();
    expect(page).toContain("Fresh beans, slow mornings");
    const sites = Number(new URL(result.url ?? "").port);
    expect(await getByHost(sites, "nimbus.dev")).toContain("Nimbus Coffee");

    command.child.kill("SIGTERM");
    expect((await command.ended).code).toBe(0);
    await expect.poll(() => processesOf(out)).toEqual([]);
    expect(readdirSync(out).sort()).toEqual(
      ["report.html", "result.json", "run.json", "trace.jsonl", "world"].sort(),
    );
    expect(JSON.parse(readFileSync(join(out, "result.json"), "utf8"))).toEqual(result);
    expect(readTrace(join(out, "trace.jsonl")).map(({ type }) => type)).toEqual(
      expect.arrayContaining([
        "run",
        "model",
        "tool",
        "human",
        "quote",
        "payment",
        "deploy",
        "outcome",
      ]),
    );
  });
});

async function getByHost(port: number, host: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  get({ host: "127.0.0.1", port, headers: { host } }, resolve).once("error", reject);
  return Buffer.concat(await (await promise).toArray()).toString();
}

test(
  "a sentence alone is enough, unattended; what was accepted for the user is told",
  { timeout },
  async () => {
    using folder = temporaryFolder();
    const sentence = "Put a landing page for Ada's Bakery on adas-bakery.com";
    const { code, stdout } = await commandLine(["run", sentence, "--json"], { cwd: folder.path });
    const result = JSON.parse(stdout) as RunResult;
    expect(result).toMatchObject({ passed: true, outcome: "live", hostname: "adas-bakery.com" });
    expect(result.human).toMatchObject([{ kind: "terms", answer: "accept" }]);
    expect(code).toBe(0);
    expect(result.record).toContain(join(folder.path, ".purser", "runs"));
    expect(existsSync(join(result.record ?? "", "report.html"))).toBe(true);
  },
);

test("refusing passes where refusing is right, and says why", { timeout }, async () => {
  using folder = temporaryFolder();
  const ended = await commandLine(["run", scenario("over-budget"), "--json"], { cwd: folder.path });
  expect(ended.code).toBe(0);
  expect(JSON.parse(ended.stdout)).toMatchObject({
    passed: true,
    outcome: "refused",
    url: null,
    payments: [],
    error: { code: "OVER_BUDGET" },
  });
});

test("--budget is the run's, whatever the scenario says", { timeout }, async () => {
  using folder = temporaryFolder();
  const args = ["run", scenario("landing-page"), "--budget", "12.17", "--json"];
  const ended = await commandLine(args, { cwd: folder.path });
  expect(ended.code).toBe(1);
  expect(JSON.parse(ended.stdout)).toMatchObject({
    passed: false,
    outcome: "refused",
    budget: "12.17",
    payments: [],
  });
});

test.each(["SIGINT", "SIGTERM"] as const)(
  "%s in the middle of a run ends it, says so, and leaves nothing running",
  { timeout },
  async (signal) => {
    using folder = temporaryFolder();
    const command = startCommand(["run", scenario("landing-page"), "--json"], { cwd: folder.path });
    await expect
      .poll(() => command.stderr(), { timeout: 20_000, interval: 5 })
      .toContain("The agent begins");
    // npm passes on the signal that the terminal has sent already.
    command.child.kill(signal);
    command.child.kill(signal);
    const { code, stdout } = await command.ended;
    const result = JSON.parse(stdout) as RunResult;
    // It may have come to its end before the signal did.
    if (!result.passed) expect(result.error?.code).toMatch(/CANCELLED|INTERRUPTED/);
    expect(code).toBe(result.passed ? 0 : 1);
    await expect.poll(() => processesOf(folder.path)).toEqual([]);
  },
);

test(
  "kill -9 of its whole process group, then the same command with --resume",
  { timeout },
  async () => {
    using folder = temporaryFolder();
    const out = join(folder.path, "out");
    const args = ["run", scenario("landing-page"), "--json"];
    const command = startCommand([...args, "--out", out], { ownGroup: true });
    await expect
      .poll(() => command.stderr(), { timeout: 20_000, interval: 1 })
      .toContain("costs $12.18");
    process.kill(-(command.child.pid ?? Number.NaN), "SIGKILL");
    await command.ended;
    const ended = await commandLine([...args, "--resume", out]);
    expect(JSON.parse(ended.stdout)).toMatchObject({
      passed: true,
      outcome: "live",
      resumed: true,
      payments: [{ amount: "12.18", state: "settled" }],
    });
  },
);
