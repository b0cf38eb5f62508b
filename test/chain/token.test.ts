/** The token against EIP-3009 and the revert reasons of Circle's FiatToken, through viem's own signing. */
import {
  type Address,
  encodeFunctionData,
  type Hex,
  type LocalAccount,
  parseAbi,
  parseSignature,
  serializeSignature,
  toHex,
} from "viem";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TOKEN_ABI } from "../../chain/index.ts";
import { authorizationTypedData, type Authorization } from "../../protocol/index.ts";
import {
  newAuthorization,
  newSmartWallet,
  openTestChain,
  sendCall,
  sign,
  type TestChain,
  transferCall,
} from "../support/chain.ts";

let world: TestChain;
let relayer: LocalAccount;
let payer: LocalAccount;
beforeAll(async () => {
  world = await openTestChain();
  relayer = await world.newPayer(0n, 10n ** 18n);
  payer = await world.newPayer(1_000_000n);
});
afterAll(() => world[Symbol.asyncDispose]());

/** Asks the token as the relayer would, without sending: the revert reason, or undefined. */
async function reasonOf(data: Hex, from: Address = relayer.address): Promise<string | undefined> {
  const call = { account: from, to: world.asset.address, data };
  return world.chain.client.call(call).then(
    () => undefined,
    (error: { shortMessage: string; details: string }) => `${error.shortMessage} ${error.details}`,
  );
}

const send = (data: Hex, from = relayer) =>
  sendCall(world, from, { to: world.asset.address, data });
const signed = (authorization: Authorization) => sign(payer, world.asset, authorization);
const moved = async ({ to }: Authorization) => world.chain.balanceOf(to);
const parts = (a: Authorization) =>
  [a.from, a.to, a.value, a.validAfter, a.validBefore, a.nonce] as const;

/** The other form of the same signature, which a stranger could make. */
function malleate(signature: Hex): Hex {
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
  const { r, s, yParity } = parseSignature(signature);
  return serializeSignature({ r, s: toHex(order - BigInt(s), { size: 32 }), yParity: 1 - yParity });
}

describe("transferWithAuthorization", () => {
  test("moves the money once, by a signature in one piece", async () => {
    const authorization = newAuthorization(payer.address);
    const call = transferCall(authorization, await signed(authorization));
    expect(await send(call)).toMatchObject({ status: "success" });
    expect(await moved(authorization)).toBe(10_000n);
    expect(await reasonOf(call)).toContain("FiatTokenV2: authorization is used or canceled");
    expect(await send(call)).toMatchObject({ status: "reverted" });
  });

  test("moves the money by a signature in parts", async () => {
    const authorization = newAuthorization(payer.address);
    const { r, s, v } = parseSignature(await signed(authorization));
    const args = [...parts(authorization), Number(v), r, s] as const;
    const functionName = "transferWithAuthorization";
    await send(encodeFunctionData({ abi: TOKEN_ABI, functionName, args }));
    expect(await moved(authorization)).toBe(10_000n);
  });

  test("says so in its logs: first AuthorizationUsed, then its Transfer", async () => {
    const authorization = newAuthorization(payer.address);
    const receipt = await send(transferCall(authorization, await signed(authorization)));
    const names = receipt.logs.map(({ topics }) => topics[0]);
    const selectors = [
      "0x98de503528ee59b575ef0c0a2576a82497bfc029a5685b209e9ec333479b10a5",
      "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef",
    ];
    expect(names).toEqual(selectors);
  });

  const REFUSED: [string, Partial<Authorization>, string][] = [
    ["not valid yet", { validAfter: 2n ** 40n }, "FiatTokenV2: authorization is not yet valid"],
    ["expired", { validBefore: 1n }, "FiatTokenV2: authorization is expired"],
    ["more than the payer has", { value: 10n ** 12n }, "ERC20: transfer amount exceeds balance"],
  ];
  test.each(REFUSED)("refuses one that is %s", async (_, fields, reason) => {
    const authorization = newAuthorization(payer.address, fields);
    expect(await reasonOf(transferCall(authorization, await signed(authorization)))).toContain(
      reason,
    );
  });

  test("both bounds of its window are exclusive", async () => {
    const { timestamp } = await world.chain.client.getBlock();
    for (const fields of [{ validAfter: timestamp }, { validBefore: timestamp }]) {
      const authorization = newAuthorization(payer.address, fields);
      const call = transferCall(authorization, await signed(authorization));
      const at = { account: relayer.address, to: world.asset.address, data: call };
      await expect(
        world.chain.client.call({ ...at, blockOverrides: { time: timestamp } }),
      ).rejects.toThrow(/not yet valid|expired/);
    }
  });

  const CHANGES: [string, Partial<Authorization>][] = [
    ["recipient", { to: "0x00000000000000000000000000000000000000bb" }],
    ["amount", { value: 10_001n }],
    ["nonce", { nonce: toHex(1n, { size: 32 }) }],
    ["deadline", { validBefore: 2n ** 40n }],
  ];
  test.each(CHANGES)("refuses a signature over another %s", async (_, change) => {
    const authorization = newAuthorization(payer.address);
    const call = transferCall({ ...authorization, ...change }, await signed(authorization));
    expect(await reasonOf(call)).toContain("FiatTokenV2: invalid signature");
  });

  test("refuses the second form of a signature, and other lengths", async () => {
    const authorization = newAuthorization(payer.address);
    const signature = await signed(authorization);
    expect(await reasonOf(transferCall(authorization, malleate(signature)))).toContain(
      "signature 's' value",
    );
    expect(await reasonOf(transferCall(authorization, `${signature}00`))).toContain(
      "signature length",
    );
  });
});

