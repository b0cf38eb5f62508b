/** Keys that change while providers keep what they have read of them for minutes, and mandates for a month. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalJWKSet } from "jose";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openSigningKeys } from "../../orchestrator/signing-keys.ts";
import { signRequest, verifyRequestSignature } from "../../protocol/index.ts";
import { codeOf, openDeskWorld } from "./desk-world.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const ISSUER = "https://orchestrator.example";

let dir: string;
let clock: number;
const now = () => clock;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "purser-keys-"));
  clock = Date.UTC(2026, 10, 2);
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));
const open = () => openSigningKeys(join(dir, "keys.json"), now);

test("a new key is published ten minutes before it signs", async () => {
  const keys = await open();
  const before = keys.current().kid;
  await keys.rotate();
  expect(keys.published()).toHaveLength(2);
  clock += 10 * MINUTE - 1;
  expect(keys.current().kid).toBe(before);
  clock += 1;
  expect(keys.current().kid).not.toBe(before);
  expect(keys.published().map(({ kid }) => kid)).toEqual([before, keys.current().kid]);
});

test("at no moment does a provider that keeps keys for five minutes meet a signature that it cannot check", async () => {
  const keys = await open();
  let held = createLocalJWKSet(keys.jwks());
  let readAt = clock;
  for (let minute = 0; minute < 40; minute += 1) {
    if (minute === 3 || minute === 20) await keys.rotate();
    if (clock - readAt >= 5 * MINUTE) {
      held = createLocalJWKSet(keys.jwks());
      readAt = clock;
    }
    const request = { method: "GET", url: "https://p.example/", body: "" };
    const signature = await signRequest(request, {
      key: keys.current(),
      issuer: ISSUER,
      now: clock,
      id: `id-${minute}-xxxxxxxx`,
    });
    const check = { keys: held, issuer: ISSUER, now: clock };
    await expect(verifyRequestSignature(signature, request, check)).resolves.toMatchObject({
      iss: ISSUER,
    });
    clock += MINUTE;
  }
});

test("an old key stays published until the last mandate that it signed has ended, and is then forgotten", async () => {
  const keys = await open();
  const old = keys.current().kid;
  await keys.rotate();
  const has = () => keys.published().some(({ kid }) => kid === old);
  clock += 10 * MINUTE + 31 * DAY;
  expect(has()).toBe(true);
  clock += DAY;
  expect(has()).toBe(false);
  await keys.rotate();
  expect(readFileSync(join(dir, "keys.json"), "utf8")).not.toContain(old);
});

test("what was rotated is so after a restart, in a file that only its owner may read", async () => {
  await (await open()).rotate();
  clock += 10 * MINUTE;
  const [one, two] = [await open(), await open()];
  expect(one.current().kid).toBe(two.current().kid);
  expect(one.published()).toHaveLength(2);
  expect(statSync(join(dir, "keys.json")).mode & 0o777).toBe(0o600);
});

test("a key that is about to end is followed by itself when the keys are opened", async () => {
  const first = (await open()).current().kid;
  clock += 340 * DAY;
  const keys = await open();
  expect(keys.published()).toHaveLength(2);
  expect(keys.current().kid).toBe(first);
  clock += 10 * MINUTE;
  expect(keys.current().kid).not.toBe(first);
});

test("a file of an earlier version, whose key says no hour, signs", async () => {
  const { kid } = (await open()).current();
  const path = join(dir, "keys.json");
  const file = JSON.parse(readFileSync(path, "utf8")) as { keys: Record<string, unknown>[] };
  delete file.keys[0]!["signs_from"];
  writeFileSync(path, JSON.stringify(file));
  expect((await open()).current().kid).toBe(kid);
});

test("an orchestrator that rotates goes on with the accounts it has and opens new ones", async () => {
  await using world = await openDeskWorld();
  const agent = world.startAgent();
  expect((await agent.post("/connections", { provider: "harbour" })).status).toBe(200);
  await world.server.orchestrator.rotateKeys();
  for (const later of [0, 5 * MINUTE, 6 * MINUTE]) {
    world.clock.now += later;
    const project = world.server.orchestrator.createProject({ name: `after ${later}` }).id;
    const other = world.startAgent({ project });
    const answer = await other.post("/connections", { provider: "harbour" });
    expect([answer.status, codeOf(answer)]).toEqual([200, undefined]);
  }
});
