/** Ring 3 against servers that are programs: the tester starts, kills and starts them again, and they must remember what was paid. */
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  check,
  type Harness,
  openHarness,
  servedCommand,
  startServed,
} from "../../conformance/index.ts";
import { freePort } from "../support/free-port.ts";
import { temporaryFolder } from "../support/temporary.ts";
import type { Listening } from "../middleware/shop.ts";
import { openReference } from "./reference-server.ts";
import { RESTART_MUTANTS } from "./ring3-mutants.ts";

const IDS = ["RPLY-06", "IDEM-09", "WORK-09"];

interface Served extends AsyncDisposable {
  readonly url: string;
  readonly harness: Harness;
}

async function serve(program: string, fault?: string): Promise<Served> {
  await using opened = new AsyncDisposableStack();
  const folder = opened.use(temporaryFolder());
  const url = `http://127.0.0.1:${await freePort()}/paid`;
  const DATABASE = join(folder.path, "sales");
  const own = { PORT: new URL(url).port, DATABASE, ...(fault !== undefined && { FAULT: fault }) };
  const harness = opened.use(
    await openHarness({
      patienceMs: 5_000,
      server: (settings) =>
        servedCommand({
          command: `exec "${process.execPath}" ${join(import.meta.dirname, program)}`,
          cwd: process.cwd(),
          env: process.env,
          settings: { ...settings, ...own },
          url,
        }),
    }),
  );
  expect(await harness.server?.start()).toBe(true);
  const held = opened.move();
  return { url, harness, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

const verdicts = (report: Awaited<ReturnType<typeof check>>) =>
  report.results.map(({ id, profile, verdict, seen }) => `${id} ${profile} ${verdict}: ${seen}`);

describe.concurrent("a server that is killed", () => {
  test("has nothing to mend where it is behind our paywall", async () => {
    await using served = await serve("reference-child.ts");
    const profiles = ["x402-v2"] as const;
    const only = ["RPLY-06", "IDEM-09"];
    const report = await check({ ...served, ring: 3, only, profiles });
    expect(verdicts(report)).toEqual(
      only.map((id) => expect.stringMatching(new RegExp(`^${id} x402-v2 pass`))),
    );
  });

  test("and comes up while its facilitator is down opens no door of our paywall", async () => {
    let shop: Listening | undefined;
    const port = await freePort();
    await using harness = await openHarness({
      patienceMs: 5_000,
      server: ({ FACILITATOR_URL = "", WITNESS_URL = "" }) => ({
        async start() {
          const urls = { facilitatorUrl: FACILITATOR_URL, witnessUrl: WITNESS_URL };
          shop = await openReference({ ...urls, port, facilitatorTimeoutMs: 500 });
          return true;
        },
        kill: async () => shop?.[Symbol.asyncDispose](),
      }),
    });
    await harness.server?.start();
    const url = `http://127.0.0.1:${port}/paid`;
    const report = await check({ url, harness, ring: 3, only: ["WORK-09"] });
    expect(verdicts(report)).toEqual([expect.stringMatching(/^WORK-09 x402-v2 pass/)]);
  });

  test("has nothing to mend where it writes its sales down", async () => {
    await using served = await serve("ring3-child.ts");
    const report = await check({ ...served, ring: 3, only: IDS });
    expect(verdicts(report)).toEqual(
      IDS.map((id) => expect.stringMatching(new RegExp(`^${id} x402-v2 pass`))),
    );
  });

  test.each(RESTART_MUTANTS)("fails where it %s: %j", async (fault, kills) => {
    await using served = await serve("ring3-child.ts", fault);
    const report = await check({ ...served, ring: 3, only: kills });
    expect(verdicts(report)).toEqual(
      kills.map((id) => expect.stringMatching(new RegExp(`^${id} x402-v2 fail`))),
    );
  });
});

describe("a command that serves nothing", () => {
  const options = { cwd: process.cwd(), env: process.env, settings: {} };

  test("is refused with its own last words", async () => {
    const url = `http://127.0.0.1:${await freePort()}/paid`;
    const server = servedCommand({ ...options, url, command: "echo no such shop >&2; exit 3" });
    await expect(startServed(server, url)).rejects.toMatchObject({
      code: "CHECK_SERVE_FAILED",
      message: expect.stringContaining("no such shop") as string,
    });
  });

  test("is waited for no longer than was said", async () => {
    const url = `http://127.0.0.1:${await freePort()}/paid`;
    const server = servedCommand({ ...options, url, command: "sleep 60" });
    expect(await server.start(200.5)).toBe(false);
  });

  test("is refused where something answers there already", async () => {
    const other = createServer((socket) => void socket.end("HTTP/1.1 204 No Content\r\n\r\n"));
    const { promise, resolve } = Promise.withResolvers<void>();
    other.listen(0, "127.0.0.1", resolve);
    await promise;
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}/paid`;
    const server = servedCommand({ ...options, url, command: "sleep 5" });
    await expect(startServed(server, url)).rejects.toMatchObject({ code: "CHECK_SERVE_FAILED" });
    other.close();
  });
});
