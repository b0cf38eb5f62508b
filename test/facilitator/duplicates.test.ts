/**
 * One payment that two sellers are shown at the same moment: verified for both, it settles once, and who of them may deliver is what
 * `duplicates` decides. The sellers are stock ones, which keep no record, and ours, each with a database of its own.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { type RunningFacilitator, startFacilitator } from "../../facilitator/index.ts";
import { BASE_SEPOLIA_USDC } from "../../protocol/index.ts";
import { newAuthorization, openTestChain, sign, type TestChain } from "../support/chain.ts";
import { openPaidShop, present } from "../middleware/paid-shop.ts";
import { openStockShop } from "../middleware/stock-shop.ts";
import { pay } from "../middleware/payments.ts";

let chain: TestChain;
let facilitator: RunningFacilitator;
beforeAll(async () => {
  chain = await openTestChain();
  const account = await chain.newPayer(0n, 10n ** 18n);
  facilitator = await startFacilitator({ rpcUrl: chain.rpcUrl, account, duplicates: "refuse" });
});
afterAll(async () => {
  await facilitator.close();
  await chain[Symbol.asyncDispose]();
});

const PAYEE = privateKeyToAccount(generatePrivateKey()).address;

async function newPayment(funds = 100_000n) {
  const payer = await chain.newPayer(funds);
  const authorization = newAuthorization(payer.address, { to: PAYEE });
  const signature = await sign(payer, chain.asset, authorization);
  const { from, to, value, validAfter, validBefore, nonce } = authorization;
  const texts = [value, validAfter, validBefore].map(String);
  const [amount, after, before] = texts;
  const { network, address: asset, eip712 } = BASE_SEPOLIA_USDC;
  const fields = { from, to, value: amount, validAfter: after, validBefore: before, nonce };
  const accepted = {
    scheme: "exact",
    network,
    amount,
    asset,
    payTo: PAYEE,
    maxTimeoutSeconds: 60,
    extra: eip712,
  };
  return {
    payer,
    body: {
      x402Version: 2,
      paymentPayload: { x402Version: 2, accepted, payload: { signature, authorization: fields } },
      paymentRequirements: accepted,
    },
  };
}

async function settle(body: object, key?: string) {
  const headers = {
    "content-type": "application/json",
    ...(key !== undefined && { "Idempotency-Key": key }),
  };
  const response = await fetch(`${facilitator.url}/settle`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  return (await response.json()) as { success: boolean; errorReason?: string; transaction: string };
}

const REFUSED = { success: false, errorReason: "duplicate_settlement", transaction: "" };

describe("where duplicates are refused", () => {
  test("of many askers without a name one is told of the success, and later ones are not", async () => {
    const { body } = await newPayment();
    const answers = await Promise.all(Array.from({ length: 5 }, () => settle(body)));
    expect(answers.filter(({ success }) => success)).toHaveLength(1);
    for (const answer of answers) if (!answer.success) expect(answer).toMatchObject(REFUSED);
    expect(await settle(body)).toMatchObject(REFUSED);
    expect(await settle(body, "a key that comes late")).toMatchObject(REFUSED);
  });

  test("an asker with a name is told the same each time, and nobody else is told it", async () => {
    const { body } = await newPayment();
    const both = await Promise.all([settle(body, "ours"), settle(body, "ours")]);
    expect(both).toMatchObject([
      { success: true },
      { success: true, transaction: both[0].transaction },
    ]);
    expect(await settle(body, "ours")).toMatchObject({ success: true });
    expect([await settle(body), await settle(body, "theirs")]).toMatchObject([REFUSED, REFUSED]);
  });

  test("a settlement that is refused belongs to nobody: it may be asked for again", async () => {
    const { payer, body } = await newPayment(0n);
    expect(await settle(body)).toMatchObject({ errorReason: "insufficient_funds" });
    await chain.local.fund(payer.address, { usdc: 100_000n });
    expect(await settle(body, "ours")).toMatchObject({ success: true });
  });

  test("what is no payment is refused as before", async () => {
    expect(await settle({ paymentPayload: { payload: 1 } })).toMatchObject({
      errorReason: "invalid_payload",
    });
  });
});

test("two stock shops that are shown one payment at the same moment: one of them delivers", async () => {
  const options = { facilitatorUrl: facilitator.url, version: 2, payTo: PAYEE } as const;
  await using first = await openStockShop(options);
  await using second = await openStockShop(options);
  const payer = await chain.newPayer(100_000n);
  const paid = await pay(first, { version: 2, payer, path: "/a", init: {} });
  const answers = await Promise.all([first, second].map(({ url }) => fetch(`${url}/a`, paid)));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 402]));
});

test.each(["x402 v1", "x402 v2"] as const)(
  "%s: of two shops of ours with databases of their own and one payee, one sells, and answers the same again",
  async (protocol) => {
    const same = { payTo: PAYEE, publicOrigin: "http://shop.example" };
    await using first = await openPaidShop({ facilitator: facilitator.url, ...same });
    await using second = await openPaidShop({ facilitator: facilitator.url, ...same });
    const payer = await chain.newPayer(100_000n);
    const paid = await present(first, protocol, { payer });
    const ask = () => Promise.all([first, second].map(({ url }) => fetch(`${url}/item/a`, paid)));
    const answers = await ask();
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 402]));
    expect((await ask()).map(({ status }) => status)).toEqual(answers.map(({ status }) => status));
    expect(await chain.chain.balanceOf(payer.address)).toBe(90_000n);
  },
);
