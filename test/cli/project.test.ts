/** The project commands against a real local world: what they answer, what they write, and that nothing is done twice. */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openWorld, shareWorld, type World } from "../../scenarios/index.ts";
import { commandLine } from "../support/command-line.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary.ts";

let folder: TemporaryFolder;
let world: World;
let sharing: AsyncDisposable;
beforeAll(async () => {
  folder = temporaryFolder();
  world = await openWorld({ dir: join(folder.path, ".purser", "world"), prewarm: false });
  sharing = await shareWorld(world);
}, 30_000);
afterAll(async () => {
  await sharing[Symbol.asyncDispose]();
  await world.close();
  folder[Symbol.dispose]();
});

/** A folder of its own below the world's, so that the world is found upwards. */
function projectFolder(name: string): string {
  const cwd = join(folder.path, name);
  mkdirSync(cwd, { recursive: true });
  return cwd;
}

interface Envelope {
  ok: boolean;
  command: string;
  version: string;
  data: Record<string, unknown>;
  error: { code: string; message: string; next_step: string; details: Record<string, string> };
  warnings: string[];
  next_steps: string[];
  meta: { authenticated: boolean; project_initialized: boolean };
}

async function json(args: readonly string[], cwd: string): Promise<Envelope> {
  return JSON.parse((await commandLine([...args, "--json"], { cwd })).stdout) as Envelope;
}

async function initialized(name: string): Promise<string> {
  const cwd = projectFolder(name);
  expect(await json(["init", name], cwd)).toMatchObject({ ok: true });
  return cwd;
}

function read(cwd: string, file: string): string {
  return readFileSync(join(cwd, file), "utf8");
}

