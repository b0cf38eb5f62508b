/** The environments of a project's folder, its own variables, the sealed copy of both, and what was spent: against a real local world. */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openWorld, shareWorld, type World } from "../../scenarios/index.ts";
import { commandLine } from "../support/command-line.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary.ts";

let folder: TemporaryFolder;
let world: World;
let sharing: AsyncDisposable;
let cwd: string;
let env: Record<string, string>;
let count = 0;
beforeAll(async () => {
  folder = temporaryFolder();
  env = { HOME: join(folder.path, "home") };
  world = await openWorld({ dir: join(folder.path, ".purser", "world"), prewarm: false });
  sharing = await shareWorld(world);
}, 30_000);
afterAll(async () => {
  await sharing[Symbol.asyncDispose]();
  await world.close();
  folder[Symbol.dispose]();
});
beforeEach(async () => {
  cwd = join(folder.path, `app-${(count += 1)}`);
  mkdirSync(cwd);
  await passes("init");
});

interface Envelope {
  ok: boolean;
  data: Record<string, unknown>;
  error: { code: string; next_step: string };
  warnings: string[];
  next_steps: string[];
}

async function purser(...args: string[]): Promise<Envelope> {
  const { stdout } = await commandLine([...args, "--json"], { cwd, env });
  return JSON.parse(stdout) as Envelope;
}

async function passes(...args: string[]): Promise<Envelope> {
  const envelope = await purser(...args);
  expect(envelope, JSON.stringify(envelope)).toMatchObject({ ok: true });
  return envelope;
}

const addKv = (name: string) =>
  passes("add", "cloudflare/kv", "--name", name, "--config", `{"title":"${name}"}`, "--accept-tos");
const read = (file: string) => readFileSync(join(cwd, file), "utf8");

