/** What the chain says of an authorization, in every way that one can end. */
import { encodeFunctionData, type Hex, type LocalAccount, multicall3Abi, toHex } from "viem";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type AuthorizationProof, readAuthorization, TOKEN_ABI } from "../../chain/index.ts";
import { clientReceipts } from "../../chain/receipt.ts";
import type { Authorization } from "../../protocol/index.ts";
import {
  newAuthorization,
  openTestChain,
  sendCall,
  sign,
  type TestChain,
  transferCall,
} from "../support/chain.ts";

const MULTICALL3 = "0xcA11bde05977b3631167028862bE2a173976CA11";

let world: TestChain;
let relayer: LocalAccount;
let payer: LocalAccount;
beforeAll(async () => {
  world = await openTestChain();
  relayer = await world.newPayer(0n, 10n ** 18n);
  payer = await world.newPayer(1_000_000n);
});
afterAll(() => world[Symbol.asyncDispose]());

const token = () => world.asset.address;

async function settle(authorization: Authorization): Promise<Hex> {
  const data = transferCall(authorization, await sign(payer, world.asset, authorization));
  return (await sendCall(world, relayer, { to: token(), data })).transactionHash;
}

async function cancel({ nonce }: Authorization): Promise<Hex> {
  const signature = await payer.signTypedData({
    domain: {
      ...world.asset.eip712,
      chainId: world.asset.chainId,
      verifyingContract: token(),
    },
    types: {
      CancelAuthorization: [
        { name: "authorizer", type: "address" },
        { name: "nonce", type: "bytes32" },
      ],
    },
    primaryType: "CancelAuthorization",
    message: { authorizer: payer.address, nonce },
  });
  const functionName = "cancelAuthorization";
  const args = [payer.address, nonce, signature] as const;
  const data = encodeFunctionData({ abi: TOKEN_ABI, functionName, args });
  return (await sendCall(world, relayer, { to: token(), data })).transactionHash;
}

test("unused: nobody has used it, and somebody still may", async () => {
  const proof = await world.chain.readAuthorization(newAuthorization(payer.address));
  expect(proof).toEqual({ state: "unused" });
});

describe("settled", () => {
  test("the money moved as signed", async () => {
    const authorization = newAuthorization(payer.address);
    const transaction = await settle(authorization);
    const first = await world.chain.readAuthorization(authorization);
    expect(first).toMatchObject({ state: "settled", transaction });
  });

  test("who asks while its transaction is being read hears the same, and who asks later has it read anew", async () => {
    const authorization = newAuthorization(payer.address);
    const transaction = await settle(authorization);
    const { client, asset } = world.chain;
    const readReceipt = vi.fn(clientReceipts(client));
    const ask = () => readAuthorization({ client, asset, authorization, transaction, readReceipt });
    const proofs = await Promise.all([ask(), ask(), ask()]);
    for (const proof of proofs) expect(proof).toMatchObject({ state: "settled", transaction });
    expect(readReceipt).toHaveBeenCalledTimes(1);
    expect(await ask()).toMatchObject({ state: "settled", transaction });
    expect(readReceipt).toHaveBeenCalledTimes(2);
  });

  test("a hint finds it, and a wrong hint changes nothing", async () => {
    const [authorization, other] = [
      newAuthorization(payer.address),
      newAuthorization(payer.address),
    ];
    const transaction = await settle(authorization);
    const wrong = await settle(other);
    const unknown = toHex(1n, { size: 32 });
    for (const hint of [transaction, wrong, unknown]) {
      const proof = await world.chain.readAuthorization(authorization, { transaction: hint });
      expect(proof).toMatchObject({ state: "settled", transaction });
    }
    const unused = newAuthorization(payer.address);
    expect(await world.chain.readAuthorization(unused, { transaction })).toEqual({
      state: "unused",
    });
  });

  test("two in one transaction are each paired with their own transfer", async () => {
    const batch = [
      newAuthorization(payer.address, { value: 1n }),
      newAuthorization(payer.address, { value: 2n }),
    ];
    const calls = await Promise.all(
      batch.map(async (authorization) => ({
        target: token(),
        allowFailure: false,
        callData: transferCall(authorization, await sign(payer, world.asset, authorization)),
      })),
    );
    const data = encodeFunctionData({
      abi: multicall3Abi,
      functionName: "aggregate3",
      args: [calls],
    });
    const { transactionHash: transaction } = await sendCall(world, relayer, {
      to: MULTICALL3,
      data,
    });
    const [first, second] = batch as [Authorization, Authorization];
    const read = (authorization: Authorization) => world.chain.readAuthorization(authorization);
    expect(await read(first)).toMatchObject({ state: "settled", transaction });
    expect(await read(second)).toMatchObject({ state: "settled", transaction });
    // The other one's transfer is in the same transaction, and does not count.
    const swapped = { ...first, to: second.to, value: second.value };
    expect(await read(swapped)).toMatchObject({ state: "used_otherwise", transaction });
  });
});

test("used otherwise: the nonce went to another recipient or amount", async () => {
  const authorization = newAuthorization(payer.address);
  const transaction = await settle(authorization);
  for (const change of [{ to: relayer.address }, { value: 9_999n }]) {
    const proof = await world.chain.readAuthorization({ ...authorization, ...change });
    expect(proof).toMatchObject({ state: "used_otherwise", transaction });
  }
});

test("cancelled: the payer took it back", async () => {
  const authorization = newAuthorization(payer.address);
  const transaction = await cancel(authorization);
  await world.local.mine(3);
  const proof = await world.chain.readAuthorization(authorization);
  expect(proof).toMatchObject({ state: "cancelled", transaction, finalized: true });
});

test("expired only once a final block is past it: neither our clock nor the newest block will do", async () => {
  await using fresh = await openTestChain();
  const { timestamp } = await fresh.chain.client.getBlock();
  const authorization = newAuthorization(payer.address, { validBefore: timestamp + 100n });
  const read = async () => (await fresh.chain.readAuthorization(authorization)).state;
  await fresh.rpc("evm_increaseTime", toHex(101));
  const seen: AuthorizationProof["state"][] = [];
  for (let blocks = 0; blocks < 3; blocks++) {
    await fresh.local.mine();
    seen.push(await read());
  }
  expect(seen).toEqual(["unused", "unused", "expired"]);
});

describe("when the chain cannot say", () => {
  test("an RPC server that does not answer proves nothing", async () => {
    const gone = await openTestChain();
    await gone.local.close();
    await expect(
      gone.chain.readAuthorization(newAuthorization(payer.address)),
    ).rejects.toMatchObject({ code: "CHAIN_UNREACHABLE" });
  });

  test("logs that are not there prove nothing", async () => {
    const authorization = newAuthorization(payer.address);
    await settle(authorization);
    await world.local.mine();
    const fromBlock = await world.chain.client.getBlockNumber();
    await expect(world.chain.readAuthorization(authorization, { fromBlock })).rejects.toMatchObject(
      { code: "CHAIN_LOGS_UNAVAILABLE" },
    );
  });
});