test("`init` makes the project once, with its files, and keeps what is the person's", async () => {
  const cwd = projectFolder("first");
  writeFileSync(join(cwd, ".gitignore"), "node_modules");
  writeFileSync(join(cwd, "AGENTS.md"), "# Ours\n");
  const made = await json(["init"], cwd);
  expect(made).toMatchObject({
    ok: true,
    command: "init",
    version: "0.1",
    data: { project: { name: "first" }, already_initialized: false },
    warnings: [],
    meta: { authenticated: true, project_initialized: true },
  });
  expect(JSON.parse(read(cwd, ".projects/state.json"))).toMatchObject({
    version: 1,
    project: { name: "first" },
    resources: {},
  });
  expect(statSync(join(cwd, ".projects/state.local.json")).mode & 0o077).toBe(0);
  expect(read(cwd, ".gitignore")).toMatch(/^node_modules\n\.projects\/state\.local\.json\n/);
  expect(read(cwd, ".gitignore").split("\n")).toContain(".env");
  expect(read(cwd, "AGENTS.md")).toMatch(/^# Ours\n/);
  const files = ["AGENTS.md", ".gitignore", ".projects/state.json"];
  const before = files.map((file) => read(cwd, file));

  const again = await json(["init", "another-name"], cwd);
  expect(again.data).toMatchObject({ project: made.data["project"], already_initialized: true });
  expect(files.map((file) => read(cwd, file))).toEqual(before);
  const { data } = await json(["list"], cwd);
  expect(
    (data["projects"] as { name: string }[]).filter(({ name }) => name === "first"),
  ).toHaveLength(1);
});

test("an `init` whose answer was lost finds the project that it made", async () => {
  const cwd = await initialized("lost");
  const file = join(cwd, ".projects/state.local.json");
  const { project, ...rest } = JSON.parse(readFileSync(file, "utf8")) as {
    project: { id: string };
  };
  writeFileSync(file, JSON.stringify(rest));
  const { data } = await json(["init", "lost"], cwd);
  expect(data["project"]).toMatchObject({ id: project.id });
});

test("terms are the person's: without --accept-tos nothing is made, and the refusal says where they are", async () => {
  const cwd = await initialized("terms");
  // The first test that adds: an acceptance holds for all of the person's projects.
  const refused = await commandLine(["add", "cloudflare/kv", "--json"], { cwd });
  expect(refused.code).toBe(1);
  expect(JSON.parse(refused.stdout)).toMatchObject({
    ok: false,
    command: "add",
    error: {
      code: "TOS_ACCEPTANCE_REQUIRED",
      details: { provider: "cloudflare", tos_version: expect.any(String) as string },
    },
    next_steps: ["purser add cloudflare/kv --accept-tos"],
  });
  expect((await json(["services"], cwd)).data).toEqual({ services: [] });
});

describe("adding", () => {
  test("a service twice is adding it once; nothing secret is printed", async () => {
    const cwd = await initialized("adding");
    const first = await json(["add", "cloudflare/kv", "--accept-tos"], cwd);
    expect(first.data["resource"]).toMatchObject({
      name: "cloudflare-kv",
      reference: "cloudflare/kv",
      status: "complete",
      variables: expect.arrayContaining(["KV_NAMESPACE_ID"]) as string[],
    });
    const second = await json(["add", "cloudflare/kv"], cwd);
    expect(second.data).toEqual(first.data);
    const { data } = await json(["services", "list"], cwd);
    expect(data["services"]).toHaveLength(1);
    expect(JSON.parse(read(cwd, ".projects/state.json"))).toMatchObject({
      resources: {
        "cloudflare-kv": { name: "cloudflare-kv", providerName: "cloudflare", serviceId: "kv" },
      },
    });
    const token = readFileSync(join(world.dir, "control.json"), "utf8");
    const { orchestrator } = JSON.parse(token) as { orchestrator: { token: string } };
    expect(JSON.stringify([first, second, data])).not.toContain(orchestrator.token);
  });

  test.each([
    ["no JSON", ["--config", "{"], "CONFIG_INVALID"],
    ["a nested object", ["--config", '{"a":{}}'], "CONFIG_INVALID"],
    ["settings that are no JSON", ["--provider-config", "eu"], "CONFIG_INVALID"],
  ])("%s is refused before anybody is asked", async (_, flags, code) => {
    const cwd = await initialized("flags");
    expect((await json(["add", "cloudflare/kv", ...flags], cwd)).error.code).toBe(code);
  });

  test("a provider or a category is a question, and where nobody is asked its answers are named", async () => {
    const cwd = await initialized("choice");
    for (const what of ["cloudflare", "@storage"]) {
      expect(await json(["add", what], cwd)).toMatchObject({
        error: { code: "SERVICE_CHOICE_REQUIRED" },
        next_steps: expect.arrayContaining(["purser add cloudflare/kv"]) as string[],
      });
    }
  });

  test("what the catalog does not have is told by its code", async () => {
    const cwd = await initialized("unknown");
    expect((await json(["add", "cloudflare/nothing"], cwd)).error.code).toBe("SERVICE_UNKNOWN");
    expect((await json(["add", "nothing"], cwd)).error.code).toBe("PROVIDER_UNKNOWN");
  });
});

describe("the output file", () => {
  test("`env --pull` adds what is ours with mode 600 and leaves every other line", async () => {
    const cwd = await initialized("env");
    await json(["add", "cloudflare/kv", "--accept-tos"], cwd);
    const own = "# mine\nPORT=3000\nKV_NAMESPACE_TITLE=my own\n";
    writeFileSync(join(cwd, ".env"), own);
    const pulled = await json(["env", "--pull"], cwd);
    expect(pulled.data["written"]).toContain("KV_NAMESPACE_ID");
    expect(pulled.data["written"]).not.toContain("KV_NAMESPACE_TITLE");
    expect(pulled.warnings).toEqual([expect.stringContaining("KV_NAMESPACE_TITLE")]);
    const text = read(cwd, ".env");
    expect(text.startsWith(own)).toBe(true);
    expect(statSync(join(cwd, ".env")).mode & 0o077).toBe(0);
    await json(["env", "--pull"], cwd);
    expect(read(cwd, ".env"), "again, it changes nothing").toBe(text);
  });

  test("without --pull, only names are told and nothing is written", async () => {
    const cwd = await initialized("names");
    await json(["add", "cloudflare/kv", "--accept-tos"], cwd);
    const { data } = await json(["env"], cwd);
    expect(data["variables"]).toEqual(
      expect.arrayContaining([expect.objectContaining({ name: "KV_NAMESPACE_ID" })]),
    );
    expect(existsSync(join(cwd, ".env"))).toBe(false);
  });

  test("with `init --env-sync`, `add` writes it by itself", async () => {
    const cwd = projectFolder("sync");
    await json(["init", "--env-sync"], cwd);
    const added = await json(["add", "cloudflare/kv", "--accept-tos"], cwd);
    expect(added.data["env"]).toMatchObject({ file: ".env" });
    expect(read(cwd, ".env")).toContain("KV_NAMESPACE_ID=");
  });
});

test("`catalog` and `search` answer in the published shape, and from the cache when nobody answers", async () => {
  const cwd = await initialized("catalog");
  const whole = await json(["catalog"], cwd);
  expect(whole.data["services"]).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        id: expect.stringMatching(/^prvsvc_/) as string,
        provider_id: "cloudflare",
        service_id: "kv",
        pricing: { type: "free" },
      }),
    ]),
  );
  expect((await json(["search", "domain"], cwd)).data["result_count"]).toBeGreaterThan(0);
  expect(await json(["search", "no such thing"], cwd)).toMatchObject({
    data: { result_count: 0 },
    next_steps: ["purser catalog"],
  });
  expect((await json(["search", "key-value", "storage"], cwd)).data["result_count"]).toBe(1);
  for (const category of ["@storage", "storage"])
    expect((await json(["catalog", category, "--refresh"], cwd)).data["services"]).toHaveLength(1);
  const table = await commandLine(["catalog", "cloudflare"], { cwd });
  expect(table.stdout).toMatch(/cloudflare\/registrar:domain +deployable +from 10\.11 USD\/year/);

  const person = await commandLine(["catalog"], { cwd });
  expect(person.stdout).toContain("\nCategories: @auth 1, @compute 1, @domains 1, @storage 1\n");
  expect(person.stdout).toContain("`purser catalog @auth`");
  expect(table.stdout, "what is narrowed already").not.toContain("Categories");

  // What is kept is not sent again while its ETag holds, and is when it does not.
  const file = ".projects/cache/catalog.json";
  const kept = JSON.parse(read(cwd, file)) as { data: object; etag: string };
  const marked = { ...kept.data, last_updated: "kept" };
  writeFileSync(join(cwd, file), JSON.stringify({ ...kept, data: marked }));
  expect((await json(["catalog"], cwd)).data).toEqual({ ...marked, source: "cache" });
  writeFileSync(join(cwd, file), JSON.stringify({ ...kept, data: marked, etag: 'W/"other"' }));
  expect((await json(["catalog"], cwd)).data["last_updated"]).not.toBe("kept");
  expect(JSON.parse(read(cwd, file))).toMatchObject({ etag: kept.etag });

  const gone = ["--orchestrator", "http://127.0.0.1:9"];
  const env = { PURSER_SESSION: "x".repeat(40) };
  const cached = await commandLine(["search", "kv", ...gone, "--json"], { cwd, env });
  expect(JSON.parse(cached.stdout)).toMatchObject({
    ok: true,
    data: { source: "cache" },
    warnings: [expect.stringContaining("does not answer")],
  });
});

