import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { expect, test } from "vitest";
import { BASE_SEPOLIA_USDC } from "../../protocol/index.ts";
import { startCloudflare } from "../../provider/index.ts";
import { PAY_TO } from "./shop.ts";
import { visit } from "./visit.ts";
import { newFolder } from "../support/temporary.ts";

/** The pids below a process, as Linux tells them. */
function descendants(pid: number): number[] {
  const children = readdirSync("/proc").filter((name) => {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) === pid;
    } catch {
      return false;
    }
  });
  return children.map(Number).flatMap((child) => [child, ...descendants(child)]);
}

function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2)[0] !== "Z";
  } catch {
    return false;
  }
}

/** Killed processes are gone soon; this is how long "soon" may be. */
async function allGone(pids: number[]): Promise<boolean> {
  const deadline = performance.now() + 3000;
  while (pids.some(isRunning) && performance.now() < deadline) await wait(10);
  return !pids.some(isRunning);
}

async function startChild(
  dir: string,
): Promise<{ child: ChildProcess; site: { url: string; text: string } }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "orphan-child.ts"), dir], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(createInterface(child.stdout), "line");
  return { child, site: JSON.parse(String(line)) };
}

test.skipIf(process.platform !== "linux")(
  "a provider that is killed leaves no workerd behind, and opens again with its sites where they were",
  async () => {
    const dir = newFolder("orphan");
    const { child, site } = await startChild(dir);
    expect(site.text).toBe("alive");
    const below = descendants(child.pid!);
    expect(below.length).toBeGreaterThan(0);
    child.kill("SIGKILL");
    expect(await allGone(below)).toBe(true);

    const before = new Set(descendants(process.pid));
    const server = await startCloudflare({
      dir,
      facilitatorUrl: "http://127.0.0.1:9",
      payTo: PAY_TO,
      asset: BASE_SEPOLIA_USDC,
      trust: [],
    });
    expect(await visit(Number(new URL(site.url).port))).toEqual({ status: 200, text: "alive" });
    const mine = descendants(process.pid).filter((pid) => !before.has(pid));
    await server.close();
    expect(await allGone(mine)).toBe(true);
    rmSync(dir, { recursive: true, force: true });
  },
);
