import { getAddress } from "viem";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openChain } from "../../chain/index.ts";
import { BASE_USDC } from "../../protocol/index.ts";
import {
  newAuthorization,
  openTestChain,
  sendCall,
  sign,
  type TestChain,
  transferCall,
} from "../support/chain.ts";

let world: TestChain;
beforeAll(async () => {
  world = await openTestChain();
});
afterAll(() => world[Symbol.asyncDispose]());

test("an RPC server of another chain than the asset is refused", async () => {
  await expect(openChain({ rpcUrl: world.rpcUrl, asset: BASE_USDC })).rejects.toMatchObject({
    code: "CHAIN_MISMATCH",
    details: { expected: "8453", actual: "84532" },
  });
});

test("an RPC server that is not there is named without its address, which may hold a key", async () => {
  const rpcUrl = "http://127.0.0.1:1/v2/very-secret-key";
  const error = await openChain({ rpcUrl, asset: world.asset }).catch((error: unknown) => error);
  expect(error).toMatchObject({ code: "CHAIN_UNREACHABLE" });
  expect(`${JSON.stringify(error)} ${(error as Error).stack}`).not.toContain("very-secret-key");
});

test("every transfer out of an address is listed, to the unit and in order", async () => {
  const relayer = await world.newPayer(0n, 10n ** 18n);
  const payer = await world.newPayer(1_000n);
  const stranger = await world.newPayer(1_000n);
  const [to, other] = [getAddress("0x00000000000000000000000000000000000000cc"), relayer.address];
  const sent = [];
  for (const [from, fields] of [
    [payer, { to, value: 1n }],
    [payer, { to: other, value: 20n }],
    [stranger, { to, value: 300n }],
    [payer, { to, value: 400n }],
  ] as const) {
    const authorization = newAuthorization(from.address, fields);
    const data = transferCall(authorization, await sign(from, world.asset, authorization));
    const receipt = await sendCall(world, relayer, { to: world.asset.address, data });
    const { transactionHash: transaction, blockNumber } = receipt;
    sent.push({ from: from.address, ...fields, transaction, blockNumber });
  }
  const [first, second, , fourth] = sent;
  expect(await world.chain.transfersFrom(payer.address)).toEqual([first, second, fourth]);
  expect(await world.chain.transfersBetween(payer.address, to)).toEqual([first, fourth]);
  const fromBlock = second!.blockNumber;
  const later = await world.chain.transfersFrom(payer.address, { fromBlock });
  expect(later).toEqual([second, fourth]);
});

test("now is the newest block's time", async () => {
  const before = await world.chain.now();
  await world.advance(1_000);
  expect((await world.chain.now()) - before).toBeGreaterThanOrEqual(1_000n);
});
