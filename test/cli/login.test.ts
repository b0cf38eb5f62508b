/** Signing in with an orchestrator that a platform runs: the program shows a code, the person lets it in on the platform's own page. */
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openPlatform } from "../../examples/agent-platform.ts";
import { openChaosProxy } from "../support/chaos-proxy.ts";
import { HAS_TERMINAL, startInTerminal } from "../support/terminal-command.ts";
import { commandLine } from "../support/command-line.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary.ts";

let folder: TemporaryFolder;
let platform: Awaited<ReturnType<typeof openPlatform>>;
let server: ReturnType<typeof platform.app.listen>;
let url = "";
let cookie = "";
beforeAll(async () => {
  folder = temporaryFolder();
  const dir = join(folder.path, "platform");
  mkdirSync(join(dir, "orchestrator"), { recursive: true });
  platform = await openPlatform({ dir, providers: [] });
  await new Promise<void>((resolve) => {
    server = platform.app.listen(0, "127.0.0.1", () => resolve());
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const signedIn = await fetch(`${url}/sign-in/ada`, { method: "POST" });
  cookie = signedIn.headers.get("set-cookie")?.split(";")[0] ?? "";
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await platform.close();
  folder[Symbol.dispose]();
});

const purser = (home: string, ...args: string[]) => purserAt(url, home, ...args);
async function purserAt(orchestrator: string, home: string, ...args: string[]) {
  const env = { HOME: join(folder.path, home), PURSER_ORCHESTRATOR: orchestrator };
  mkdirSync(env.HOME, { recursive: true });
  return commandLine(args, { cwd: env.HOME, env });
}

/** What the person does: opens the page where they are signed in, and presses one of its buttons. */
async function answer(page: string, word: "approve" | "decline", who = cookie): Promise<void> {
  const headers = { cookie: who };
  const html = await (await fetch(page, { headers })).text();
  const fields = [...html.matchAll(/name="(user_code|form)" value="([^"]+)"/g)];
  const body = new URLSearchParams();
  for (const [, name = "", value = ""] of fields) body.set(name, value);
  body.set("answer", word);
  const [address = ""] = page.split("?");
  const sent = await fetch(address, { method: "POST", headers: { ...headers, origin: url }, body });
  expect(sent.status).toBe(200);
}

interface HandOver {
  browser_url: string;
  verification_code: string;
  next_step: string;
}

async function begin(home: string): Promise<HandOver> {
  const { code, stdout } = await purser(home, "login", "--non-interactive");
  expect(code).toBe(0);
  return JSON.parse(stdout) as HandOver;
}

test("`login` prints where to go and what to run then, and is signed in when the person has consented", async () => {
  const refused = JSON.parse((await purser("ada", "list", "--json")).stdout) as object;
  expect(refused).toMatchObject({
    error: { code: "BROWSER_AUTH_REQUIRED" },
    next_steps: ["purser login --non-interactive"],
    meta: { authenticated: false },
  });
  const { browser_url, verification_code, next_step } = await begin("ada");
  expect(browser_url).toContain(verification_code);
  expect(next_step).toBe("purser login --complete-device");
  await answer(browser_url, "approve");
  const done = await purser("ada", "login", "--complete-device");
  expect(done).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("ada@example.com") as string,
  });

  const file = join(folder.path, "ada", ".config", "purser", "sessions.json");
  expect(statSync(file).mode & 0o077).toBe(0);
  const { sessions } = JSON.parse(readFileSync(file, "utf8")) as {
    sessions: Record<string, { token: string }>;
  };
  expect(done.stdout + done.stderr).not.toContain(sessions[url]?.token);
  expect((await purser("ada", "init")).code).toBe(0);
  const again = await purser("ada", "login");
  expect(again.stdout).toContain("Already signed in");
  expect(JSON.parse((await purser("ada", "list", "--json")).stdout)).toMatchObject({
    data: { projects: [{ name: "ada" }] },
  });

  expect((await purser("ada", "logout")).code).toBe(0);
  expect((await purser("ada", "list")).stderr).toContain("(BROWSER_AUTH_REQUIRED)");
});

test("where the orchestrator is named by the command line, each next step names it too, and works as it is typed", async () => {
  const home = join(folder.path, "typed");
  mkdirSync(home);
  const named = (line: string) =>
    commandLine(line.split(" ").slice(1), { cwd: home, env: { HOME: home } });
  const next = ({ stdout }: { stdout: string }) =>
    (JSON.parse(stdout) as { next_steps: string[] }).next_steps[0] ?? "";
  const login = next(await named(`purser init --orchestrator ${url} --json`));
  const started = JSON.parse((await named(login)).stdout) as HandOver;
  await answer(started.browser_url, "approve");
  const init = next(await named(`${started.next_step} --json`));
  expect(init).toBe(`purser init --orchestrator ${url}`);
  expect((await named(init)).code).toBe(0);
});

