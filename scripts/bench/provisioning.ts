/**
 * What an agent waits for before it can work: a service with a new account, two hundred of them at once, and the catalog of many
 * providers. Orchestrator and provider are real and durable, in this process, and talk over loopback.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startOrchestrator } from "../../orchestrator/index.ts";
import { BASE_SEPOLIA_USDC, Secret } from "../../protocol/index.ts";
import { startProvider } from "../../provider/index.ts";
import { openLedger } from "../../store/index.ts";
import { GREENHOUSE } from "../../test/provider/greenhouse.ts";
import { type Bench, median } from "./bench.ts";
import { keptHeap } from "./kept-heap.ts";
import { openThinClient } from "./thin-client.ts";

const ISSUER = "https://orchestrator.bench";
const PAY_TO = `0x${"c3".repeat(20)}` as const;
const WARM = 20;
const ADDS = 150;
const AT_ONCE = 200;
const WAVES = 8;
/** Until what is read and compiled once is there. */
const WARM_WAVES = 3;
const PROVIDERS = 200;
const SERVICES = 25;
const READS = 30;

export const PROVISIONING: readonly Bench[] = [
  {
    name: "add a free service with a new account",
    unit: "ms",
    target: 60,
    better: "lower",
    async measure() {
      await using world = await openWorld();
      const times: number[] = [];
      for (let round = 0; round < WARM + ADDS; round += 1) {
        const add = world.newUser();
        const start = performance.now();
        await add();
        if (round >= WARM) times.push(performance.now() - start);
      }
      return {
        ours: median(times),
        note: "account request, code, token and resource, all durable",
      };
    },
  },
  {
    name: "200 adds at once",
    unit: "errors",
    target: 0,
    better: "lower",
    async measure() {
      const { errors, rate } = await measureWaves();
      return { ours: errors, note: `${rate.toFixed(0)} adds/s over ${WAVES} waves` };
    },
  },
  {
    name: "heap kept by 200 adds at once",
    unit: "MiB",
    target: 0.5,
    better: "lower",
    async measure() {
      const { heap } = await measureWaves();
      const [settled = 0] = heap.slice(WARM_WAVES - 1);
      const grown = (heap.at(-1) ?? settled) - settled;
      const each = heap.map((mebibytes) => mebibytes.toFixed(1)).join(", ");
      return {
        ours: Math.max(0, grown / (WAVES - WARM_WAVES)),
        note: `a wave, garbage collected, after ${WARM_WAVES}; after each of ${WAVES} waves: ${each} MiB`,
      };
    },
  },
  {
    name: "catalog of 5,000 services from cache",
    unit: "ms",
    target: 10,
    better: "lower",
    async measure() {
      await using world = await openFullWorld();
      const times: number[] = [];
      for (let read = 0; read < READS; read += 1) {
        const start = performance.now();
        const { bytes } = await world.readCatalog();
        times.push(performance.now() - start);
        if (bytes < 1_000_000) throw new Error(`only ${bytes} bytes`);
      }
      return {
        ours: median(times),
        note: "over HTTP, the whole list, its bytes read into one buffer, and not parsed",
      };
    },
  },
  {
    name: "catalog of 5,000 services that has not changed",
    unit: "ms",
    target: 10,
    better: "lower",
    async measure() {
      await using world = await openFullWorld();
      const { head } = await world.readCatalog();
      const etag = /etag: (\S+)/i.exec(head)?.[1] ?? "";
      const times: number[] = [];
      for (let read = 0; read < READS; read += 1) {
        const start = performance.now();
        const { status } = await world.readCatalog(etag);
        times.push(performance.now() - start);
        if (status !== 304) throw new Error(`answered ${status}`);
      }
      return { ours: median(times), note: "over HTTP, asked with the list's ETag" };
    },
  },
];

interface Waves {
  errors: number;
  /** Adds a second. */
  rate: number;
  /** In MiB, after each wave. */
  heap: readonly number[];
}

let waves: Promise<Waves> | undefined;

/** Measured once, for the rows that tell of it. */
function measureWaves(): Promise<Waves> {
  return (waves ??= addInWaves());
}

