import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startInstance, WORKER_HEADER } from "../../provider/cloudflare/runtime/instance.ts";
import type { NamedWorker } from "../../provider/cloudflare/runtime/worker-code.ts";
import { WorkersRuntime } from "../../provider/cloudflare/runtime/workers-runtime.ts";
import { answering } from "./shop.ts";
import { visit } from "./visit.ts";

function worker(name: string, source: string): NamedWorker {
  const base64 = Buffer.from(source).toString("base64");
  return {
    name,
    code: {
      modules: [{ name: "index.js", type: "ESModule", base64 }],
      bindings: [],
      compatibilityDate: "2026-01-01",
      compatibilityFlags: [],
    },
  };
}

/** A runtime whose deployed Workers are this list. */
function openRuntime(deployed: NamedWorker[]) {
  const dir = mkdtempSync(join(tmpdir(), "purser-runtime-"));
  const runtime = new WorkersRuntime({
    dir,
    load: () => ({ workers: deployed, namespaces: [] }),
    start: (options) => startInstance({ ...options, startupTimeoutMs: 2_000 }),
  });
  return {
    runtime,
    dir,
    ask: async (name: string) => {
      using lease = await runtime.lease();
      return (await visit(lease.port, { headers: { [WORKER_HEADER]: name } })).text;
    },
    [Symbol.asyncDispose]: async () => {
      await runtime.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

test("a change that does not start, or never ends starting, leaves what runs as it was", async () => {
  const deployed = [worker("a", answering("one"))];
  await using world = openRuntime(deployed);
  await world.runtime.prewarm();
  const commits: string[] = [];
  for (const source of ["export default {", "for (;;);"]) {
    const broken = world.runtime.change({
      workers: () => [...deployed, worker("b", source)],
      commit: () => commits.push(source),
    });
    expect(await world.ask("a")).toBe("one");
    await expect(broken).rejects.toMatchObject({ code: "WORKER_INVALID" });
  }
  expect(await world.ask("a")).toBe("one");
  expect(commits).toEqual([]);
});

test("changes that come at once are made one after another, each on those before", async () => {
  const deployed = [worker("a", answering("one"))];
  await using world = openRuntime(deployed);
  const add = (name: string) => {
    const added = worker(name, answering(name));
    return world.runtime.change({
      workers: () => [...deployed, added],
      commit: () => deployed.push(added),
    });
  };
  await Promise.all(["b", "c", "d"].map(add));
  expect(await Promise.all(["a", "b", "c", "d"].map(world.ask))).toEqual(["one", "b", "c", "d"]);
});

test("what was recorded but not committed is not run: a failing record stops the change", async () => {
  await using world = openRuntime([worker("a", answering("one"))]);
  const change = world.runtime.change({
    workers: () => [worker("a", answering("two"))],
    commit: () => {
      throw new Error("disk full");
    },
  });
  await expect(change).rejects.toThrow("disk full");
  expect(await world.ask("a")).toBe("one");
});

test("a lease is waited for when an instance ends", async () => {
  const deployed = [worker("a", answering("one"))];
  await using world = openRuntime(deployed);
  const lease = await world.runtime.lease();
  const changed = world.runtime.change({ workers: () => [worker("a", answering("two"))] });
  const waiting = world.ask("a");
  expect((await visit(lease.port, { headers: { [WORKER_HEADER]: "a" } })).text).toBe("one");
  lease[Symbol.dispose]();
  await changed;
  expect(["one", "two"]).toContain(await waiting);
  expect(await world.ask("a")).toBe("two");
});

test("when it is closed it leaves neither notes nor a program behind", async () => {
  const world = openRuntime([]);
  await world.runtime.prewarm();
  await world.runtime.close();
  expect(readdirSync(world.dir).filter((name) => name.startsWith("watch-"))).toEqual([]);
  rmSync(world.dir, { recursive: true, force: true });
});
