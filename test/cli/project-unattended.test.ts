/**
 * With --non-interactive no command ever asks. Each is walked through while a person seems to be looking, so that a prompt would
 * wait for ever, in a folder without an orchestrator, one without a project, and one with; each ends with an exit code, and a refusal
 * has a code and a next step.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CommandLine, PROJECT_COMMANDS } from "../../cli/project-commands.ts";
import { openWorld, shareWorld, type World } from "../../scenarios/index.ts";
import { runCommand } from "../support/command.ts";
import { commandLine } from "../support/command-line.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary.ts";

let folder: TemporaryFolder;
let world: World;
let sharing: AsyncDisposable;
beforeAll(async () => {
  folder = temporaryFolder();
  world = await openWorld({ dir: join(folder.path, "with", ".purser", "world"), prewarm: false });
  sharing = await shareWorld(world);
}, 30_000);
afterAll(async () => {
  await sharing[Symbol.asyncDispose]();
  await world.close();
  folder[Symbol.dispose]();
});

const WORDS: Readonly<Record<string, string>> = {
  "<service>": "cloudflare/kv",
  "<resource>": "cloudflare-kv",
  "<provider>": "cloudflare",
  "<words...>": "storage",
  "<project>": "prj_of_nobody",
  "<environment>": "staging",
  "<member>": "cloudflare-kv",
  "<name>": "api-url",
  "<consent>": "con_of_nobody",
};
const wordsOf = ({ args = [] }: CommandLine) => args.flatMap(([argument]) => WORDS[argument] ?? []);
const LINES = PROJECT_COMMANDS.flatMap((line) => [
  [line.name, ...wordsOf(line)],
  ...(line.commands ?? []).map((nested) => [line.name, nested.name, ...wordsOf(nested)]),
]);

async function walk(line: readonly string[], cwd: string) {
  const options = { cwd, env: { HOME: folder.path }, interactive: true };
  const flag = line.length % 2 === 0 ? "--non-interactive" : "--no-interactive";
  const { code, stdout, stderr } = await commandLine([...line, flag], options);
  expect([0, 1, 2]).toContain(code);
  if (code === 0) return { code, refusal: undefined };
  const [, refusal] = /\(([A-Z][A-Z_]+)\)$/m.exec(stderr) ?? [];
  expect(refusal, `${line.join(" ")}: ${stdout}${stderr}`).toBeDefined();
  expect(stderr.trim().split("\n").length, "a next step").toBeGreaterThan(1);
  return { code, refusal };
}

describe.each([
  ["without an orchestrator", "without"],
  ["without a project", join("with", "bare")],
])("%s", (_, name) => {
  test.each(LINES.filter(([first]) => first !== "init").map((line) => [line.join(" "), line]))(
    "%s",
    async (_, line) => {
      const cwd = join(folder.path, name);
      mkdirSync(cwd, { recursive: true });
      await walk(line, cwd);
    },
  );
});

test("in a project, every command in turn", async () => {
  const cwd = join(folder.path, "with", "project");
  mkdirSync(cwd, { recursive: true });
  const refusals: Record<string, string | undefined> = {};
  for (const line of LINES) refusals[line.join(" ")] = (await walk(line, cwd)).refusal;
  expect(refusals).toMatchObject({
    init: undefined,
    list: undefined,
    catalog: undefined,
    "search storage": undefined,
    "add cloudflare/kv": "TOS_ACCEPTANCE_REQUIRED",
    status: undefined,
    "services list": undefined,
    env: undefined,
    "env show": undefined,
    "env create staging": "CONFIG_INVALID",
    "env use staging": "ENVIRONMENT_NOT_FOUND",
    "env update": undefined,
    "env delete staging": "ENVIRONMENT_NOT_FOUND",
    "env add cloudflare-kv": "RESOURCE_NOT_FOUND",
    "variables set api-url": "CONFIG_INVALID",
    "variables delete api-url": "VARIABLE_UNKNOWN",
    "pull prj_of_nobody": "DIRECTORY_SELECTION_REQUIRED",
    "update cloudflare-kv": "RESOURCE_NOT_FOUND",
    "billing add": undefined,
    "billing update": "CONFIG_INVALID",
    spend: undefined,
    build: "NOT_SUPPORTED",
    "switch-account": "NOT_SUPPORTED",
    "rotate cloudflare-kv": "RESOURCE_NOT_FOUND",
    "remove cloudflare-kv": "RESOURCE_NOT_FOUND",
    "link cloudflare": "TOS_ACCEPTANCE_REQUIRED",
    "unlink cloudflare": "JSON_REQUIRES_CONFIRMATION",
    "consents list": undefined,
    "consents revoke con_of_nobody": "CONSENT_UNKNOWN",
    login: undefined,
  });
});

test("a command line without what it needs is told so, with its code", async () => {
  const cwd = join(folder.path, "with", "project");
  for (const [name, nested] of LINES.map(([first = "", second = ""]) => [first, second] as const)) {
    const line = PROJECT_COMMANDS.find((one) => one.name === name);
    const inner = line?.commands?.find((one) => one.name === nested);
    const { args = [] } = inner ?? line ?? {};
    if (!args.some(([argument]) => argument.startsWith("<"))) continue;
    expect((await walk(inner ? [name, nested] : [name], cwd)).refusal).toBe("USAGE");
  }
});

test("as a process of its own with a closed stdin it ends by itself, with JSON alone on stdout", async () => {
  const cwd = join(folder.path, "with", "project");
  const ended = await runCommand(["add", "cloudflare/kv", "--json"], { cwd });
  expect(ended.code).toBe(1);
  expect(JSON.parse(ended.stdout)).toMatchObject({
    ok: false,
    error: { code: "TOS_ACCEPTANCE_REQUIRED" },
    meta: { authenticated: true, project_initialized: true },
  });
});

test.each(PROJECT_COMMANDS.map(({ name }) => name))("`%s --help` explains itself", async (name) => {
  const { code, stdout } = await commandLine([name, "--help"]);
  expect(code).toBe(0);
  expect(stdout).toMatch(new RegExp(`^Usage: purser ${name}`));
});