async function addInWaves(): Promise<Waves> {
  await using world = await openWorld();
  const heap: number[] = [];
  let errors = 0;
  let spentMs = 0;
  for (let wave = 0; wave < WAVES; wave += 1) {
    const adds = Array.from({ length: AT_ONCE }, () => world.newUser());
    const start = performance.now();
    const ended = await Promise.allSettled(adds.map((add) => add()));
    spentMs += performance.now() - start;
    errors += ended.filter(({ status }) => status === "rejected").length;
    heap.push(keptHeap());
  }
  return { errors, rate: (WAVES * AT_ONCE * 1000) / spentMs, heap };
}

async function openWorld() {
  await using stack = new AsyncDisposableStack();
  const dir = mkdtempSync(join(tmpdir(), "purser-bench-"));
  stack.defer(() => rmSync(dir, { recursive: true, force: true }));
  const bytesKey = new Secret(new Uint8Array(32));
  const ledger = openLedger({ path: join(dir, "ledger.db"), bytesKey });
  stack.defer(() => ledger.close());
  const { url, orchestrator } = stack.use(
    await startOrchestrator({ dir: join(dir, "orchestrator"), issuer: ISSUER, ledger }),
  );
  const provider = stack.use(
    await startProvider(GREENHOUSE, {
      dir: join(dir, "provider"),
      facilitatorUrl: "http://127.0.0.1:9",
      payTo: PAY_TO,
      asset: BASE_SEPOLIA_USDC,
      trust: [{ issuer: ISSUER, clientId: ISSUER, keysUrl: `${url}/.well-known/jwks.json` }],
    }),
  );
  orchestrator.addProvider(provider.url);
  await orchestrator.catalog();
  let users = 0;
  const expiresAt = Date.now() + 3_600_000;
  const newSession = () => {
    const id = `usr_${(users += 1)}`;
    const user = { id, email: `${id}@example.com`, name: id, emailVerified: true };
    const token = orchestrator.startSession({ user, agent: "bench", expiresAt }).reveal();
    return { user, headers: { authorization: `Bearer ${token}` } };
  };
  const { headers: reader } = newSession();
  const client = stack.use(await openThinClient(url));
  const readCatalog = (etag?: string) =>
    client.get("/v1/services", {
      ...reader,
      ...(etag === undefined ? {} : { "if-none-match": etag }),
    });
  const parts = stack.move();
  return {
    orchestrator,
    readCatalog,
    services: async () => {
      const response = await fetch(`${url}/v1/services`, { headers: reader });
      const { data } = (await response.json()) as { data: { services: unknown[] } };
      return data.services;
    },
    /** A user nobody has heard of; the call adds a service for them. */
    newUser: () => {
      const { user, headers } = newSession();
      const { id } = orchestrator.createProject({ name: "bench", user });
      const order = {
        service: "greenhouse/pot:small",
        idempotency_key: "one",
        accept_terms: GREENHOUSE.termsVersion,
      };
      return async () => {
        const response = await fetch(`${url}/v1/projects/${id}/resources`, {
          method: "POST",
          headers: { ...headers, "content-type": "application/json" },
          body: JSON.stringify(order),
        });
        const text = await response.text();
        if (response.status !== 200) throw new Error(text);
      };
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

/** With so many providers and services that the list of them is long, all of them read. */
async function openFullWorld() {
  await using stack = new AsyncDisposableStack();
  const world = stack.use(await openWorld());
  const many = stack.use(await startManyProviders());
  for (const url of many.urls) world.orchestrator.addProvider(url);
  const { length } = await world.services();
  if (length < PROVIDERS * SERVICES) throw new Error(`only ${length} services were read`);
  const parts = stack.move();
  return { ...world, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

/** One server with a provider's catalog below each of its paths. */
async function startManyProviders() {
  const server = createServer((request, response) => {
    const id = request.url?.split("/")[1] ?? "";
    const service = (number: number) => ({
      id: `service-${number}`,
      description: `What ${id} sells as its number ${number}, described in a sentence of usual length.`,
      categories: ["database"],
      pricing: { type: "free" },
      configuration_schema: { type: "object", properties: { name: { type: "string" } } },
    });
    const provider = {
      id,
      name: `Provider ${id}`,
      tos_url: "https://example.com/terms",
      tos_version: "1",
      issuer: "http://127.0.0.1",
      payment: { pay_to: [PAY_TO], assets: [] },
    };
    const data = Array.from({ length: SERVICES }, (_, number) => service(number));
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ provider, data }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    urls: Array.from({ length: PROVIDERS }, (_, number) => `http://127.0.0.1:${port}/p${number}`),
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
