/**
 * The life of resources from the command line, at a provider made with the kit, with real payments on a real chain: prices, plans, changes,
 * credentials, removal, each by the resource's immutable id.
 */
import type { ChildProcess } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { untilReady } from "../../cli/project/pending.ts";
import { PLAIN } from "../../cli/terminal.ts";
import { OrchestratorClient, Secret, type Resource } from "../../protocol/index.ts";
import { openBrowser } from "../provider/browser.ts";
import { type GreenhouseWorld, openGreenhouseWorld } from "../orchestrator/greenhouse-world.ts";
import { endPeriod } from "../orchestrator/end-period.ts";
import { openDatabase } from "../../store/index.ts";
import { openChaosProxy } from "../support/chaos-proxy.ts";
import { startCommand } from "../support/command.ts";
import { HAS_TERMINAL, startInTerminal } from "../support/terminal-command.ts";
import { commandLine } from "../support/command-line.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary.ts";

let world: GreenhouseWorld;
let folder: TemporaryFolder;
let env: Record<string, string>;
let adas: Record<string, string>;
let cwd: string;
let count = 0;
beforeAll(async () => {
  world = await openGreenhouseWorld();
  folder = temporaryFolder();
  const expiresAt = Date.now() + 60 * 60 * 1000;
  const session = world.server.orchestrator.startSession({ agent: "cli", expiresAt });
  adas = { PURSER_ORCHESTRATOR: world.server.url, PURSER_SESSION: session.reveal() };
}, 30_000);
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});
beforeEach(async () => {
  world.opened.mood = "well";
  world.faults.clear();
  world.lies.clear();
  env = adas;
  cwd = join(folder.path, `garden-${(count += 1)}`);
  mkdirSync(cwd);
  await passes("init");
});

