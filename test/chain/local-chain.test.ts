import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type LocalChain, openChain, startLocalChain, TOKEN_ABI } from "../../chain/index.ts";
import { findAnvil } from "../../chain/local/anvil-binary.ts";

const ADDRESS = "0x00000000000000000000000000000000000000aa";
const MULTICALL3 = "0xcA11bde05977b3631167028862bE2a173976CA11";

const open = ({ rpcUrl, asset }: LocalChain) => openChain({ rpcUrl, asset });

test("a fresh chain is ready in well under a second", async () => {
  const before = performance.now();
  await using chain = await startLocalChain();
  expect(performance.now() - before).toBeLessThan(1_000);
  expect(chain.chainId).toBe(84_532);
});

test("it has Base Sepolia's USDC and Multicall3 where stock clients look for them", async () => {
  await using local = await startLocalChain();
  const { client } = await open(local);
  const token = { address: local.asset.address, abi: TOKEN_ABI } as const;
  const facts = await client.multicall({
    multicallAddress: MULTICALL3,
    allowFailure: false,
    contracts: [
      { ...token, functionName: "name" },
      { ...token, functionName: "version" },
      { ...token, functionName: "symbol" },
      { ...token, functionName: "decimals" },
      { ...token, functionName: "totalSupply" },
    ],
  });
  expect(facts).toEqual(["USDC", "2", "USDC", 6, 0n]);
});

test("funding gives exactly what is asked, also to many at once", async () => {
  await using local = await startLocalChain();
  const chain = await open(local);
  await Promise.all(Array.from({ length: 8 }, () => local.fund(ADDRESS, { usdc: 5n, ether: 7n })));
  expect(await chain.balanceOf(ADDRESS)).toBe(40n);
  expect(await chain.client.getBalance({ address: ADDRESS })).toBe(56n);
  await local.fund(ADDRESS, {});
});

test("three blocks make what came before final", async () => {
  await using local = await startLocalChain();
  const { client } = await open(local);
  await local.mine();
  await local.mine(2);
  const finalized = await client.getBlock({ blockTag: "finalized" });
  expect([await client.getBlockNumber(), finalized.number]).toEqual([3n, 1n]);
});

test("two chains side by side do not disturb each other, nor look alike", async () => {
  await using one = await startLocalChain();
  await using two = await startLocalChain();
  await one.fund(ADDRESS, { usdc: 5n });
  const [first, second] = [await open(one), await open(two)];
  expect(await second.balanceOf(ADDRESS)).toBe(0n);
  expect(await first.genesisHash()).not.toBe(await second.genesisHash());
});

test("a closed chain no longer answers, and closing twice is fine", async () => {
  const chain = await startLocalChain();
  await chain.close();
  await chain.close();
  await expect(open(chain)).rejects.toMatchObject({ code: "CHAIN_UNREACHABLE" });
  await expect(chain.fund(ADDRESS, { usdc: 1n })).rejects.toMatchObject({
    code: "CHAIN_UNREACHABLE",
  });
});

test("a port that is taken is refused with anvil's own words", async () => {
  await using server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await expect(startLocalChain({ port })).rejects.toMatchObject({
    code: "CHAIN_START_FAILED",
    problem: expect.stringMatching(/in use/i),
  });
});

test("a missing binary is named, with what to install", () => {
  expect(() => findAnvil({ platform: "plan9" })).toThrow(
    expect.objectContaining({
      code: "CHAIN_BINARY_MISSING",
      problem: expect.stringContaining("plan9"),
      nextStep: expect.stringContaining("@foundry-rs/anvil"),
    }),
  );
  expect(() => findAnvil({ from: "file:///nowhere/else.js" })).toThrow(
    expect.objectContaining({ code: "CHAIN_BINARY_MISSING" }),
  );
});

describe("with a folder", () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "purser-test-chain-"));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  test("it reopens as it was: money, history, and who it is", async () => {
    const first = await startLocalChain({ dir });
    await first.fund(ADDRESS, { usdc: 5n });
    const before = await open(first);
    const identity = await before.genesisHash();
    const [mint] = await before.client.getLogs({ address: first.asset.address, fromBlock: 0n });
    await first.close();

    await using again = await startLocalChain({ dir });
    await again.fund(ADDRESS, { usdc: 1n });
    const after = await open(again);
    expect(await after.balanceOf(ADDRESS)).toBe(6n);
    expect(await after.genesisHash()).toBe(identity);
    const hash = mint!.transactionHash;
    expect(await after.client.getTransactionReceipt({ hash })).toMatchObject({ status: "success" });
  });

  test("its clock is the present again, and never goes back", async () => {
    const present = () => BigInt(Math.floor(Date.now() / 1000));
    const first = await startLocalChain({ dir });
    await first.close();

    const second = await startLocalChain({ dir });
    const { client } = await open(second);
    await second.mine();
    expect((await client.getBlock()).timestamp - present()).toBeLessThanOrEqual(1n);
    await client.request({ method: "evm_increaseTime", params: ["0x1000"] } as never);
    await second.mine();
    const ahead = (await client.getBlock()).timestamp;
    await second.close();

    await using third = await startLocalChain({ dir });
    expect((await (await open(third)).client.getBlock()).timestamp).toBeGreaterThanOrEqual(ahead);
  });

  test("its state can be read as final right after reopening", async () => {
    const first = await startLocalChain({ dir });
    await first.fund(ADDRESS, { usdc: 5n });
    await first.close();
    await using again = await startLocalChain({ dir });
    const balance = (await open(again)).client.readContract({
      address: again.asset.address,
      abi: TOKEN_ABI,
      functionName: "balanceOf",
      args: [ADDRESS],
      blockTag: "finalized",
    });
    expect(await balance).toBe(5n);
  });

  test("a second chain in the same folder is refused while the first is open", async () => {
    await using first = await startLocalChain({ dir });
    expect(first.rpcUrl).toMatch(/^http:/);
    await expect(startLocalChain({ dir })).rejects.toMatchObject({ code: "CHAIN_DIR_IN_USE" });
  });

  test("everything it keeps lies in the folder", async () => {
    await using chain = await startLocalChain({ dir });
    await chain.mine();
    expect(readdirSync(dir).sort()).toEqual([
      "anvil.log",
      "anvil.pid",
      "chain.json",
      "lock.sqlite",
    ]);
  });
});
