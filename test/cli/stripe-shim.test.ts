/**
 * An agent skill that was written for `stripe projects` works unchanged, in a shell, with the shim on the PATH: the published steps
 * (version, plugin, search, preflight, init, the installed skill, add, env, variables, status, billing) against a real local world. What
 * makes something is typed into the shell; what looks at it runs in this process.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { translate } from "../../cli/stripe-words.ts";
import { openWorld, shareWorld, type World } from "../../scenarios/index.ts";
import { PROGRAM_ENV } from "../support/command.ts";
import { commandLine } from "../support/command-line.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary.ts";

let folder: TemporaryFolder;
let world: World;
let sharing: AsyncDisposable;
let cwd = "";
let path = "";
beforeAll(async () => {
  folder = temporaryFolder();
  world = await openWorld({ dir: join(folder.path, ".purser", "world"), prewarm: false });
  sharing = await shareWorld(world);
  cwd = join(folder.path, "app");
  mkdirSync(cwd);
  // The shim belongs to a project: here to one in another folder.
  const home = join(folder.path, "shim");
  mkdirSync(home);
  await commandLine(["init", "--stripe-shim", "--skip-skills"], { cwd: home });
  path = `${join(home, ".projects", "bin")}:${process.env["PATH"] ?? ""}`;
}, 30_000);
afterAll(async () => {
  await sharing[Symbol.asyncDispose]();
  await world.close();
  folder[Symbol.dispose]();
});

const sh = promisify(execFile);

async function shell(line: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const options = { cwd, env: { ...PROGRAM_ENV, PATH: path, HOME: folder.path } };
  return sh("sh", ["-c", line], options).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
}

/** The same without a process: what the shim makes of the line, and the program under its name. */
async function stripe(line: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const meaning = translate(line.split(" "), "0.0.0");
  if (!("argv" in meaning)) return { code: meaning.code, stdout: meaning.text, stderr: "" };
  const env = { HOME: folder.path };
  return commandLine(meaning.argv, { cwd, env, tool: "stripe projects" });
}

test(
  "a published skill's session, from `which stripe` to the variables",
  { timeout: 60_000 },
  async () => {
    const version = await shell("which stripe && stripe --version");
    expect(version.stdout).toMatch(/\.projects\/bin\/stripe\nstripe version 1\.\d+\.\d+ /);
    expect((await stripe("plugin install projects")).code).toBe(0);

    const before = await shell("stripe projects status --json");
    expect(before.code).not.toBe(0);
    expect(JSON.parse(before.stdout)).toMatchObject({
      ok: false,
      command: "projects status",
      version: "0.1",
      error: {
        code: "NO_PROJECT_CONFIG",
        message: expect.stringContaining("initialized") as string,
      },
      meta: { project_initialized: false },
    });
    const found = JSON.parse((await stripe("projects search storage --json")).stdout) as {
      data: { result_count: number };
    };
    expect(found.data.result_count).toBeGreaterThan(0);

    const preflight = await stripe("projects init --preflight --json");
    expect(JSON.parse(preflight.stdout)).toEqual([
      expect.objectContaining({ pass: true, code: "BROWSER_AUTH_REQUIRED" }),
    ]);
    expect(await shell("stripe projects init --accept-tos --yes")).toMatchObject({ code: 0 });
    const skill = await shell(
      'test -f .claude/skills/stripe-projects-cli/SKILL.md && echo "OK" || echo "MISSING"',
    );
    expect(skill.stdout).toBe("OK\n");

    expect((await stripe("projects llm-context")).stdout).toContain("cloudflare/kv");
    const catalog = await stripe("projects catalog cloudflare --json --testmode=false");
    expect(JSON.parse(catalog.stdout)).toMatchObject({
      ok: true,
      data: { provider: { name: "Cloudflare" } },
    });
    const refused = await stripe("projects add cloudflare/kv --name store --json");
    expect(JSON.parse(refused.stdout)).toMatchObject({
      error: { code: "TOS_ACCEPTANCE_REQUIRED" },
      next_steps: ["stripe projects add cloudflare/kv --name store --accept-tos"],
    });
    const added = await shell(
      "stripe projects add cloudflare/kv --name store --accept-tos --yes --non-interactive",
    );
    expect(added).toMatchObject({ code: 0 });
    expect(added.stdout).toContain("KV_NAMESPACE_ID");
    // As published, `add` keeps the file of variables in step by itself.
    expect(statSync(join(cwd, ".env")).mode & 0o077).toBe(0);
    expect((await stripe("projects env --pull --json")).code).toBe(0);
    for (const line of [
      "env create staging --output .env.staging",
      "env add store",
      "variables set api-url --env-key API_URL --value https://staging.example",
    ]) {
      expect(await stripe(`projects ${line} --yes`), line).toMatchObject({ code: 0 });
    }
    // Neither a membership nor a variable needs an `env --pull` of its own.
    expect(readFileSync(join(cwd, ".env.staging"), "utf8")).toMatch(
      /STORE_KV_NAMESPACE_ID=[^]*API_URL=/,
    );
    expect(JSON.parse((await stripe("projects variables list --json")).stdout)).toMatchObject({
      command: "projects variables list",
      data: { variables: [{ name: "api-url" }] },
    });
    for (const line of ["env use default", "billing show", "spend --json", "env --pull --combined"])
      expect(await stripe(`projects ${line} --debug`), line).toMatchObject({ code: 0 });
    expect(JSON.parse((await shell("stripe projects show --json")).stdout)).toMatchObject({
      command: "projects status",
      data: { services: [{ service_id: "kv" }], summary: { service_count: 1 } },
    });
  },
);

test("without being asked for, no `stripe` is written", async () => {
  const plain = join(folder.path, "plain");
  mkdirSync(plain);
  expect((await commandLine(["init", "--json"], { cwd: plain })).code).toBe(0);
  expect(existsSync(join(plain, ".projects", "bin"))).toBe(false);
});

test.each([
  [["projects", "add", "a/b", "--testmode=false"], { argv: ["add", "a/b"] }],
  [["provision", "a/b", "--json"], { argv: ["add", "a/b", "--json"] }],
  [["projects", "show"], { argv: ["status"] }],
  [["projects"], { argv: ["--help"] }],
  [["login", "--non-interactive"], { argv: ["login", "--non-interactive"] }],
  [["listen"], { code: 2 }],
  [[], { code: 0 }],
])("%j", (argv, meaning) => {
  expect(translate(argv, "0")).toMatchObject(meaning);
});