interface Envelope {
  ok: boolean;
  data: { resource: { id: string; name: string; reference: string }; [key: string]: unknown };
  error: { code: string; details: Record<string, string> };
  next_steps: string[];
  warnings: string[];
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

/** The provider wants its device's code asked after only so often. */
function sayInterval(seconds: number): void {
  type Asked = { requires_auth?: { device?: object } };
  world.lies.set("account_requests", (truth) => {
    const { requires_auth: auth } = truth as Asked;
    if (!auth?.device) return truth;
    return { ...truth, requires_auth: { ...auth, device: { ...auth.device, interval: seconds } } };
  });
}

/** From here on the person is one of whom nobody has heard, unless by another's address. */
async function beNew(name: string, email = `${name}@example.com`) {
  const user = { id: `usr_${name}`, email, name, emailVerified: true };
  const expiresAt = Date.now() + 60 * 60 * 1000;
  const session = world.server.orchestrator.startSession({ agent: "cli", user, expiresAt });
  env = { ...env, PURSER_SESSION: session.reveal() };
  cwd = join(folder.path, name);
  mkdirSync(cwd);
  await passes("init");
  return user;
}

const added = async (...args: string[]) =>
  (await passes("add", ...args, "--accept-tos", "--confirm-paid-service")).data.resource;

test("a price is told before it is paid, and paid once however often it is added", async () => {
  const before = await world.spent();
  const refused = await purser("add", "greenhouse/pot:large", "--accept-tos", "--yes");
  expect(refused).toMatchObject({
    ok: false,
    error: {
      code: "PAYMENT_CONFIRMATION_REQUIRED",
      details: { amount: "20.00", interval: "month", service: "greenhouse/pot:large" },
    },
    next_steps: ["purser add greenhouse/pot:large --accept-tos --yes --confirm-paid-service"],
  });
  expect(await world.spent()).toBe(before);
  const first = await added("greenhouse/pot:large");
  const second = await passes("add", "greenhouse/pot:large");
  expect(second.data.resource).toEqual(first);
  expect((await world.spent()) - before).toBe(20_000_000n);
});

test("a provider's own words on why it refuses are told as its own, and a purchase by the resource's name", async () => {
  const { name } = await added("greenhouse/pot:large", "--name", "oak");
  const refused = await commandLine(["update", name, "--config", '{"note":"x"}'], { cwd, env });
  expect(refused.stderr).toMatch(/greenhouse says: ".+"/);
  const { stdout } = await commandLine(["status"], { cwd, env });
  expect(stdout).toMatch(/^pot:large +oak +20\.00 +settled$/m);
  expect(stdout).toMatch(/^oak +greenhouse\/pot:large +complete +res_\w+ +20\.00 USD\/month +20/m);
});

test("`--preflight` says what stands in the way, and does nothing", async () => {
  const looked = await commandLine(["add", "greenhouse/pot:large", "--preflight", "--json"], {
    cwd,
    env,
  });
  expect(looked.code).toBe(1);
  const checks = JSON.parse(looked.stdout) as { pass: boolean; code?: string; remedy?: string }[];
  expect(checks.filter(({ pass }) => !pass)).toEqual([
    expect.objectContaining({
      code: "PAYMENT_CONFIRMATION_REQUIRED",
      remedy: expect.stringContaining("--confirm-paid-service") as string,
    }),
  ]);
  expect((await passes("services")).data["services"]).toEqual([]);
  const flags = ["--preflight", "--accept-tos", "--confirm-paid-service"];
  expect((await commandLine(["add", "greenhouse/pot:large", ...flags], { cwd, env })).code).toBe(0);
});

test("an upgrade is paid at its quote, a downgrade is free, and both keep the id and the name", async () => {
  const before = await world.spent();
  const { id, name } = await added("greenhouse/pot:small", "--name", "fern");
  expect(name).toBe("fern");
  expect((await purser("upgrade", "fern")).error.code).toBe("PAYMENT_CONFIRMATION_REQUIRED");
  const up = await passes("upgrade", "fern", "--confirm-paid-service");
  expect(up.data.resource).toMatchObject({ id, name, reference: "greenhouse/pot:large" });
  const down = await passes("downgrade", id);
  expect(down.data.resource).toMatchObject({ id, name, reference: "greenhouse/pot:small" });
  expect((await world.spent()) - before).toBe(20_000_000n);
  const nowhere = await purser("downgrade", "fern");
  expect(nowhere.error.code).toBe("SERVICE_CHOICE_REQUIRED");
});

test("rotating asks first, and the new value takes the old one's place in the file", async () => {
  const { id } = await added("greenhouse/pot:small", "--name", "fern");
  writeFileSync(join(cwd, ".env"), "# mine\nPORT=1\n");
  await passes("env", "--pull");
  const before = readFileSync(join(cwd, ".env"), "utf8");
  expect((await purser("rotate", "fern")).error.code).toBe("JSON_REQUIRES_CONFIRMATION");
  await passes("rotate", id, "--yes");
  await passes("env", "--pull");
  const after = readFileSync(join(cwd, ".env"), "utf8");
  expect(before).toMatch(/^# mine\nPORT=1\n/);
  expect(after).toBe(before.replace(/FERN_KEY=.*/, "FERN_KEY=another"));
  const { stdout } = await commandLine(["env", "--reveal"], { cwd, env });
  expect(stdout).toContain("FERN_KEY=another");
  const hidden = await commandLine(["env"], { cwd, env });
  expect(hidden.stdout).not.toContain("another");
});

test("removing is by id, once, leaves siblings their names, and takes the variables out of the file", async () => {
  const one = await added("greenhouse/pot:small", "--name", "one");
  const two = await added("greenhouse/pot:small", "--name", "two");
  await passes("env", "--pull");
  expect((await purser("remove", "one")).error.code).toBe("JSON_REQUIRES_CONFIRMATION");
  expect((await purser("remove", "greenhouse/pot:small", "--yes")).error.code).toBe(
    "RESOURCE_AMBIGUOUS",
  );
  await passes("remove", one.id, "--yes");
  expect((await purser("remove", one.id, "--yes")).error.code).toBe("RESOURCE_NOT_FOUND");
  expect((await passes("services")).data["services"]).toMatchObject([{ id: two.id, name: "two" }]);
  expect((await passes("env", "--pull")).data["removed"]).toEqual(
    expect.arrayContaining(["ONE_KEY"]),
  );
  expect(readFileSync(join(cwd, ".env"), "utf8")).not.toContain("ONE_");
  const again = await added("greenhouse/pot:small", "--name", "one");
  expect(again.id).not.toBe(one.id);
});

test("what a provider asks is told with its schema, and given with --resource-info", async () => {
  const asked = await purser("add", "greenhouse/grafted", "--accept-tos");
  expect(asked.error).toMatchObject({
    code: "INFORMATION_REQUIRED",
    details: { schema: expect.stringContaining("kind") as string },
  });
  const { resource_id: id = "" } = asked.error.details;
  const info = ["--resource-info", '{"kind":"oak"}'];
  const made = await passes("add", "greenhouse/grafted", "--resource-id", id, ...info);
  expect(made.data.resource).toMatchObject({ id, status: "complete" });
});

test("what the account has already is taken in with --existing", async () => {
  await passes("link", "greenhouse", "--accept-tos");
  const info = ["--resource-info", '{"kind":"elm"}'];
  const taken = await passes("add", "greenhouse/grafted", "--existing", ...info);
  expect(taken.data.resource).toMatchObject({ status: "complete" });
});

test("`link`, `open` and `unlink`: the account, its dashboard once, and the link given up", async () => {
  expect((await purser("open", "greenhouse")).error.code).toBe("PROVIDER_NOT_LINKED");
  const linked = await passes("link", "greenhouse", "--accept-tos");
  expect(linked.data).toMatchObject({ provider: "greenhouse", status: "active" });
  const opened = await passes("open", "greenhouse");
  expect(opened.data).toMatchObject({ url: expect.stringMatching(/^http/) as string });
  expect((await purser("unlink", "greenhouse")).error.code).toBe("JSON_REQUIRES_CONFIRMATION");
  const unlinked = await passes("unlink", "greenhouse", "--yes");
  expect(unlinked).toMatchObject({ data: { told: true }, warnings: [], next_steps: [] });
  expect((await passes("status")).data["providers"]).toEqual([]);
});

test("a provider that is down when its link is given up: the command says that it has not heard of it, and what tells it later", async () => {
  await beNew("faye");
  await passes("link", "greenhouse", "--accept-tos");
  world.faults.set("unlink", "broken");
  const unheard = await passes("unlink", "greenhouse", "--yes");
  expect(unheard).toMatchObject({
    data: { unlinked: true, told: false },
    warnings: [expect.stringContaining("greenhouse could not be told")],
    next_steps: ["purser link greenhouse"],
  });
  world.faults.clear();
  await passes("link", "greenhouse");
  expect((await passes("unlink", "greenhouse", "--yes")).data["told"]).toBe(true);
  expect((await purser("link", "greenhouse")).error.code).toBe("BROWSER_AUTH_REQUIRED");
  await consent((await purser("link", "greenhouse")).error.details["browser_url"] ?? "");
  const link = await passes("link", "greenhouse");
  expect(link.warnings).toEqual([]);

  for (const call of ["unlink", "revoke"]) world.faults.set(call, "down");
  const [own] = (await passes("consents")).data["consents"] as { id: string }[];
  expect(await passes("consents", "revoke", own!.id, "--yes")).toMatchObject({
    data: { told: false },
    warnings: [expect.stringMatching(/could not be told.*purser open greenhouse/)],
    next_steps: ["purser open greenhouse"],
  });
});

test("`consents`: what each agent may do, taken back one scope and one agent at a time, and the others go on", async () => {
  await passes("link", "greenhouse", "--accept-tos");
  const expiresAt = Date.now() + 60 * 60 * 1000;
  const agent = `gardener-${count}`;
  const session = world.server.orchestrator.startSession({ agent, expiresAt });
  const its = { cwd, env: { ...env, PURSER_SESSION: session.reveal() } };
  const gardener = async (...args: string[]) =>
    JSON.parse((await commandLine([...args, "--json"], its)).stdout) as Envelope;
  await consent((await gardener("link", "greenhouse")).error.details["browser_url"] ?? "");
  expect(await gardener("link", "greenhouse")).toMatchObject({ ok: true });
  const held = async () => {
    const { data } = await passes("consents");
    return data["consents"] as { id: string; agent: string; scopes: string[] }[];
  };
  const [own, other] = await held();
  expect([own, other]).toMatchObject([
    { agent: "cli", scopes: ["account"] },
    { agent, provider: "greenhouse", scopes: ["account"] },
  ]);
  const { stdout } = await commandLine(["consents"], { cwd, env });
  expect(stdout).toMatch(new RegExp(`${agent} +greenhouse +account +${other!.id}`));

  const narrow = ["consents", "revoke", other!.id, "--scope", "payments"];
  expect(await purser(...narrow)).toMatchObject({
    error: { code: "JSON_REQUIRES_CONFIRMATION" },
    next_steps: [`purser ${narrow.join(" ")} --yes`],
  });
  expect(await held()).toHaveLength(2);
  expect((await passes(...narrow, "--yes")).data["consent"]).toMatchObject({ revoked_at: null });
  const narrowed = (await held())[1]!;
  expect(narrowed).toMatchObject({ agent, scopes: ["resources", "credentials"] });
  expect(await gardener("add", "greenhouse/pot:small")).toMatchObject({ ok: true });
  const paid = ["add", "greenhouse/seed", "--confirm-paid-service"];
  expect((await gardener(...paid)).error.code).toBe("SCOPE_MISSING");
  const revoke = ["consents", "revoke", narrowed.id, "--yes"];
  expect((await purser(...revoke, "--scope", "payments")).error.code).toBe("SCOPE_MISSING");
  expect((await purser(...revoke, "--scope", "everything")).error.code).toBe("CONFIG_INVALID");

  expect(await passes(...revoke)).toMatchObject({ data: { told: true }, warnings: [] });
  expect(await held()).toEqual([own]);
  const order = ["add", "greenhouse/pot:small", "--name", "fern"];
  expect((await gardener(...order)).error.code).toBe("AGENT_NOT_ADMITTED");
  await passes(...order);
  expect(await purser(...revoke)).toMatchObject({
    error: { code: "CONSENT_UNKNOWN" },
    next_steps: ["purser consents"],
  });
});

test("a new account is set up as the person says, one that exists stays as it is, and what it does not take is refused", async () => {
  const user = await beNew("eve");
  const order = ["add", "greenhouse/pot:small", "--accept-tos", "--provider-config"];
  for (const wrong of ['{"climate":"wet"}', '{"beds":10}', '{"beds":"many"}'])
    expect((await purser(...order, wrong)).error.code).toBe("INPUT_INVALID");
  const climate = async (config: string) =>
    JSON.parse(
      (await commandLine([...order, config, "--preflight", "--json"], { cwd, env })).stdout,
    ) as { label: string; pass: boolean }[];
  const label = "Settings of the account";
  expect(await climate('{"climate":"wet"}')).toContainEqual(
    expect.objectContaining({ label, pass: false, code: "INPUT_INVALID" }),
  );
  expect(await climate('{"climate":"warm"}')).toContainEqual({ label, pass: true });
  const made = await passes(...order, '{"climate":"warm","beds":3}');
  expect(made.warnings).toEqual([]);
  const settings = () => world.opened.accounts.findByEmail(user.email)?.configuration;
  expect(settings()).toEqual({ climate: "warm", beds: "3" });
  const linked = await passes("link", "greenhouse", "--config", '{"climate":"cold"}');
  expect(linked.warnings).toEqual([expect.stringContaining("was there already")]);
  expect(settings()).toEqual({ climate: "warm", beds: "3" });
  expect((await passes("catalog", "greenhouse")).data["services"]).toContainEqual(
    expect.objectContaining({
      provider_configuration_schema: expect.objectContaining({ type: "object" }) as object,
    }),
  );
});

test("an account that another user has: `add` and `link` say where its owner consents, and go on afterwards", async () => {
  await added("greenhouse/pot:small");
  const user = { id: "usr_bob", email: "ADA@example.com", name: "Bob", emailVerified: true };
  const expiresAt = Date.now() + 60 * 60 * 1000;
  const session = world.server.orchestrator.startSession({ agent: "cli", user, expiresAt });
  const his = { cwd: join(folder.path, "bob"), env: { ...env, PURSER_SESSION: session.reveal() } };
  mkdirSync(his.cwd);
  const bobs = async (...args: string[]) =>
    JSON.parse((await commandLine([...args, "--json"], his)).stdout) as Envelope;
  await bobs("init");
  for (const line of [
    ["add", "greenhouse/pot:small", "--accept-tos"],
    ["link", "greenhouse"],
  ]) {
    expect(await bobs(...line)).toMatchObject({
      ok: false,
      error: { code: "BROWSER_AUTH_REQUIRED", details: { next_step: "purser link greenhouse" } },
      next_steps: ["purser link greenhouse"],
    });
  }
  const { details } = (await bobs("link", "greenhouse")).error;
  expect(details["verification_code"]).toMatch(/\w{4}/);
  await consent(details["browser_url"] ?? "");
  expect(await bobs("link", "greenhouse")).toMatchObject({ ok: true, data: { status: "active" } });
});

test.each([
  "reset before it is forwarded",
  "forwarded, and the answer dropped",
  "half of the answer's body",
  "a 500 after it was carried out",
] as const)(
  "when the answer is lost (%s), the same command again pays once and makes one",
  async (fault) => {
    let calls = 0;
    await using proxy = await openChaosProxy({
      target: world.server.url,
      seed: 1,
      // The first call hears the price, the second one pays it.
      applies: (head) => /^POST \S+\/resources /.test(head) && (calls += 1) === 2,
    });
    await passes("link", "greenhouse", "--accept-tos");
    const before = await world.spent();
    const order = ["add", "greenhouse/seed", "--confirm-paid-service", "--json"];
    proxy.fault = fault;
    const through = { cwd, env: { ...env, PURSER_ORCHESTRATOR: proxy.url } };
    const lost = JSON.parse((await commandLine(order, through)).stdout) as Envelope;
    expect(lost.ok).toBe(false);
    expect(lost.error.code).toMatch(/^ORCHESTRATOR_(UNREACHABLE|ANSWER_INVALID)$/);
    expect(proxy.hits).toBe(1);
    const [made, again] = [
      JSON.parse((await commandLine(order, through)).stdout) as Envelope,
      await passes(...order.slice(0, -1)),
    ];
    expect(again.data.resource).toEqual(made.data.resource);
    expect((await passes("services")).data["services"]).toHaveLength(1);
    expect((await world.spent()) - before).toBe(2_000_000n);
  },
);

test("a provider that fails at one reading of what it is making is asked again, and is paid once", async () => {
  const before = await world.spent();
  world.opened.mood = "pending";
  let reads = 0;
  world.faults.set("reading", () => {
    world.opened.mood = "well";
    return (reads += 1) === 1 ? "broken" : undefined;
  });
  expect(await added("greenhouse/pot:large")).toMatchObject({ status: "complete" });
  expect(reads).toBe(2);
  expect((await world.spent()) - before).toBe(20_000_000n);
});

test("where it fails until time is over, that is told with what to do, and the same command ends it, paid once", async () => {
  const before = await world.spent();
  world.opened.mood = "pending";
  await passes("link", "greenhouse", "--accept-tos");
  const client = new OrchestratorClient({
    url: world.server.url,
    token: new Secret(adas["PURSER_SESSION"]!),
    fetch,
    signal: AbortSignal.timeout(30_000),
  });
  const projects = await client.projects();
  const project = projects.find(({ name }) => name === `garden-${count}`)!.id;
  const quoted = { service: "greenhouse/pot:large", idempotency_key: "x", configuration: {} };
  const refused = await purser("add", "greenhouse/pot:large");
  const quote = refused.error.details["quote_id"]!;
  const pending: Resource = await client.add(project, { ...quoted, quote });
  world.faults.set("reading", "broken");
  const terminal = {
    out: () => undefined,
    note: () => undefined,
    paint: PLAIN,
    interactive: false,
  };
  const surroundings = {
    terminal,
    json: true,
    env,
    cwd,
    signal: new AbortController().signal,
    startedAt: 0,
  };
  const patience = { longestMs: 60, stepMs: 20 };
  await expect(
    untilReady({ surroundings }, client, project, pending, patience),
  ).rejects.toMatchObject({
    code: "PROVIDER_UNAVAILABLE",
    nextStep: expect.stringMatching(/the same call can be repeated/) as string,
  });
  world.faults.clear();
  expect(await untilReady({ surroundings }, client, project, pending, patience)).toMatchObject({
    status: "pending",
  });
  world.opened.mood = "well";
  expect(await added("greenhouse/pot:large")).toMatchObject({ id: pending.id, status: "complete" });
  expect((await world.spent()) - before).toBe(20_000_000n);
});

test("a renewal that failed is told, and `renew` pays it once, though its answer was lost", async () => {
  const { id } = await added("greenhouse/pot:large");
  endPeriod(world, { id }, 0);
  {
    using db = openDatabase(join(world.dir, "orchestrator", "orchestrator.db"));
    db.run("UPDATE resource SET agreed = '19.99' WHERE id = ?", id);
  }
  await world.server.orchestrator.renewDue();
  for (const [list, ...words] of [
    ["plans", "status"],
    ["services", "services", "list"],
  ] as const) {
    const { data, warnings, next_steps } = await passes(...words);
    expect(data[list]).toMatchObject([
      { id, billing: { renewal_problem: "RENEWAL_ABOVE_AGREED" } },
    ]);
    expect(warnings[0]).toContain("could not be paid: RENEWAL_ABOVE_AGREED");
    expect(next_steps[0]).toBe(`purser renew ${id}`);
  }
  const shown = await commandLine(["status"], { cwd, env });
  expect(shown.stdout).toContain("not renewed (RENEWAL_ABOVE_AGREED)");
  expect(await purser("renew", id, "--yes")).toMatchObject({
    error: { code: "PAYMENT_CONFIRMATION_REQUIRED", details: { amount: "20.00" } },
    next_steps: [`purser renew ${id} --confirm-paid-service`],
  });
  let calls = 0;
  await using proxy = await openChaosProxy({
    target: world.server.url,
    seed: 1,
    // The first call hears the price, the second one pays it.
    applies: (head) => /^POST \S+\/renew /.test(head) && (calls += 1) === 2,
  });
  proxy.fault = "forwarded, and the answer dropped";
  const before = await world.spent();
  const renew = ["renew", id, "--confirm-paid-service"];
  const through = { cwd, env: { ...env, PURSER_ORCHESTRATOR: proxy.url } };
  const lost = JSON.parse((await commandLine([...renew, "--json"], through)).stdout) as Envelope;
  expect([lost.error.code, proxy.hits]).toEqual(["ORCHESTRATOR_UNREACHABLE", 1]);
  const renewed = await passes(...renew);
  expect(renewed.data.resource).not.toHaveProperty("billing.renewal_problem");
  expect((await world.spent()) - before).toBe(20_000_000n);
  expect((await passes("status")).warnings).toEqual([]);
});

test("what is not billed by the period has nothing to renew", async () => {
  const { id } = await added("greenhouse/pot:small");
  expect(await purser("renew", id)).toMatchObject({ error: { code: "RENEWAL_NOT_NEEDED" } });
});

test.each([
  ["--untrack", "its provider keeps", []],
  ["--only-credentials", "good until they are rotated", [{ variables: ["PLANT"] }]],
])("`remove %s` leaves the resource at its provider, and says so", async (flag, says, services) => {
  const { id } = await added("greenhouse/pot:small");
  await passes("env", "--pull");
  const key = () => /^KEY=/m.test(readFileSync(join(cwd, ".env"), "utf8"));
  expect(key()).toBe(true);
  const refused = await purser("remove", id, flag);
  expect(refused).toMatchObject({
    error: { code: "JSON_REQUIRES_CONFIRMATION" },
    next_steps: [`purser remove ${id} ${flag} --yes`],
  });
  const done = [...world.opened.done];
  const { warnings } = await passes("remove", id, flag, "--yes");
  expect(warnings[0]?.toLowerCase()).toContain(says);
  expect(world.opened.done).toEqual(done);
  expect((await passes("services")).data["services"]).toMatchObject(services);
  await passes("env", "--pull");
  expect(key()).toBe(false);
});

test.each(["first", "second", "third"] as const)(
  "killed at its %s call, the same command again pays once and makes one",
  async (nth) => {
    const at = { first: 1, second: 2, third: 3 }[nth];
    let calls = 0;
    const running: { child?: ChildProcess } = {};
    await using proxy = await openChaosProxy({
      target: world.server.url,
      seed: 1,
      // What it asked goes on without it, as an order does that has left.
      applies: () => (calls += 1) === at && running.child?.kill("SIGKILL") === true,
    });
    proxy.fault = "forwarded, and the answer dropped";
    await passes("link", "greenhouse", "--accept-tos");
    const before = await world.spent();
    const order = ["add", "greenhouse/seed", "--confirm-paid-service", "--json"];
    const command = startCommand(order, { cwd, env: { ...env, PURSER_ORCHESTRATOR: proxy.url } });
    running.child = command.child;
    const killed = await command.ended;
    expect(killed).toMatchObject({ code: null, stdout: "" });
    expect(proxy.hits).toBe(1);
    const made = await passes(...order.slice(0, -1));
    const again = await passes(...order.slice(0, -1));
    expect(again.data.resource).toEqual(made.data.resource);
    expect((await passes("services")).data["services"]).toHaveLength(1);
    expect((await world.spent()) - before).toBe(2_000_000n);
  },
);

describe.runIf(HAS_TERMINAL)("in a terminal", () => {
  test("a price is asked, and a no buys nothing while a yes buys it once", async () => {
    await passes("link", "greenhouse", "--accept-tos");
    const before = await world.spent();
    for (const [answer, code, spent] of [
      ["n", 1, 0n],
      ["y", 0, 2_000_000n],
    ] as const) {
      const command = startInTerminal(["add", "greenhouse/seed"], { cwd, env });
      await command.until(/Buy greenhouse\/seed for 2\.00 USD[^]*Accept\? \[y\/N\]/);
      command.type(`${answer}\n`);
      const { code: ended, screen } = await command.ended;
      expect(ended, screen).toBe(code);
      expect(screen).toContain(code === 0 ? "Added" : "(CONFIRMATION_DECLINED)");
      expect((await world.spent()) - before).toBe(spent);
    }
  });

  test.each(["--non-interactive", "--no-interactive", "--json"])(
    "with %s nothing is asked there either",
    async (flag) => {
      await passes("link", "greenhouse", "--accept-tos");
      const { code, screen } = await startInTerminal(["add", "greenhouse/seed", flag], { cwd, env })
        .ended;
      expect(code).toBe(1);
      expect(screen).toContain("PAYMENT_CONFIRMATION_REQUIRED");
      expect(screen).not.toContain("[y/N]");
    },
  );

  test("`variables set` asks for the value without showing it", async () => {
    const line = ["variables", "set", "token", "--env-key", "TOKEN"];
    const command = startInTerminal(line, { cwd, env });
    await command.until(/Value of token: /);
    command.type("s3cret\n");
    expect((await command.ended).code).toBe(0);
    const { stdout } = await commandLine(["env", "--reveal"], { cwd, env });
    expect(stdout).toBe("TOKEN=s3cret");
  });

  test("`link` asks as often as the provider says whether the owner of the account has consented, also after one ask that failed, and goes on then", async () => {
    await added("greenhouse/pot:small");
    await beNew("cleo", "ADA@example.com");
    sayInterval(0.1);
    let asks = 0;
    world.faults.set("account_requests", () => ((asks += 1) === 2 ? "broken" : undefined));
    const command = startInTerminal(["link", "greenhouse"], { cwd, env });
    await command.until(/Accept\? \[y\/N\]/);
    command.type("y\n");
    const [, page = ""] = await command.until(/owner has to consent: (\S+)/);
    await consent(page);
    const { code, screen } = await command.ended;
    expect(code, screen).toBe(0);
    expect(screen).toContain("Linked greenhouse");
    expect(asks).toBeGreaterThan(2);
  });
});

test("`link` waits ten minutes for the owner of the account and no longer, and says what to run when they are there", async () => {
  await passes("link", "greenhouse", "--accept-tos");
  await beNew("dora", "ada@example.com");
  sayInterval(60);
  let asks = 0;
  world.faults.set("account_requests", () => void (asks += 1));
  let passedMs = 0;
  const clock = {
    now: () => passedMs,
    pause: (ms: number) => Promise.resolve(void (passedMs += ms)),
  };
  const order = ["link", "greenhouse", "--accept-tos"];
  const ended = await commandLine(order, { cwd, env, clock, interactive: true });
  expect(ended).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /within ten minutes.*BROWSER_AUTH_TIMEOUT[^]*purser link greenhouse/,
    ) as string,
  });
  expect([passedMs, asks]).toEqual([10 * 60 * 1000, 1 + 10]);
});

/** What the owner does in the browser: the code from their letter, and yes. */
async function consent(page: string): Promise<void> {
  const browser = openBrowser();
  const sent = await browser.submit(await browser.open(page), {}, 'step" value="send');
  const code = /code is ([A-Z-]+)/.exec(world.letters.at(-1)?.text ?? "")?.[1] ?? "";
  await browser.submit(await browser.submit(sent, { code }), { answer: "approve" });
}
