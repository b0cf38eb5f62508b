/**
 * The world for somebody's own client and provider: what `purser up` prints is enough to join it. One is up in another program for
 * all that is done in it; after that it is told to end, and reopened.
 */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { getAddress } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openChain } from "../../chain/index.ts";
import { BASE_SEPOLIA_USDC } from "../../protocol/index.ts";
import { startProvider } from "../../provider/index.ts";
import type { RunResult } from "../../scenarios/index.ts";
import { lighthouse } from "../agent/lighthouse.ts";
import { openBrowser } from "../provider/browser.ts";
import { processesOf, runCommand, type RunningCommand, startCommand } from "../support/command.ts";
import { commandLine } from "../support/command-line.ts";
import { temporaryFolder } from "../support/temporary.ts";

interface Joining {
  rpcUrl: string;
  facilitatorUrl: string;
  orchestratorUrl: string;
  issuer: string;
  keysUrl: string;
  jwksUrl: string;
  providers: Record<string, string>;
  network: string;
  caip2: string;
  chainId: number;
  asset: { address: string; symbol: string; decimals: number; name: string; version: string };
  buyer: { address: `0x${string}`; privateKey: `0x${string}`; keyFile: string; balance: string };
  signIn: { url: string; issuer: string; redirectUri: string; passcode: string };
  dir: string;
}

const timeout = 60_000;
const folder = temporaryFolder();
const { path: cwd } = folder;
let up: RunningCommand;
let world: Joining;
beforeAll(async () => {
  up = startCommand(["up", "--json"], { cwd });
  world = await up.json<Joining>();
}, timeout);
afterAll(async () => {
  up.child.kill("SIGTERM");
  await up.ended;
  folder[Symbol.dispose]();
});

test("`up` prints what a client and a server need, and `fund` gives anybody play money", async () => {
  expect(world).toMatchObject({
    network: "base-sepolia",
    caip2: "eip155:84532",
    chainId: 84_532,
    asset: { symbol: "USDC", decimals: 6, name: "USDC", version: "2" },
    buyer: { balance: "1000.00" },
    dir: join(cwd, ".purser", "world"),
  });
  expect(privateKeyToAccount(world.buyer.privateKey).address).toBe(world.buyer.address);
  expect(readFileSync(world.buyer.keyFile, "utf8").trim()).toBe(world.buyer.privateKey);
  expect(statSync(world.buyer.keyFile).mode & 0o077).toBe(0);
  for (const url of [world.keysUrl, world.jwksUrl, `${world.facilitatorUrl}/supported`]) {
    expect((await fetch(url)).status).toBe(200);
  }

  const browser = openBrowser();
  const asked = await browser.open(world.signIn.url);
  expect(new URL(asked.url).origin).toBe(world.signIn.issuer);
  const page = await browser.submit(asked, { passcode: world.signIn.passcode });
  expect([page.url, page.text]).toEqual([
    world.signIn.url,
    expect.stringContaining("ada@example.com"),
  ]);

  const address = getAddress(`0x${"ad".repeat(20)}`);
  const byFolder = await runCommand(["fund", address, "--amount", "2.50", "--json"], { cwd });
  expect(JSON.parse(byFolder.stdout)).toMatchObject({ address, amount: "2.50", balance: "2.50" });
  const byUrl = ["fund", address, "--amount", "0.000001", "--rpc", world.rpcUrl];
  const { stdout } = await commandLine(byUrl);
  expect(stdout).toContain("2.500001");
  expect(stdout).toContain("for gas");
  const chain = await openChain({ rpcUrl: world.rpcUrl, asset: BASE_SEPOLIA_USDC });
  expect(await chain.balanceOf(address)).toBe(2_500_001n);
});

