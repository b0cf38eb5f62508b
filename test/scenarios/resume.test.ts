/** Killed at any point, a run leaves nothing running and goes on: the domain is bought once, and it ends live. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { prepareRun, readScenario, runScenario, scriptedHuman } from "../../scenarios/index.ts";
import { processesOf } from "../support/command.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { POINTS } from "./killed-run.ts";
import { bundled } from "../support/bundled.ts";

const PROGRAM = await bundled(new URL("killed-run.ts", import.meta.url));
const NOBODY = scriptedHuman({});

async function runUntilKilled(dir: string, point: string): Promise<void> {
  const child = spawn(process.execPath, [PROGRAM, dir, point], {
    stdio: "inherit",
  });
  const signal = await new Promise((resolve) => child.once("exit", (_, signal) => resolve(signal)));
  expect(signal, "it came to the point").toBe("SIGKILL");
}

const LAST = "the Worker is uploaded, and has no domain" satisfies keyof typeof POINTS;

test.each(Object.keys(POINTS))("killed when %s", async (point) => {
  using folder = temporaryFolder();
  const dir = join(folder.path, "run");
  await runUntilKilled(dir, point);
  if (point === LAST) {
    // While nobody has resumed it, nothing of it is left running. Elsewhere it is resumed at once, which is harder.
    await expect.poll(() => processesOf(folder.path), { timeout: 5_000 }).toEqual([]);
  }

  const request = await prepareRun({ resume: dir, dir, env: {}, human: NOBODY });
  await using finished = await runScenario(request);
  const { result, world } = finished;
  expect(result.checks.filter(({ passed }) => !passed)).toEqual([]);
  expect(result).toMatchObject({
    passed: true,
    outcome: "live",
    resumed: true,
    payments: [{ amount: "12.18", state: "settled" }],
    spent: { cloudflare: "12.18" },
    human: [{ kind: "terms", answer: "accept" }],
  });
  const { chain, walletAddress, cloudflare, orchestrator } = world;
  expect(await chain.transfersFrom(walletAddress ?? "0x")).toHaveLength(1);
  expect(orchestrator.projects()).toHaveLength(1);
  const registration = cloudflare.opened.findRegistration("nimbus.dev");
  expect(cloudflare.opened.listRegistrations(registration?.accountId ?? "")).toHaveLength(1);
  expect(await (await fetch(result.url ?? "")).text()).toContain("Nimbus Coffee");
});

test("a run that was not interrupted can be resumed too, and buys nothing more", async () => {
  using folder = temporaryFolder();
  const dir = join(folder.path, "run");
  const scenario = await readScenario("scenarios/landing-page.md");
  const first = await runScenario(await prepareRun({ scenario, dir, env: {}, human: NOBODY }));
  await first.close();
  const request = await prepareRun({ scenario, resume: dir, dir, env: {}, human: NOBODY });
  await using again = await runScenario(request);
  expect(again.result).toMatchObject({
    passed: true,
    url: first.result.url,
    payments: first.result.payments,
  });
});

test.each([
  ["another goal", { sentence: true }],
  ["another model", { model: "noop" }],
  ["another budget", { budget: "26.00" }],
])("a run is not resumed as one with %s", async (_, change: Record<string, unknown>) => {
  using folder = temporaryFolder();
  const dir = join(folder.path, "run");
  const landing = await readScenario("scenarios/landing-page.md");
  const other = await readScenario("scenarios/over-budget.md");
  await prepareRun({ scenario: landing, dir, env: {}, human: NOBODY });
  const { sentence, ...rest } = change;
  const plan = { scenario: sentence ? other : landing, ...rest };
  await expect(
    prepareRun({ ...plan, resume: dir, dir, env: {}, human: NOBODY }),
  ).rejects.toMatchObject({ code: "RESUME_DIFFERS" });
});

test("a folder without a run cannot be resumed", async () => {
  using folder = temporaryFolder();
  await expect(
    prepareRun({ resume: folder.path, dir: folder.path, env: {}, human: NOBODY }),
  ).rejects.toMatchObject({ code: "RESUME_UNKNOWN" });
});