describe("environments", () => {
  test("each writes its own resources to its own file, and switching needs no provider", async () => {
    await addKv("live");
    const made = await passes("env", "create", "development", "--output", ".env.dev");
    expect(made.data).toMatchObject({ name: "development", active: true, resources: [] });
    expect(read(".gitignore").split("\n")).toContain(".env.dev");
    const { data } = await addKv("scratch");
    const { variables } = data["resource"] as { variables: string[] };
    expect(variables, "as they are written").toContain("SCRATCH_KV_NAMESPACE_ID");
    await passes("env", "--pull");
    expect(read(".env.dev")).toMatch(/SCRATCH_KV_NAMESPACE_ID=/);
    expect(read(".env.dev")).not.toContain("LIVE_");
    expect(statSync(join(cwd, ".env.dev")).mode & 0o077).toBe(0);
    expect(existsSync(join(cwd, ".env"))).toBe(false);

    await passes("env", "use", "default");
    await passes("env", "--pull");
    expect(read(".env")).toMatch(/LIVE_KV_NAMESPACE_ID=/);
    expect(read(".env")).not.toContain("SCRATCH_");
    expect((await passes("status")).data).toMatchObject({
      active_environment: "default",
      environments: {
        default: { output: ".env", resources: ["live"] },
        development: { output: ".env.dev", resources: ["scratch"] },
      },
      services: [
        { name: "live", environments: ["default"] },
        { name: "scratch", environments: ["development"] },
      ],
    });
    expect((await passes("env", "list")).data["environments"]).toMatchObject([
      { name: "default", active: true },
      { name: "development", active: false },
    ]);
  });

  test("which one is active is this checkout's, and what they are is shared", async () => {
    await passes("env", "create", "staging", "--output", "apps/web/.env.local");
    expect(read(".projects/state.json")).not.toContain("activeEnvironment");
    expect(JSON.parse(read(".projects/state.json"))).toMatchObject({
      environments: { staging: { output: "apps/web/.env.local" } },
    });
    writeFileSync(
      join(cwd, ".projects/state.json"),
      read(".projects/state.json").replace("staging", "renamed"),
    );
    expect((await passes("env", "show")).data, "gone, so the default").toMatchObject({
      name: "default",
    });
  });

  test("a resource is put into one and taken out again, and lives on", async () => {
    await addKv("store");
    await passes("env", "create", "ci", "--output", ".env.ci");
    expect((await passes("env", "add", "store")).data["resources"]).toEqual(["store"]);
    await passes("env", "--pull");
    expect(read(".env.ci")).toContain("STORE_KV_NAMESPACE_ID=");
    expect((await passes("env", "remove", "store")).data["resources"]).toEqual([]);
    expect((await passes("env", "--pull")).data["removed"]).toContain("STORE_KV_NAMESPACE_ID");
    expect((await passes("services")).data["services"]).toHaveLength(1);
    await addKv("store");
    expect((await passes("env", "show")).data["resources"], "adding it again is enough").toEqual([
      "store",
    ]);
    await passes("remove", "store", "--yes");
    expect((await passes("env", "show")).data["resources"]).toEqual([]);
  });

  test("renaming, another file, and deleting: the resources stay", async () => {
    await passes("env", "create", "dev", "--output", ".env.dev");
    await addKv("kept");
    await passes("env", "--pull");
    const moved = await passes("env", "update", "--name", "staging", "--output", ".env.staging");
    expect(moved.data).toMatchObject({ name: "staging", output: ".env.staging" });
    expect(moved.warnings).toEqual([expect.stringContaining(".env.dev")]);
    const again = await passes("env", "create", "staging", "--output", ".env.staging");
    expect(again.data, "making it twice is making it once").toMatchObject({ resources: ["kept"] });
    expect((await purser("env", "delete", "staging")).error.code).toBe(
      "JSON_REQUIRES_CONFIRMATION",
    );
    expect((await passes("env", "delete", "staging", "--yes")).data).toMatchObject({
      name: "default",
      active: true,
    });
    expect((await passes("services")).data["services"]).toMatchObject([{ name: "kept" }]);
  });

  test.each([
    ["no file", ["create", "a"], "CONFIG_INVALID"],
    ["a file outside of the project", ["create", "a", "--output", "../.env"], "CONFIG_INVALID"],
    ["a file of another kind", ["create", "a", "--output", "package.json"], "CONFIG_INVALID"],
    ["a file of our own", ["create", "a", "--output", ".projects/.env"], "CONFIG_INVALID"],
    ["another's file", ["create", "a", "--output", "./.env"], "ENVIRONMENT_OUTPUT_TAKEN"],
    ["a name that is none", ["create", "a b", "--output", ".env.a"], "CONFIG_INVALID"],
    ["one that is not there", ["use", "nowhere"], "ENVIRONMENT_NOT_FOUND"],
    ["the default's end", ["delete", "default", "--yes"], "NOT_SUPPORTED"],
    ["the default's name", ["update", "--name", "other"], "NOT_SUPPORTED"],
  ])("%s is refused, and nothing changes", async (_, args, code) => {
    const before = read(".projects/state.json");
    expect((await purser("env", ...args)).error.code).toBe(code);
    expect(read(".projects/state.json")).toBe(before);
  });
});