test("`status` has the published shape", async () => {
  const cwd = await initialized("status");
  await json(["add", "cloudflare/workers:free", "--accept-tos"], cwd);
  await json(["add", "cloudflare/kv"], cwd);
  const { data, next_steps } = await json(["status"], cwd);
  expect(data).toMatchObject({
    project: { name: "status", user_email: "ada@example.com" },
    active_environment: "default",
    environments: { default: { output: ".env" } },
    providers: [{ name: "cloudflare", status: "complete" }],
    services: [{ name: "cloudflare-kv", service_id: "kv", status: "complete", pricing: "free" }],
    plans: [{ service_id: "workers:free", pricing: "free" }],
    summary: { provider_count: 1, service_count: 1, plan_count: 1 },
  });
  expect(next_steps).toEqual(["purser env"]);
  const nested = join(cwd, "a", "b");
  mkdirSync(nested, { recursive: true });
  expect((await json(["status"], nested)).data["project"]).toEqual(data["project"]);
});

describe("where something is missing, the code says what", () => {
  test("no project", async () => {
    const cwd = projectFolder("none");
    const { code, stdout, stderr } = await commandLine(["status"], { cwd });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("(NO_PROJECT_CONFIG)");
    expect(stderr).toContain("purser init");
  });

  test("no orchestrator", async () => {
    using elsewhere = temporaryFolder();
    const { error, next_steps } = await json(["catalog"], elsewhere.path);
    expect(error.code).toBe("ORCHESTRATOR_UNKNOWN");
    expect(next_steps).toEqual(["purser up"]);
  });

  test("an orchestrator that is down, and one where nobody is signed in", async () => {
    using elsewhere = temporaryFolder();
    const cwd = elsewhere.path;
    const env = { HOME: cwd };
    const down = ["list", "--json", "--orchestrator", "http://127.0.0.1:9"];
    const stranger = await commandLine(down, { cwd, env });
    expect(JSON.parse(stranger.stdout)).toMatchObject({ error: { code: "BROWSER_AUTH_REQUIRED" } });
    const signedIn = { ...env, PURSER_SESSION: "x".repeat(40) };
    const unreachable = await commandLine(down, { cwd, env: signedIn });
    expect(JSON.parse(unreachable.stdout)).toMatchObject({
      error: {
        code: "ORCHESTRATOR_UNREACHABLE",
        next_step: expect.stringContaining("purser up") as string,
      },
    });
    const up = ["list", "--json", "--orchestrator", world.addresses.orchestratorUrl];
    const unknown = await commandLine(up, { cwd, env: signedIn });
    expect(JSON.parse(unknown.stdout)).toMatchObject({
      error: { code: "BROWSER_AUTH_REQUIRED" },
      next_steps: [
        `purser login --non-interactive --orchestrator ${world.addresses.orchestratorUrl}`,
      ],
      meta: { authenticated: false },
    });
  });

  test("a state that is no JSON is told, not overwritten", async () => {
    const cwd = await initialized("broken");
    const file = join(cwd, ".projects/state.json");
    writeFileSync(file, "{");
    expect((await json(["status"], cwd)).error.code).toBe("STATE_UNREADABLE");
    expect(readFileSync(file, "utf8")).toBe("{");
  });

  test("a resource that is not there, and one that could be two", async () => {
    const cwd = await initialized("which");
    await json(["add", "cloudflare/kv", "--accept-tos"], cwd);
    await json(["add", "cloudflare/kv", "--config", '{"title":"other"}', "--name", "other"], cwd);
    expect((await json(["remove", "nothing", "--yes"], cwd)).error.code).toBe("RESOURCE_NOT_FOUND");
    const { error } = await json(["remove", "cloudflare/kv", "--yes"], cwd);
    expect(error.code).toBe("RESOURCE_AMBIGUOUS");
    expect((await json(["services"], cwd)).data["services"]).toHaveLength(2);
  });

  test("a wrong command line, in the same envelope", async () => {
    const ended = await commandLine(["add", "--json"]);
    expect(ended.code).toBe(2);
    expect(JSON.parse(ended.stdout)).toMatchObject({
      ok: false,
      command: "add",
      error: { code: "USAGE" },
    });
  });
});

