/** One call that says of many payments what the token would say of each: money, nonce, and whose signature it is. */
import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { concatHex, encodeDeployData, getContractAddress, type Hex, toHex } from "viem";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openJsonRpc } from "../../chain/index.ts";
import { type PayerQuestion, payerReader } from "../../facilitator/payer-reader.ts";
import { artifactFile } from "../../scripts/compile-token.ts";
import { newAuthorization, openTestChain, sign, type TestChain } from "../support/chain.ts";
import { openFacilitatorWorld, requestBody } from "./facilitator-world.ts";

let chain: TestChain;
let ask: ReturnType<typeof payerReader>;
beforeAll(async () => {
  chain = await openTestChain();
  ask = payerReader(openJsonRpc({ rpcUrl: chain.rpcUrl, timeoutMs: 10_000 }), chain.asset);
});
afterAll(() => chain[Symbol.asyncDispose]());

test("each answer is about its own question, in the order in which they were asked", async () => {
  const payers = await Promise.all([1n, 22n, 333n].map((usdc) => chain.newPayer(usdc)));
  const questions = await Promise.all(
    payers.map(async (payer, at): Promise<PayerQuestion> => {
      const authorization = newAuthorization(payer.address);
      const signature = await sign(payer, chain.asset, authorization);
      return { authorization, signature: at === 1 ? undefined : signature };
    }),
  );
  const answers = await ask(questions);
  const common = { used: false, isContract: false };
  expect(answers).toMatchObject([
    { ...common, balance: 1n, isSigned: true },
    // A signature that is not looked at is not called good.
    { ...common, balance: 22n, isSigned: false },
    { ...common, balance: 333n, isSigned: true },
  ]);
});

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const FIELD = 2n ** 256n - 2n ** 32n - 977n;
const word = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 255n }),
  fc.constantFrom(0n, 1n, ORDER - 1n, ORDER, ORDER + 1n, FIELD - 1n, FIELD, ORDER >> 1n),
);

test("no 65 bytes are a signature of an address that has no key, the zero address included", async () => {
  const v = fc.constantFrom(0, 1, 2, 26, 27, 28, 29, 255);
  const from = fc.constantFrom(0n, 1n);
  const guess = fc.tuple(from, word, word, v);
  await fc.assert(
    fc.asyncProperty(fc.array(guess, { minLength: 40, maxLength: 80 }), async (guesses) => {
      const questions = guesses.map(([from, r, s, v]) => {
        const parts = [toHex(r, { size: 32 }), toHex(s, { size: 32 }), toHex(v, { size: 1 })];
        const authorization = newAuthorization(toHex(from, { size: 20 }));
        return { authorization, signature: concatHex(parts) };
      });
      const answers = await ask(questions);
      expect(answers.map(({ isSigned }) => isSigned)).toEqual(guesses.map(() => false));
    }),
    { numRuns: 10 },
  );
});

test("a good signature is good in each of the forms of v, and of nothing else that was signed", async () => {
  const payer = await chain.newPayer();
  const authorization = newAuthorization(payer.address);
  const signature = await sign(payer, chain.asset, authorization);
  const old: Hex = `${signature.slice(0, 130) as Hex}${signature.endsWith("1b") ? "00" : "01"}`;
  const other = toHex(9n, { size: 20 });
  const changes = [
    { from: other },
    { to: other },
    { value: 10_001n },
    { validAfter: 0n },
    { validBefore: authorization.validBefore + 1n },
    { nonce: toHex(9n, { size: 32 }) },
  ];
  const changed = changes.map((change) => ({ ...authorization, ...change }));
  const questions = [
    { authorization, signature },
    { authorization, signature: old },
    ...changed.map((authorization) => ({ authorization, signature })),
  ];
  const answers = await ask(questions);
  expect(answers.map(({ isSigned }) => isSigned)).toEqual([
    true,
    true,
    ...changes.map(() => false),
  ]);
});

test("a deployed smart wallet pays with its owner's signature, and with nobody else's", async () => {
  await using world = await openFacilitatorWorld();
  const { asset, local } = world.chain;
  const deployer = await world.chain.newPayer(0n, 10n ** 18n);
  const { abi, code } = JSON.parse(readFileSync(artifactFile("OwnedWallet"), "utf8"));
  const args = [world.payer.address];
  const data = encodeDeployData({ abi, bytecode: code, args });
  const gas = { gas: 1_000_000n, maxFeePerGas: 10n ** 10n, maxPriorityFeePerGas: 1n };
  const call = { type: "eip1559", chainId: asset.chainId, nonce: 0, data, ...gas } as const;
  await world.chain.rpc("eth_sendRawTransactionSync", await deployer.signTransaction(call));
  const wallet = getContractAddress({ from: deployer.address, nonce: 0n });
  await local.fund(wallet, { usdc: 30_000n });

  const authorization = newAuthorization(wallet);
  const stranger = await sign(deployer, asset, authorization);
  expect(
    await world.settle(requestBody(2, { asset, authorization, signature: stranger })),
  ).toMatchObject({ success: false, errorReason: "invalid_exact_evm_payload_signature" });
  const signature = await sign(world.payer, asset, authorization);
  const body = requestBody(2, { asset, authorization, signature });
  expect(await world.verify(body)).toMatchObject({ isValid: true, payer: wallet });
  expect(await world.settle(body)).toMatchObject({ success: true, payer: wallet });
  expect(await world.chain.chain.balanceOf(wallet)).toBe(20_000n);
});
