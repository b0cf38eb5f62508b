/** kill -9 at each step of a settlement; whoever starts again with the same folder settles each payment once and answers for it. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Hex, toHex } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type SettleAnswer, startFacilitator } from "../../facilitator/index.ts";
import { openTestChain, type TestChain } from "../support/chain.ts";
import { newRequest, post } from "./facilitator-world.ts";
import { bundled } from "../support/bundled.ts";

const folder = mkdtempSync(join(tmpdir(), "purser-facilitator-kill-"));
let chain: TestChain;
beforeAll(async () => {
  chain = await openTestChain();
});
afterAll(async () => {
  await chain[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

async function newGasKey(): Promise<Hex> {
  const key = generatePrivateKey();
  await chain.local.fund(privateKeyToAccount(key).address, { ether: 10n ** 18n });
  return key;
}

/** Starts one, and resolves when it listens. */
async function startChild(dir: string, key: Hex, ...rest: string[]) {
  const program = await bundled(new URL("facilitator-child.ts", import.meta.url));
  const env = { PATH: process.env["PATH"], GAS_KEY: key };
  const child: ChildProcess = spawn(process.execPath, [program, chain.rpcUrl, dir, ...rest], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise<NodeJS.Signals | null>((resolve) =>
    child.once("close", (_, signal) => resolve(signal)),
  );
  const [line] = (await child.stdout!.take(1).toArray()) as Buffer[];
  const url = String(line).trim();
  const kill = async () => {
    child.kill("SIGKILL");
    await ended;
  };
  return { url, ended, kill, [Symbol.asyncDispose]: kill };
}

const settle = (url: string, body: unknown) => post(`${url}/settle`, body) as Promise<SettleAnswer>;

/** Some payments of one payer, each to somebody else. */
async function newPayments(count: number) {
  const payer = await chain.newPayer(BigInt(count) * 10_000n);
  return Promise.all(Array.from({ length: count }, () => newRequest({ chain, payer })));
}

async function expectEachPaidOnce(payments: Awaited<ReturnType<typeof newPayments>>) {
  for (const { authorization } of payments) {
    const { from, to } = authorization;
    const transfers = await chain.chain.transfersBetween(from, to);
    expect(transfers.map(({ value }) => value)).toEqual([10_000n]);
  }
}

test.each([
  ["once a payment is verified", "verified"],
  ["once a transaction is recorded, before it leaves", "sent"],
  ["once a transaction is mined, before anybody is told", "concluded"],
  ["before the first answer leaves", "settled"],
])("killed %s: each payment settles once, and asking again answers for it", async (_, killAt) => {
  const dir = mkdtempSync(join(folder, "at-"));
  const key = await newGasKey();
  const payments = await newPayments(5);
  await using doomed = await startChild(dir, key, killAt);
  const asked = payments.map(async ({ body }) => {
    if (killAt === "verified") await post(`${doomed.url}/verify`, body);
    return settle(doomed.url, body);
  });
  const outcomes = await Promise.allSettled(asked);
  expect(await doomed.ended).toBe("SIGKILL");
  expect(outcomes.some(({ status }) => status === "rejected")).toBe(true);

  await using again = await startChild(dir, key);
  const answers = await Promise.all(payments.map(({ body }) => settle(again.url, body)));
  expect(answers.map(({ success }) => success)).toEqual(payments.map(() => true));
  expect(await Promise.all(payments.map(({ body }) => settle(again.url, body)))).toEqual(answers);
  await expectEachPaidOnce(payments);
});

test("killed while its transaction waits for a block: the one that was sent settles it", async () => {
  const dir = mkdtempSync(join(folder, "waiting-"));
  const key = await newGasKey();
  const payments = await newPayments(2);
  await using doomed = await startChild(dir, key, "never", "50");
  await chain.rpc("evm_setAutomine", false);
  const pool = () => chain.rpc("txpool_status");
  const asked: Promise<unknown>[] = [];
  // One after the other: what comes in one moment would share a transaction.
  for (const [at, { body }] of payments.entries()) {
    asked.push(settle(doomed.url, body).catch(() => undefined));
    const pending = toHex(at + 1);
    await expect.poll(pool, { interval: 20, timeout: 10_000 }).toMatchObject({ pending });
  }
  await doomed.kill();
  await Promise.all(asked);
  await using again = await startChild(dir, key);
  await chain.rpc("evm_setAutomine", true);
  await chain.local.mine();
  const answers = await Promise.all(payments.map(({ body }) => settle(again.url, body)));
  expect(answers.map(({ success }) => success)).toEqual([true, true]);
  await expectEachPaidOnce(payments);
  const { address } = privateKeyToAccount(key);
  expect(await chain.rpc("eth_getTransactionCount", address, "latest")).toBe(toHex(2));
});

test("a folder that a living facilitator has open is refused, and free once that one is killed", async () => {
  const dir = mkdtempSync(join(folder, "shared-"));
  const key = await newGasKey();
  const start = () => startFacilitator({ rpcUrl: chain.rpcUrl, dir, privateKey: key });
  await using first = await startChild(dir, key);
  await expect(start()).rejects.toMatchObject({ code: "FACILITATOR_IN_USE" });
  await first.kill();
  await using second = await start();
  expect(second.url).toContain("http://127.0.0.1:");
});

test("two processes with one key and no common folder get in each other's way, and still settle all, once", async () => {
  const key = await newGasKey();
  await using one = await startChild(mkdtempSync(join(folder, "one-")), key);
  await using two = await startChild(mkdtempSync(join(folder, "two-")), key);
  const payments = await newPayments(24);
  const ask = async ({ body }: (typeof payments)[number], at: number) => {
    const { url } = at % 2 === 0 ? one : two;
    const answer = await settle(url, body);
    // "Not now" and "not yet" are answers too: the seller asks again with the same payment.
    return answer.success ? answer : settle(url, body);
  };
  const answers = await Promise.all(payments.map(ask));
  expect(answers.filter(({ success }) => !success)).toEqual([]);
  await expectEachPaidOnce(payments);
});