test("what a service must be configured with is asked for by name, before a price is, and a preflight says the same", async () => {
  const cwd = await initialized("unconfigured");
  const order = ["add", "cloudflare/registrar:domain"];
  const { error } = await json(order, cwd);
  expect(error).toMatchObject({
    code: "INPUT_INVALID",
    message: `cloudflare/registrar:domain cannot be had with this configuration: "domain" is missing.`,
    next_step: `Give what it takes with --config, such as --config '{"domain":"…"}'.`,
  });
  const looked = await commandLine([...order, "--preflight", "--json"], { cwd });
  expect(JSON.parse(looked.stdout)).toContainEqual(
    expect.objectContaining({
      code: "INPUT_INVALID",
      remedy: expect.stringContaining(`"domain" is missing`) as string,
    }),
  );
  const wrong = await json([...order, "--config", '{"domain":"not a name"}'], cwd);
  expect(wrong.error).toMatchObject({
    code: "INPUT_INVALID",
    message: expect.stringContaining(`"domain": `) as string,
  });
  const unsold = await json([...order, "--config", '{"domain":"ada.museum"}'], cwd);
  expect(unsold.error).toMatchObject({
    code: "PRICE_UNKNOWN",
    message: expect.stringContaining("cloudflare/registrar:domain") as string,
  });
});

