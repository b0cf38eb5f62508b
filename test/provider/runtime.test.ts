import { EventEmitter, once } from "node:events";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { planCell } from "../../provider/cloudflare/runtime/cell-plan.ts";
import { startInstance } from "../../provider/cloudflare/runtime/instance.ts";
import { WORKER_HEADER } from "../../provider/cloudflare/runtime/miniflare-options.ts";
import type { NamedWorker } from "../../provider/cloudflare/runtime/worker-code.ts";
import { boundTo, WorkersRuntime } from "../../provider/cloudflare/runtime/workers-runtime.ts";
import { answering } from "./shop.ts";
import { visit } from "./visit.ts";
import { newFolder } from "../support/temporary.ts";

function worker(name: string, source: string, namespaces: string[] = []): NamedWorker {
  const base64 = Buffer.from(source).toString("base64");
  return {
    name,
    code: {
      modules: [{ name: "index.js", type: "ESModule", base64 }],
      bindings: namespaces.map((id, index) => ({
        type: "kv_namespace",
        name: `KV${index}`,
        namespace_id: id,
      })),
      compatibilityDate: "2026-01-01",
      compatibilityFlags: [],
    },
  };
}

/** A runtime with a record of what was deployed, and a count of the cells that were started and are up. */
function openRuntime({ maxCells = 8 } = {}) {
  const dir = newFolder("runtime");
  const deployed = new Map<string, NamedWorker>();
  const cells = { started: 0, up: 0 };
  const stops = new EventEmitter();
  const runtime = new WorkersRuntime({
    dir,
    maxCells,
    deployed: {
      list: () =>
        [...deployed.values()].map(({ name, code }) => ({ name, namespaces: boundTo(code) })),
      code: (name) => deployed.get(name)?.code,
    },
    start: async (options) => {
      const instance = await startInstance({ ...options, startupTimeoutMs: 2_000 });
      cells.started += 1;
      cells.up += 1;
      const dispose = async () => {
        await instance.dispose();
        cells.up -= 1;
        stops.emit("stop");
      };
      return { ...instance, dispose };
    },
  });
  return {
    runtime,
    dir,
    cells,
    deployed,
    deploy: (added: NamedWorker) =>
      runtime.deploy(added, () => {
        deployed.set(added.name, added);
      }),
    /** Waits until only this many cells are up. */
    untilUp: async (count: number) => {
      while (cells.up > count) await once(stops, "stop");
    },
    ask: async (name: string) => {
      using lease = await runtime.lease({ worker: name });
      return (await visit(lease.port, { headers: { [WORKER_HEADER]: name } })).text;
    },
    [Symbol.asyncDispose]: async () => {
      await runtime.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

const COUNTER = `export default { async fetch(request, { KV0 }) {
  const count = Number((await KV0.get("count")) ?? 0) + 1;
  await KV0.put("count", String(count));
  return new Response(String(count));
} };`;

test("Workers that share a namespace, also by way of another, run together; others apart", () => {
  const all = [
    { name: "a", namespaces: ["1"] },
    { name: "b", namespaces: ["1", "2"] },
    { name: "c", namespaces: ["2"] },
    { name: "d", namespaces: [] },
    { name: "e", namespaces: ["3"] },
  ];
  const plan = (start: { worker: string } | { namespace: string }) => {
    const { workers, namespaces } = planCell(start, all);
    return [[...workers].toSorted().join(""), [...namespaces].toSorted().join("")];
  };
  for (const name of ["a", "b", "c"]) expect(plan({ worker: name })).toEqual(["abc", "12"]);
  expect(plan({ worker: "d" })).toEqual(["d", ""]);
  expect(plan({ namespace: "3" })).toEqual(["e", "3"]);
  expect(plan({ namespace: "4" })).toEqual(["", "4"]);
});

test("a deploy that does not start, or never ends starting, leaves what runs as it was, and is not recorded", async () => {
  await using world = openRuntime();
  await world.deploy(worker("a", answering("one")));
  for (const source of ["export default {", "for (;;);"]) {
    const broken = world.deploy(worker("a", source));
    expect(await world.ask("a")).toBe("one");
    await expect(broken).rejects.toMatchObject({ code: "WORKER_INVALID" });
  }
  expect(await world.ask("a")).toBe("one");
  expect(world.cells).toEqual({ started: 1, up: 1 });
});

test("what cannot be recorded is not run", async () => {
  await using world = openRuntime();
  await world.deploy(worker("a", answering("one")));
  const unrecorded = world.runtime.deploy(worker("a", answering("two")), () => {
    throw new Error("disk full");
  });
  await expect(unrecorded).rejects.toThrow("disk full");
  expect(await world.ask("a")).toBe("one");
});

test("a deploy restarts no other Worker but those that share its data", async () => {
  await using world = openRuntime();
  await world.deploy(worker("a", answering("a")));
  await world.deploy(worker("count", COUNTER, ["ns"]));
  expect(await world.ask("count")).toBe("1");
  await world.deploy(worker("again", COUNTER, ["ns"]));
  // The new one took the other's place with it.
  expect(world.cells).toEqual({ started: 3, up: 2 });
  expect([await world.ask("count"), await world.ask("again"), await world.ask("a")]).toEqual([
    "2",
    "3",
    "a",
  ]);
  expect(world.cells.started).toBe(3);
});

test("a namespace's data is the same from the Worker and from outside, without and with a Worker", async () => {
  await using world = openRuntime();
  const write = async (value: string) => {
    using lease = await world.runtime.lease({ namespace: "ns" });
    const store = await lease.kv("ns");
    await store.put("count", Uint8Array.from(Buffer.from(value)).buffer, {});
  };
  await write("41");
  await world.deploy(worker("count", COUNTER, ["ns"]));
  expect(await world.ask("count")).toBe("42");
  await write("7");
  expect(await world.ask("count")).toBe("8");
  expect(world.cells.up).toBe(1);
});

test("the Workers that were not used for longest are stopped, and start again for a visitor", async () => {
  await using world = openRuntime({ maxCells: 2 });
  for (const name of ["a", "b", "c"]) await world.deploy(worker(name, answering(name)));
  await world.untilUp(2);
  expect(await world.ask("a")).toBe("a");
  expect(world.cells.started).toBe(4);
  await world.untilUp(2);
});

test("a request that is under way when its Worker is replaced ends as it began", async () => {
  await using world = openRuntime();
  await world.deploy(worker("a", answering("one")));
  const lease = await world.runtime.lease({ worker: "a" });
  const replaced = world.deploy(worker("a", answering("two")));
  expect((await visit(lease.port, { headers: { [WORKER_HEADER]: "a" } })).text).toBe("one");
  lease[Symbol.dispose]();
  await replaced;
  expect(await world.ask("a")).toBe("two");
});

test("deploys that come at once all happen", async () => {
  await using world = openRuntime();
  await Promise.all(["a", "b", "c"].map((name) => world.deploy(worker(name, COUNTER, ["ns"]))));
  const answers = [await world.ask("a"), await world.ask("b"), await world.ask("c")];
  expect(answers).toEqual(["1", "2", "3"]);
  expect(world.cells.up).toBe(1);
});

test("a Worker that was taken away is not started again", async () => {
  await using world = openRuntime();
  await world.deploy(worker("a", answering("one")));
  await world.runtime.remove("a", () => {
    world.deployed.delete("a");
  });
  await expect(world.ask("a")).rejects.toMatchObject({ code: "RUNTIME_FAILED" });
  expect(world.cells.up).toBe(0);
});

test("it takes over no signal of its process, and its temporary files are in its own folder", async () => {
  const signals = ["SIGINT", "SIGTERM", "message"] as const;
  const listeners = () => signals.map((name) => process.listenerCount(name));
  const before = { listeners: listeners(), tmpdir: process.env["TMPDIR"] };
  const world = openRuntime();
  await world.deploy(worker("a", answering("one")));
  expect({ listeners: listeners(), tmpdir: process.env["TMPDIR"] }).toEqual(before);
  expect(readdirSync(join(world.dir, "tmp"))).toHaveLength(1);
  await world.runtime.close();
  expect(readdirSync(join(world.dir, "tmp"))).toEqual([]);
  rmSync(world.dir, { recursive: true, force: true });
});

test("when it is closed nothing is up, and no notes are left", async () => {
  const world = openRuntime();
  await world.deploy(worker("a", answering("one")));
  await world.runtime.close();
  expect(world.cells.up).toBe(0);
  expect(readdirSync(world.dir).filter((name) => name.startsWith("watch-"))).toEqual([]);
  rmSync(world.dir, { recursive: true, force: true });
});