describe("the project's own variables", () => {
  test("a value is kept by the orchestrator, written under its key, and never printed", async () => {
    const set = await passes(
      "variables",
      "set",
      "api-url",
      "--env-key",
      "API_URL",
      "--value",
      "https://a b",
    );
    expect(JSON.stringify(set)).not.toContain("https://a b");
    await passes("env", "create", "production", "--output", ".env.production");
    await passes(
      "variables",
      "set",
      "api-url-live",
      "--env-key",
      "API_URL",
      "--value",
      "https://live",
    );
    const listed = await passes("variables", "list");
    expect(listed.data["variables"]).toEqual([
      expect.objectContaining({
        name: "api-url",
        has_value: true,
        bindings: [{ env_key: "API_URL", environment: "default" }],
      }),
      expect.objectContaining({
        name: "api-url-live",
        bindings: [{ env_key: "API_URL", environment: "production" }],
      }),
    ]);
    await passes("env", "--pull");
    expect(read(".env.production")).toBe("API_URL=https://live\n");
    await passes("env", "use", "default");
    await passes("env", "--pull");
    expect(read(".env")).toBe("API_URL='https://a b'\n");
    expect(read(".projects/state.json"), "no value is in the repository").not.toContain("https://");
    expect((await passes("env")).data["variables"]).toMatchObject([
      { name: "API_URL", variable: "api-url", value: "********" },
    ]);
  });

  test("it is bound under another key, unbound, and deleted from every environment", async () => {
    await passes("variables", "set", "key", "--env-key", "MAIL_KEY", "--value", "v");
    await passes("env", "create", "ci", "--output", ".env.ci");
    expect((await purser("env", "add", "key", "--variable")).error.code).toBe("CONFIG_INVALID");
    await passes("env", "add", "key", "--variable", "--env-key", "CI_KEY");
    expect((await passes("env", "show")).data["variables"]).toEqual({ CI_KEY: "key" });
    await passes("env", "remove", "key", "--variable");
    expect((await passes("env", "show")).data["variables"]).toEqual({});
    expect((await purser("variables", "delete", "key")).error.code).toBe(
      "JSON_REQUIRES_CONFIRMATION",
    );
    await passes("variables", "delete", "key", "--yes");
    expect((await purser("variables", "delete", "key", "--yes")).error.code).toBe(
      "VARIABLE_UNKNOWN",
    );
    expect(read(".projects/state.json")).not.toContain("MAIL_KEY");
  });

  test("a value comes from stdin, so that no shell remembers it; without one nobody is asked", async () => {
    const order = ["variables", "set", "token", "--env-key", "TOKEN"];
    const piped = await commandLine([...order, "--value", "-"], { cwd, env, stdin: "s3cret\n" });
    expect(piped.code).toBe(0);
    await passes("env", "--pull");
    expect(read(".env")).toBe("TOKEN=s3cret\n");
    expect(await purser(...order)).toMatchObject({
      error: { code: "VALUE_REQUIRED" },
      next_steps: ["purser variables set token --env-key TOKEN --value -"],
    });
  });

  test("a binding of the person's keeps a name that a resource has too, and says so", async () => {
    await addKv("store");
    await passes(
      "variables",
      "set",
      "mine",
      "--env-key",
      "STORE_KV_NAMESPACE_ID",
      "--value",
      "mine",
    );
    const pulled = await passes("env", "--pull");
    expect(read(".env")).toContain("STORE_KV_NAMESPACE_ID=mine\n");
    expect(pulled.warnings).toEqual([expect.stringContaining("STORE_KV_NAMESPACE_ID")]);
  });
});

describe("the vault of the folder", () => {
  test("it is sealed for this person, and writes the file again while nobody answers", async () => {
    await passes("variables", "set", "token", "--env-key", "TOKEN", "--value", "s3cret");
    await passes("env", "--refresh");
    expect(existsSync(join(cwd, ".env")), "--refresh writes no plain file").toBe(false);
    const vault = read(".projects/vault/vault.json");
    expect(vault).toContain("BEGIN AGE ENCRYPTED FILE");
    expect(vault).not.toContain("s3cret");
    expect(statSync(join(cwd, ".projects/vault/vault.json")).mode & 0o077).toBe(0);
    expect(read(".gitignore").split("\n")).toContain(".projects/vault");
    expect(statSync(join(env["HOME"] ?? "", ".config/purser/vault.key")).mode & 0o077).toBe(0);

    const gone = ["env", "--pull", "--json", "--orchestrator", "http://127.0.0.1:9"];
    const offline = { ...env, PURSER_SESSION: "x".repeat(40) };
    const elsewhere = { ...offline, HOME: join(folder.path, "another-person") };
    const refused = await commandLine(gone, { cwd, env: elsewhere });
    expect(JSON.parse(refused.stdout)).toMatchObject({
      error: { code: "ORCHESTRATOR_UNREACHABLE" },
    });
    const restored = await commandLine(gone, { cwd, env: offline });
    expect(JSON.parse(restored.stdout)).toMatchObject({
      ok: true,
      warnings: [expect.stringContaining("does not answer")],
    });
    expect(read(".env")).toBe("TOKEN=s3cret\n");
  });
});