test("without its token, nobody can run in a world that is up", async () => {
  const file = join(world.dir, "control.json");
  expect(statSync(file).mode & 0o077).toBe(0);
  const { url } = JSON.parse(readFileSync(file, "utf8")) as { url: string };
  const answers = await Promise.all([
    fetch(url),
    fetch(`${url}/runs`, { method: "POST", headers: { authorization: "Bearer x" } }),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([401, 401]);
});

test(
  "while it is up, others can run in it, one at a time; what they buy is theirs",
  { timeout },
  async () => {
    const { dir, orchestratorUrl } = world;
    const line = (goal: string) => ["run", goal, "--json", "--world", dir];
    const run = (goal: string, ...more: string[]) => commandLine([...line(goal), ...more], { cwd });

    const bakery = line("Put a landing page for Ada's Bakery on adas-bakery.com");
    const first = await runCommand(bakery, { cwd });
    const result = JSON.parse(first.stdout) as RunResult;
    expect(result).toMatchObject({
      passed: true,
      hostname: "adas-bakery.com",
      payments: [{ amount: "10.44", state: "settled" }],
      world: { orchestratorUrl },
    });
    expect(first.stderr).toContain("Paid 10.44 USDC");
    expect(await (await fetch(result.url ?? "")).text()).toContain("Ada");

    const second = await run("Put a landing page for Grace on graces-harbour.dev");
    expect(JSON.parse(second.stdout)).toMatchObject({
      passed: true,
      payments: [{ amount: "12.18" }],
      spent: { cloudflare: "12.18" },
    });
    expect((await fetch(result.url ?? "")).status, "the first site is still up").toBe(200);

    const both = await Promise.all(
      ["one", "two"].map((name) => run(`Put a page for Ada on ada-${name}.dev`, "--out", name)),
    );
    const codes = both.map(
      ({ stdout }) => (JSON.parse(stdout) as RunResult).error?.code ?? "passed",
    );
    expect(codes.every((code) => code === "passed" || code === "WORLD_BUSY")).toBe(true);
    expect(codes).toContain("passed");

    const other = await run(join(process.cwd(), "scenarios/domain-taken.md"));
    expect(other.code).toBe(2);
    expect(JSON.parse(other.stdout)).toMatchObject({ error: { code: "WORLD_DIFFERS" } });
  },
);

test("Ctrl-C ends it, nothing of it is left running, and `fund` says that it is not there", async () => {
  up.child.kill("SIGINT");
  expect((await up.ended).code).toBe(0);
  await expect.poll(() => processesOf(cwd)).toEqual([]);
  const address = `0x${"ad".repeat(20)}`;
  const after = await commandLine(["fund", address, "--rpc", world.rpcUrl, "--json"]);
  expect(after.code).toBe(1);
  expect(JSON.parse(after.stdout)).toMatchObject({ error: { code: "CHAIN_UNREACHABLE" } });
});

test("an agent discovers a provider of the user's own, and buys from it", { timeout }, async () => {
  const { dir, facilitatorUrl, issuer, keysUrl } = world;
  await using own = await startProvider(lighthouse(), {
    dir: join(cwd, "own"),
    facilitatorUrl,
    payTo: `0x${"0a".repeat(20)}`,
    asset: BASE_SEPOLIA_USDC,
    trust: [{ issuer, keysUrl, clientId: issuer }],
  });
  const goal = "Put a landing page for Ada's Lamps on adas-lamps.sea";
  const args = ["run", goal, "--json", "--keep", "--world", dir, "--provider", own.url];
  const run = startCommand(args, { cwd });
  const result = await run.json<RunResult>();
  expect(result).toMatchObject({
    passed: true,
    outcome: "live",
    payments: [{ provider: "pharos", state: "settled" }],
    world: { facilitatorUrl, providers: { pharos: own.url } },
  });
  expect(await (await fetch(result.url ?? "")).text()).toContain("Ada");
  expect(own.opened.beacons.has("adas-lamps.sea")).toBe(true);
  run.child.kill("SIGTERM");
  expect((await run.ended).code).toBe(0);
});

test(
  "a provider that cannot be used ends the run before anything is bought, and says why",
  { timeout },
  async () => {
    using folder = temporaryFolder();
    const args = ["run", join(process.cwd(), "scenarios/landing-page.md"), "--json"];
    const ended = await commandLine([...args, "--provider", "http://127.0.0.1:9"], {
      cwd: folder.path,
    });
    expect(ended.code).toBe(3);
    expect(JSON.parse(ended.stdout)).toMatchObject({
      passed: false,
      payments: [],
      error: {
        code: "WORLD_START_FAILED",
        problem: expect.stringContaining("http://127.0.0.1:9"),
        details: { part: "provider" },
      },
    });
  },
);
