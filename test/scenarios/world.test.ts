/** The local world: opens, says what failed, leaves nothing behind, and reopens where it was. */
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openBuyer, openWorld } from "../../scenarios/index.ts";
import { processesOf } from "../support/command.ts";
import { temporaryFolder } from "../support/temporary.ts";

test("it opens, closes, and reopens at the same addresses with the same money", async () => {
  using folder = temporaryFolder();
  const dir = folder.path;
  const first = await openWorld({ dir, prewarm: false });
  const { addresses, walletAddress } = first;
  const buyer = await openBuyer(first);
  expect(buyer.balance).toBe("1000.00");
  await first.close();
  await expect.poll(() => processesOf(dir)).toEqual([]);

  await using again = await openWorld({ dir, prewarm: false });
  expect(again.addresses).toEqual(addresses);
  expect(again.walletAddress).toBe(walletAddress);
  expect(await openBuyer(again)).toEqual(buyer);
  const { orchestratorUrl, facilitatorUrl, providers } = addresses;
  const answers = await Promise.all(
    [
      `${orchestratorUrl}/.well-known/jwks.json`,
      `${facilitatorUrl}/supported`,
      `${providers["cloudflare"]}/provisioning/health`,
    ].map(async (url) => (await fetch(url)).status),
  );
  expect(answers).toEqual([200, 200, 200]);
});

test("only its owner can read a secret of it", async () => {
  using folder = temporaryFolder();
  await using world = await openWorld({ dir: folder.path, prewarm: false });
  await openBuyer(world);
  for (const file of [
    "wallet/key",
    "wallet/seal",
    "wallet/nonce-secret",
    "facilitator/key",
    "buyer/key",
  ]) {
    expect(statSync(join(folder.path, file)).mode & 0o777, file).toBe(0o600);
  }
});

test("a second program cannot open the same world", async () => {
  using folder = temporaryFolder();
  await using world = await openWorld({ dir: folder.path, prewarm: false });
  await expect(openWorld({ dir: folder.path })).rejects.toMatchObject({ code: "WORLD_IN_USE" });
  expect((await fetch(`${world.addresses.facilitatorUrl}/supported`)).status).toBe(200);
});

test.each(["chain", "facilitator", "orchestrator", "cloudflare"] as const)(
  "where the port of its %s is somebody else's now, it says so",
  async (part) => {
    using folder = temporaryFolder();
    const world = await openWorld({ dir: folder.path, prewarm: false });
    await world.close();
    const { ports } = JSON.parse(readFileSync(join(folder.path, "world.json"), "utf8")) as {
      ports: Record<string, number>;
    };
    await using squatter = createServer();
    await new Promise<void>((resolve) =>
      squatter.listen(ports[part], "127.0.0.1", () => resolve()),
    );
    await expect(openWorld({ dir: folder.path })).rejects.toMatchObject({
      code: "WORLD_PORT_TAKEN",
      details: { part },
    });
    await expect.poll(() => processesOf(folder.path)).toEqual([]);
  },
);

test.each([
  ["chain", "chain"],
  ["wallet", "wallet"],
  ["facilitator", "facilitator"],
  ["orchestrator", "orchestrator"],
  ["cloudflare", "cloudflare"],
])("where its %s cannot start, the error names it and nothing stays behind", async (part, file) => {
  using folder = temporaryFolder();
  // A file where the part wants its folder.
  writeFileSync(join(folder.path, file), "");
  await expect(openWorld({ dir: folder.path })).rejects.toMatchObject({
    code: "WORLD_START_FAILED",
    nextStep: expect.stringMatching(/\w/) as string,
    details: { part },
  });
  await expect.poll(() => processesOf(folder.path)).toEqual([]);
});

test("a folder that holds something else is not taken for a world", async () => {
  using folder = temporaryFolder();
  writeFileSync(join(folder.path, "world.json"), '{"version":99}');
  await expect(openWorld({ dir: folder.path })).rejects.toMatchObject({ code: "WORLD_UNREADABLE" });
  expect(() => mkdirSync(join(folder.path, "chain"))).not.toThrow();
});

test("an interrupt while it opens closes what was started", async () => {
  using folder = temporaryFolder();
  const controller = new AbortController();
  const opening = openWorld({ dir: folder.path, signal: controller.signal });
  controller.abort();
  await expect(opening).rejects.toMatchObject({ code: "WORLD_INTERRUPTED" });
  await expect.poll(() => processesOf(folder.path)).toEqual([]);
});