test.each([
  [
    "a name that no resource can have",
    ["add", "cloudflare/kv", "--name", "a b"],
    "CONFIG_INVALID",
    "letter",
  ],
  ["a provider that there is not", ["add", "kv"], "PROVIDER_UNKNOWN", "`purser catalog`"],
  ["a service that there is not", ["add", "cloudflare/no"], "SERVICE_UNKNOWN", "`purser catalog`"],
])("%s is refused with what can be typed instead", async (_, line, code, hint) => {
  const { error } = await json(line, await initialized("typed"));
  expect(error).toMatchObject({ code, next_step: expect.stringContaining(hint) as string });
});

test("`init` of another name in a project's folder, or below it, says that it made none", async () => {
  const cwd = join(await initialized("settled"), "deep");
  mkdirSync(cwd);
  const { data, warnings } = await json(["init", "another"], cwd);
  expect(data).toMatchObject({ already_initialized: true, project: { name: "settled" } });
  expect(warnings).toEqual([expect.stringContaining('No project "another" was made')]);
});

test("while the local world is closed, `env --pull` writes what was pulled last, and says so", async () => {
  const cwd = await initialized("closed");
  const env = { HOME: cwd };
  await commandLine(["variables", "set", "k", "--env-key", "K", "--value", "v"], { cwd, env });
  expect((await commandLine(["env", "--refresh"], { cwd, env })).code).toBe(0);
  await sharing[Symbol.asyncDispose]();
  try {
    const { code, stderr } = await commandLine(["env", "--pull"], { cwd, env });
    expect([code, stderr]).toEqual([0, expect.stringContaining("does not answer")]);
    expect(read(cwd, ".env")).toBe("K=v\n");
  } finally {
    sharing = await shareWorld(world);
  }
});

test("a domain is bought once, for the catalog's price, when the person agrees to that", async () => {
  const cwd = await initialized("domain");
  const order = ["add", "cloudflare/registrar:domain", "--config", '{"domain":"ada-buys.dev"}'];
  const refused = await json([...order, "--accept-tos", "--yes"], cwd);
  expect(refused).toMatchObject({
    ok: false,
    error: { code: "PAYMENT_CONFIRMATION_REQUIRED", details: { amount: "12.18", currency: "usd" } },
    next_steps: [expect.stringContaining("--confirm-paid-service")],
  });
  expect((await json(["status"], cwd)).data["purchases"]).toEqual([]);

  const bought = await json([...order, "--confirm-paid-service"], cwd);
  expect(bought.data["purchase"]).toMatchObject({ amount: "12.18", state: "settled" });
  const again = await json(order, cwd);
  expect(again.data["purchase"]).toEqual(bought.data["purchase"]);
  const { data } = await json(["status"], cwd);
  expect(data["purchases"]).toHaveLength(1);
  expect(data["spend"]).toMatchObject([{ provider: "cloudflare", spent: "12.18" }]);
});