test("a sign-in that was declined, and one that was never begun, are told as that", async () => {
  const { browser_url } = await begin("eve");
  await answer(browser_url, "decline");
  const declined = await purser("eve", "login", "--complete-device");
  expect(declined).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("(AUTH_DECLINED)") as string,
  });
  const nothing = await purser("eve", "login", "--complete-device");
  expect(nothing.stderr).toContain("(BROWSER_AUTH_REQUIRED)");
});

/** Begins a sign-in behind a proxy, and has it asked after every so many seconds. */
async function beginBehind(proxy: { url: string }, home: string, interval: number) {
  const { stdout } = await purserAt(proxy.url, home, "login", "--non-interactive");
  const file = join(folder.path, home, ".config", "purser", "sessions.json");
  const text = readFileSync(file, "utf8").replace(/"interval": \d+/, `"interval": ${interval}`);
  writeFileSync(file, text);
  const { browser_url } = JSON.parse(stdout) as HandOver;
  return browser_url.replace(proxy.url, url);
}

test("an orchestrator that does not answer at one ask is asked again, and the person is signed in", async () => {
  let asks = 0;
  await using proxy = await openChaosProxy({
    target: url,
    seed: 1,
    applies: (head) => head.startsWith("POST /v1/token ") && (asks += 1) === 1,
  });
  await answer(await beginBehind(proxy, "patient", 0.02), "approve");
  proxy.fault = "reset before it is forwarded";
  const done = await purserAt(proxy.url, "patient", "login", "--complete-device");
  expect([done.code, asks], done.stderr).toEqual([0, 2]);
});

test.each(["reset before it is forwarded", "a 500 after it was carried out"] as const)(
  "where it does not answer until time is over (%s), `login` says so and what to run, and that goes on with the same code",
  async (fault) => {
    await using proxy = await openChaosProxy({
      target: url,
      seed: 1,
      applies: (head) => head.startsWith("POST /v1/token "),
    });
    const home = `waiting-${fault.length}`;
    // Longer than it waits in all.
    const page = await beginBehind(proxy, home, 61);
    proxy.fault = fault;
    const complete = ["login", "--complete-device", "--json"];
    const failed = await purserAt(proxy.url, home, ...complete);
    expect(JSON.parse(failed.stdout)).toMatchObject({
      error: { code: "ORCHESTRATOR_UNREACHABLE", details: { orchestrator: proxy.url } },
      next_steps: ["purser login --complete-device"],
    });
    proxy.fault = undefined;
    await answer(page, "approve");
    const done = await purserAt(proxy.url, home, ...complete);
    expect(JSON.parse(done.stdout)).toMatchObject({ ok: true });
  },
);

test("`switch-account` signs out and begins anew, and another person's project is none of theirs", async () => {
  const { next_step, browser_url } = await begin("switching");
  await answer(browser_url, "approve");
  await purser("switching", ...next_step.split(" ").slice(1));
  expect((await purser("switching", "init")).code).toBe(0);
  const handed = await purser("switching", "switch-account", "--non-interactive");
  expect(handed.code).toBe(0);
  expect((await purser("switching", "list", "--json")).stdout).toContain("BROWSER_AUTH_REQUIRED");
  const signedIn = await fetch(`${url}/sign-in/bob`, { method: "POST" });
  const his = signedIn.headers.get("set-cookie")?.split(";")[0] ?? "";
  await answer((JSON.parse(handed.stdout) as HandOver).browser_url, "approve", his);
  const done = await purser("switching", "login", "--complete-device");
  expect(done.stdout).toContain("bob@example.com");
  expect(JSON.parse((await purser("switching", "status", "--json")).stdout)).toMatchObject({
    error: { code: "MERCHANT_MISMATCH" },
    next_steps: ["purser switch-account"],
  });
});

test.runIf(HAS_TERMINAL)(
  "in a terminal `login` waits until the person has let it in",
  { timeout: 20_000 },
  async () => {
    const env = { HOME: join(folder.path, "waiting"), PURSER_ORCHESTRATOR: url };
    mkdirSync(env.HOME, { recursive: true });
    const command = startInTerminal(["login"], { cwd: env.HOME, env });
    const [, page = "", code = ""] = await command.until(/Open (\S+) and confirm the code (\S+)\./);
    expect(page).toContain(code);
    await answer(page, "approve");
    const { code: ended, screen } = await command.ended;
    expect(ended, screen).toBe(0);
    expect(screen).toContain("Signed in");
    expect((await purser("waiting", "list")).code).toBe(0);
  },
);
