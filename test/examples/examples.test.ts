/** The examples of docs/providers.md, run as a reader runs them: processes of their own, against a world that is up. */
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkProvider, newTesterIdentity, openProviderTester } from "../../conformance/index.ts";
import { ServicesPage } from "../../protocol/index.ts";
import type { RunResult } from "../../scenarios/index.ts";
import { type RunningCommand, runCommand, startCommand } from "../support/command.ts";
import { temporaryFolder } from "../support/temporary.ts";

const EXAMPLES = join(import.meta.dirname, "../../examples");
const folder = temporaryFolder();
const cwd = folder.path;
let up: RunningCommand;

beforeAll(async () => {
  up = startCommand(["up", "--json"], { cwd });
  writeFileSync(join(cwd, "world.json"), JSON.stringify(await up.json()));
});

afterAll(async () => {
  up.child.kill("SIGTERM");
  await up.ended;
  folder[Symbol.dispose]();
});

/** An example that serves until it is disposed; it prints its URL first. */
async function serve(example: string, world = "world.json") {
  const child = spawn(process.execPath, [join(EXAMPLES, example), world, "0"], {
    cwd,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise((resolve) => child.once("close", resolve));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const { value: url } = await lines.next();
  return {
    url: String(url),
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

async function run(goal: string, provider: string): Promise<RunResult> {
  const world = join(cwd, ".purser/world");
  const args = ["run", goal, "--json", "--world", world, "--provider", provider];
  const { stdout } = await runCommand(args, { cwd });
  return JSON.parse(stdout) as RunResult;
}

test("an agent finds a provider on the kit by its catalog, and buys there because it is cheaper", async () => {
  await using shop = await serve("names-provider.ts");
  expect(await run(join(EXAMPLES, "buy-a-name.md"), shop.url)).toMatchObject({
    passed: true,
    outcome: "answered",
    payments: [{ provider: "names", amount: "9.00", state: "settled" }],
  });
  // Sold is sold: who comes next is told so before any price, and buys where it can be had.
  const again = await run("Register ada.dev", shop.url);
  expect(again.payments).toMatchObject([{ provider: "cloudflare", amount: "12.18" }]);
});

test("the provider on the kit keeps the contract, as far as it has what a case needs", async () => {
  await using tester = await openProviderTester(await newTesterIdentity());
  // A world whose orchestrator is the tester; nothing is paid, so nobody settles.
  const world = { ...tester.trust, dir: join(cwd, "tester"), facilitatorUrl: "http://127.0.0.1:9" };
  writeFileSync(join(cwd, "tester.json"), JSON.stringify(world));
  await using shop = await serve("names-provider.ts", "tester.json");
  const { results, outcome } = await checkProvider({ url: shop.url, tester });
  const ids = (found: string) =>
    results.filter(({ verdict }) => verdict === found).map(({ id }) => id);
  expect([ids("fail"), outcome]).toEqual([[], "passed"]);
  // Its domains are paid at its own API, and nothing is removed, changed or renewed.
  const quotes = [1, 2, 3, 4, 5].map((number) => `QUOT-0${number}`);
  expect(ids("not-tried")).toEqual(["RSRC-07", ...quotes, "CHNG-01", "RENW-01"]);
});

test("and one without the kit, which serves no more than the documented calls", async () => {
  await using shop = await serve("bare-provider.ts");
  const catalog = await (await fetch(`${shop.url}/provisioning/services`)).json();
  expect(ServicesPage.parse(catalog).data.map(({ id }) => id)).toEqual(["domain"]);
  expect(await run("Register lovelace.dev", shop.url)).toMatchObject({
    outcome: "answered",
    payments: [{ provider: "plain", amount: "7.00", state: "settled" }],
  });
  // What a stranger may try of the contract holds: it does not trust this tester.
  await using tester = await openProviderTester(await newTesterIdentity());
  const { results, trusted } = await checkProvider({ url: shop.url, tester });
  const failed = results.filter(({ verdict }) => verdict === "fail");
  expect([trusted, failed]).toEqual([false, []]);
});

test("a stock client buys from a stock server with the world's buyer", async () => {
  await using server = await serve("x402-server.ts");
  const buyer = spawn(
    process.execPath,
    [join(EXAMPLES, "x402-buyer.ts"), "world.json", `${server.url}/weather`],
    { cwd, stdio: ["ignore", "pipe", "inherit"] },
  );
  expect((await text(buyer.stdout)).trim()).toBe('200 {"weather":"rain"}');
});

test("the catalog in the tutorial is a catalog", () => {
  const tutorial = readFileSync(join(EXAMPLES, "../docs/providers.md"), "utf8");
  const [, json = ""] = /```json\n(\{\n {2}"provider"[^]*?)```/.exec(tutorial) ?? [];
  expect(ServicesPage.parse(JSON.parse(json)).provider.id).toBe("names");
});