test("`pull` sets the project up in another folder with its variables, and refuses one that has another", async () => {
  await addKv("shared");
  const { data } = await passes("status");
  const { id } = data["project"] as { id: string };
  cwd = join(folder.path, "pulled");
  mkdirSync(cwd);
  const pulled = await passes("pull", id);
  expect(pulled.data).toMatchObject({ project: { id }, output: ".env" });
  expect(read(".env")).toContain("SHARED_KV_NAMESPACE_ID=");
  expect((await passes("pull", id)).data).toMatchObject({ project: { id } });
  expect((await purser("pull", "prj_other")).error.code).toBe("DIRECTORY_SELECTION_REQUIRED");
});

test("a project that is another's is told from one that is not made yet", async () => {
  cwd = join(folder.path, "not-mine");
  mkdirSync(cwd);
  expect(await purser("pull", "prj_of_somebody")).toMatchObject({
    error: { code: "MERCHANT_MISMATCH" },
    next_steps: ["purser switch-account"],
  });
});

test("`init --from` adds the services of a shared stack, as far as the person has agreed, and goes on", async () => {
  cwd = join(folder.path, "stack");
  mkdirSync(cwd);
  const from = "https://projects.dev/s/v1:Cloudflare~kv,Cloudflare~workers%3Afree";
  const made = await passes("init", "--from", from, "--accept-tos");
  expect(made.data["added"]).toEqual(["cloudflare/workers:free", "cloudflare/kv"]);
  await passes("init", "--from", from);
  const { data } = await passes("services");
  expect(data["services"]).toHaveLength(2);
  for (const [address, code] of [
    ["https://projects.dev/s/v1:nobody~nothing", "SERVICE_UNKNOWN"],
    ["https://projects.dev/s/other", "CONFIG_INVALID"],
    ["%", "CONFIG_INVALID"],
  ] as const) {
    expect((await purser("init", "--from", address)).error.code).toBe(code);
  }
});

describe("money", () => {
  test("`billing show` says what pays and up to how much, and `billing add` that there is one", async () => {
    const shown = await passes("billing", "show");
    expect(shown.data).toMatchObject({
      payment_method: { type: "token-wallet" },
      limits: [{ provider: "cloudflare", max_amount: "100.00", recurring_interval: "month" }],
    });
    expect((await passes("billing", "add")).data).toMatchObject({ already: true });
  });

  test("a limit falls by command and rises only with the person's word on money", async () => {
    const lower = await passes("billing", "update", "--limit", "5", "--provider", "cloudflare");
    expect(lower.data).toMatchObject({ limit: { max_amount: "5.00" }, before: "100.00" });
    const raise = ["billing", "update", "--limit", "6", "--provider", "cloudflare"];
    expect(await purser(...raise, "--yes")).toMatchObject({
      error: { code: "PAYMENT_CONFIRMATION_REQUIRED" },
      next_steps: [expect.stringContaining("--confirm-paid-service")],
    });
    const raised = await passes(...raise, "--confirm-paid-service");
    expect(raised.data).toMatchObject({ limit: { max_amount: "6.00" } });
    expect((await purser("billing", "update", "--limit", "6")).error.code).toBe("NOT_SUPPORTED");
    const nowhere = await purser("billing", "update", "--limit", "6", "--provider", "nowhere");
    expect(nowhere.error.code).toBe("PROVIDER_UNKNOWN");
  });

  test("`spend` adds up what was paid, by provider", async () => {
    const order = ["add", "cloudflare/registrar:domain", "--config", '{"domain":"ada-spends.dev"}'];
    await passes(...order, "--accept-tos", "--confirm-paid-service");
    const { data } = await passes("spend", "cloudflare");
    expect(data).toMatchObject({
      currency: "usd",
      current_month: { total: "12.18", providers: [{ provider: "cloudflare", spent: "12.18" }] },
      previous_months: [],
    });
    expect((await purser("spend", "nowhere")).error.code).toBe("PROVIDER_UNKNOWN");
  });
});