describe("a payer with code", () => {
  test("is asked itself (ERC-1271)", async () => {
    const wallet = await newSmartWallet(world, 50_000n);
    const authorization = newAuthorization(wallet);
    expect(await reasonOf(transferCall(authorization, "0x41"))).toContain("invalid signature");
    await send(transferCall(authorization, "0x42"));
    expect(await moved(authorization)).toBe(10_000n);
  });
});

describe("receiveWithAuthorization", () => {
  const RECEIVE = "ReceiveWithAuthorization";
  test("is for the payee alone, by both kinds of signature", async () => {
    const payee = await world.newPayer(0n, 10n ** 18n);
    for (const inParts of [false, true]) {
      const authorization = newAuthorization(payer.address, { to: payee.address });
      const data = authorizationTypedData(world.asset, authorization);
      const fields = data.types.TransferWithAuthorization;
      const types = { [RECEIVE]: fields };
      const signature = await payer.signTypedData({ ...data, types, primaryType: RECEIVE });
      const { r, s, v } = parseSignature(signature);
      const receive = { abi: TOKEN_ABI, functionName: "receiveWithAuthorization" } as const;
      const args = parts(authorization);
      const call = inParts
        ? encodeFunctionData({ ...receive, args: [...args, Number(v), r, s] })
        : encodeFunctionData({ ...receive, args: [...args, signature] });
      expect(await reasonOf(call)).toContain("FiatTokenV2: caller must be the payee");
      expect(await reasonOf(transferCall(authorization, signature))).toContain("invalid signature");
      expect(await send(call, payee)).toMatchObject({ status: "success" });
    }
    expect(await world.chain.balanceOf(payee.address)).toBe(20_000n);
  });
});

describe("cancelAuthorization", () => {
  test("makes an unused authorization worthless, by both kinds of signature", async () => {
    for (const inParts of [false, true]) {
      const authorization = newAuthorization(payer.address);
      const { nonce } = authorization;
      const { domain } = authorizationTypedData(world.asset, authorization);
      const signature = await payer.signTypedData({
        domain,
        types: {
          CancelAuthorization: [
            { name: "authorizer", type: "address" },
            { name: "nonce", type: "bytes32" },
          ],
        },
        primaryType: "CancelAuthorization",
        message: { authorizer: payer.address, nonce },
      });
      const { r, s, v } = parseSignature(signature);
      const cancel = { abi: TOKEN_ABI, functionName: "cancelAuthorization" } as const;
      const call = inParts
        ? encodeFunctionData({ ...cancel, args: [payer.address, nonce, Number(v), r, s] })
        : encodeFunctionData({ ...cancel, args: [payer.address, nonce, signature] });
      expect(await send(call)).toMatchObject({ status: "success" });
      const pay = transferCall(authorization, await signed(authorization));
      expect(await reasonOf(pay)).toContain("authorization is used or canceled");
    }
  });
});

describe("as ERC-20", () => {
  test("transfers, approves, and spends what was approved", async () => {
    const [owner, spender] = await Promise.all([
      world.newPayer(100n, 10n ** 18n),
      world.newPayer(0n, 10n ** 18n),
    ]);
    const token = { abi: TOKEN_ABI } as const;
    const approve = { functionName: "approve", args: [spender.address, 60n] } as const;
    await send(encodeFunctionData({ ...token, ...approve }), owner);
    const spend = (value: bigint) =>
      encodeFunctionData({
        ...token,
        functionName: "transferFrom",
        args: [owner.address, spender.address, value],
      });
    await send(spend(40n), spender);
    expect(await reasonOf(spend(21n), spender.address)).toContain("exceeds allowance");
    const transfer = { functionName: "transfer", args: [spender.address, 10n] } as const;
    await send(encodeFunctionData({ ...token, ...transfer }), owner);
    expect(await world.chain.balanceOf(spender.address)).toBe(50n);
    expect(await world.chain.balanceOf(owner.address)).toBe(50n);
  });

  test("only the minter mints", async () => {
    const mint = parseAbi(["function mint(address to, uint256 value) returns (bool)"]);
    const args = [relayer.address, 1n] as const;
    const call = encodeFunctionData({ abi: mint, functionName: "mint", args });
    expect(await reasonOf(call)).toContain("caller is not a minter");
  });
});
