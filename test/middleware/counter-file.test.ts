/** The signer's count in its file: what of it has to be on the disk, and who waits for that. */
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { accountSigner } from "../../middleware/index.ts";
import { Counter } from "../../middleware/signer/counter.ts";
import { CounterFile } from "../../middleware/signer/counter-file.ts";
import { DiskSync } from "../../middleware/signer/disk-sync.ts";
import { newIntent } from "./intents.ts";

/** The syncs that have begun: each is over when its test says so. */
let syncs: PromiseWithResolvers<void>[] = [];

beforeEach(() => {
  syncs = [];
  // A quiet moment never passes by itself.
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  vi.spyOn(DiskSync.prototype, "syncUpTo").mockImplementation(() => {
    const sync = Promise.withResolvers<void>();
    syncs.push(sync);
    return sync.promise;
  });
});
/** What a test has left under way is over before the next one begins. */
afterEach(async () => {
  for (let known = -1; known < syncs.length; await turn()) {
    known = syncs.length;
    if (vi.isFakeTimers()) vi.runAllTimers();
    for (const { resolve } of syncs) resolve();
  }
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const newPath = () => join(mkdtempSync(join(tmpdir(), "purser-counter-")), "counter");

/** One whose own first sync, of what others may have left behind, is over. */
async function openFile(): Promise<CounterFile> {
  const identity = { network: "eip155:1", asset: "0xaa", address: "0xbb" };
  const file = new CounterFile({ path: newPath(), identity, sealKey: new Uint8Array(32) });
  syncs[0]!.resolve();
  await turn();
  return file;
}

const claim = (nonce: number) => ({
  at: Date.UTC(2026, 10, 20),
  nonce: `0x${nonce.toString(16).padStart(64, "0")}` as const,
  terms: "t",
  provider: "shop",
  amount: 10n,
  maxPerProviderMonth: 100n,
  maxPerMonth: 100n,
});

/** What has become of a promise by now. */
async function stateOf(promise: Promise<unknown>): Promise<string> {
  let state = "waits";
  promise.then(
    () => (state = "over"),
    ({ code }: { code: string }) => (state = code),
  );
  await turn();
  return state;
}

test("a first signature waits for no disk, and goes there when nobody has come for a moment", async () => {
  const file = await openFile();
  const first = file.claim([claim(1)]);
  expect(first.rules).toEqual([undefined]);
  expect(await stateOf(first.mayLeave())).toBe("over");
  expect(syncs).toHaveLength(1);
  vi.advanceTimersByTime(1);
  expect(syncs).toHaveLength(2);
});

test("the next one is counted at once, takes the one before along to the disk, and leaves when that is there", async () => {
  const file = await openFile();
  file.claim([claim(1)]);
  const next = file.claim([claim(2)]);
  expect(next.rules).toEqual([undefined]);
  const left = next.mayLeave();
  expect(syncs).toHaveLength(2);
  expect(await stateOf(left)).toBe("waits");
  syncs[1]!.resolve();
  expect(await stateOf(left)).toBe("over");
  vi.runAllTimers();
  expect(syncs).toHaveLength(2);
});

test("what comes while a sync is under way shares the next, and is counted as kept after that", async () => {
  const file = await openFile();
  file.claim([claim(1)]);
  vi.advanceTimersByTime(1);
  const [second, third, fourth] = [2, 3, 4].map((nonce) => file.claim([claim(nonce)]));
  const [left, size] = [[third!, fourth!].map((one) => one.mayLeave()), file.size()];
  syncs[1]!.resolve();
  expect(await stateOf(second!.mayLeave())).toBe("over");
  expect(await stateOf(Promise.race(left))).toBe("waits");
  syncs[2]!.resolve();
  expect(await stateOf(Promise.all(left))).toBe("over");
  expect(await size).toBe(4);
  vi.runAllTimers();
  expect(syncs).toHaveLength(3);
});

test("where the disk fails, what waits for it does not leave, and nothing more is granted", async () => {
  const file = await openFile();
  file.claim([claim(1)]);
  const next = file.claim([claim(2)]);
  syncs[1]!.reject(new Error("EIO"));
  expect(await stateOf(next.mayLeave())).toBe("SIGNER_COUNTER_INVALID");
  expect(() => file.claim([claim(3)])).toThrow("cannot be brought to the disk");
});

test("a signer hands out no signature while the batch before it is not on the disk", async () => {
  const account = privateKeyToAccount(generatePrivateKey());
  const signer = accountSigner(account, { counterFile: newPath() });
  await turn();
  const signature = signer.sign(newIntent({ from: account.address }));
  expect(syncs).toHaveLength(1);
  expect(await stateOf(signature)).toBe("waits");
  syncs[0]!.resolve();
  expect(await signature).toMatch(/^0x/);
});

test("what is asked for while a batch waits for the disk is counted once that has left, together", async () => {
  const account = privateKeyToAccount(generatePrivateKey());
  const counterFile = newPath();
  const signer = accountSigner(account, { counterFile });
  const lines = () => readFileSync(counterFile, "utf8").split("\n").length - 1;
  const signatures: Promise<string>[] = [];
  for (const nonce of [1, 2, 3]) {
    signatures.push(signer.sign(newIntent({ from: account.address, nonce: claim(nonce).nonce })));
    await turn();
    expect(lines()).toBe(2);
  }
  syncs[0]!.resolve();
  await vi.waitUntil(() => syncs.length > 1);
  expect(lines()).toBe(4);
  syncs[1]!.resolve();
  expect(new Set(await Promise.all(signatures)).size).toBe(3);
});

test("where the disk fails it hands out none at all, and says why", async () => {
  const account = privateKeyToAccount(generatePrivateKey());
  const signer = accountSigner(account, { counterFile: newPath() });
  await turn();
  const intent = newIntent({ from: account.address });
  const signature = signer.sign(intent);
  syncs[0]!.reject(new Error("EIO"));
  const refusal = expect.objectContaining({ code: "SIGNER_COUNTER_INVALID" });
  await expect(signature).rejects.toThrow(refusal);
  await expect(signer.sign(intent)).rejects.toThrow(refusal);
});

test("many that are asked for at once are all signed and counted, some at a time", async () => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  const account = privateKeyToAccount(generatePrivateKey());
  const signer = accountSigner(account, { counterFile: newPath() });
  const intents = Array.from({ length: 40 }, (_, index) =>
    newIntent({ from: account.address, nonce: claim(index).nonce }),
  );
  const signatures = await Promise.all(intents.map((intent) => signer.sign(intent)));
  expect(new Set(signatures).size).toBe(40);
  expect(await signer.counted?.()).toBe(40);
});

test("a signature that never comes holds up nobody who asks later", async () => {
  const account = privateKeyToAccount(generatePrivateKey());
  const [lost, good] = [1, 2].map((nonce) =>
    newIntent({ from: account.address, nonce: claim(nonce).nonce }),
  );
  const signer = accountSigner({
    address: account.address,
    signTypedData: ({ message }: { message: Record<string, unknown> }) =>
      message["nonce"] === lost!.authorization.nonce
        ? Promise.withResolvers<never>().promise
        : Promise.resolve("0x01" as const),
  } as never);
  void signer.sign(lost!);
  await turn();
  expect(await signer.sign(good!)).toBe("0x01");
});

test("a claim of an earlier time opens no earlier month", () => {
  const counter = new Counter();
  const december = Date.UTC(2026, 11, 1);
  counter.count({ ...claim(1), at: december });
  counter.count({ ...claim(2), at: december - 1 });
  expect(counter.latest).toBe(december);
  expect(counter.totals(december - 1)).toEqual(counter.totals(december));
  expect(counter.totals(december)).toEqual({
    month: "2026-12",
    total: 10n,
    providers: { shop: 10n },
  });
});
