import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openChain, startLocalChain } from "../../chain/index.ts";

const ADDRESS = "0x00000000000000000000000000000000000000aa";
const PROGRAM = fileURLToPath(new URL("./chain-child.ts", import.meta.url));

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "purser-test-chain-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Runs the program until it has funded this often; it goes on meanwhile. */
async function fundInChild(times: number, folder = dir) {
  const child = spawn(process.execPath, [PROGRAM, folder, ADDRESS], {
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, TMPDIR: dir },
  });
  for await (const line of createInterface(child.stdout)) {
    const { rpcUrl, funded } = JSON.parse(line) as { rpcUrl: string; funded: number };
    if (funded >= times) return { child, rpcUrl, funded };
  }
  throw new Error("the program ended by itself");
}

async function expectKept(killed: { rpcUrl: string; funded: number }, anvil: number) {
  // Waits for the dying anvil, which is why nothing here has to.
  await using chain = await startLocalChain({ dir });
  const reopened = await openChain({ rpcUrl: chain.rpcUrl, asset: chain.asset });
  expect(await reopened.balanceOf(ADDRESS)).toBeGreaterThanOrEqual(BigInt(killed.funded));
  expect(() => process.kill(anvil, 0)).toThrow("ESRCH");
  const old = openChain({ rpcUrl: killed.rpcUrl, asset: chain.asset });
  if (killed.rpcUrl !== chain.rpcUrl)
    await expect(old).rejects.toMatchObject({ code: "CHAIN_UNREACHABLE" });
}

const anvilPid = () => Number(readFileSync(join(dir, "anvil.pid"), "utf8"));

const KILLS: [string, (child: ChildProcess) => void][] = [
  ["kill -9 of the program", ({ pid }) => process.kill(pid!, "SIGKILL")],
  ["kill -9 of its whole process group", ({ pid }) => process.kill(-pid!, "SIGKILL")],
  ["Ctrl-C in its terminal", ({ pid }) => process.kill(-pid!, "SIGINT")],
];

test.each(KILLS)("%s leaves nothing running, and loses nothing that was mined", async (_, kill) => {
  const running = await fundInChild(20);
  const anvil = anvilPid();
  const ended = once(running.child, "exit");
  kill(running.child);
  await ended;
  await expectKept(running, anvil);
});

test.runIf(process.platform === "linux")(
  "no process of the chain is a child of the program, so killing its children spares the state",
  async () => {
    const { child } = await fundInChild(1);
    const parent = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${anvilPid()}/status`, "utf8"))?.[1];
    const shell = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${parent}/status`, "utf8"))?.[1];
    expect([parent, shell]).not.toContain(String(child.pid));
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  },
);

test("kill -9 of a program whose chain has no folder leaves no file behind", async () => {
  const { child } = await fundInChild(1, "");
  expect(readdirSync(dir)).toEqual([expect.stringMatching(/^purser-chain-/)]);
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
  await expect.poll(() => readdirSync(dir)).toEqual([]);
});
