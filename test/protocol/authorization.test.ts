import { recoverTypedDataAddress } from "viem";
import { describe, expect, test } from "vitest";
import {
  authorizationTypedData,
  BASE_SEPOLIA_USDC,
  decodeJson,
  encodeJson,
  encodePayment,
  ExactPayload,
  parseChallenge,
  readSettleResponse,
} from "../../protocol/index.ts";

/** The payment in the example of x402's specs/transports-v1/http.md: a real signature of a long expired authorization. */
const EXAMPLE = {
  from: "0x857b06519E91e3A54538791bDbb0E22373e36b66",
  to: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C",
  value: 10_000n,
  validAfter: 1_740_672_089n,
  validBefore: 1_740_672_154n,
  nonce: "0xf3746613c2d920b5fdabc0856f2aeb2d4f88ee6037b8cc5d04a71a4462f13480",
} as const;

describe("the message that a payer signs", () => {
  test("has the fields of EIP-3009 in our own token's domain", () => {
    const { domain, primaryType, message } = authorizationTypedData(BASE_SEPOLIA_USDC, EXAMPLE);
    expect(domain).toEqual({
      name: "USDC",
      version: "2",
      chainId: 84_532,
      verifyingContract: "0x036CbD53842c5426634e7929541eC2318f3dCF7e",
    });
    expect(primaryType).toBe("TransferWithAuthorization");
    expect(message).toBe(EXAMPLE);
  });

  test("recovers its signer", async () => {
    const { privateKeyToAccount } = await import("viem/accounts");
    const account = privateKeyToAccount(`0x${"11".repeat(32)}`);
    const typed = authorizationTypedData(BASE_SEPOLIA_USDC, { ...EXAMPLE, from: account.address });
    const signature = await account.signTypedData(typed);
    expect(await recoverTypedDataAddress({ ...typed, signature })).toBe(account.address);
  });
});

describe("the payment header", () => {
  const entry = {
    scheme: "exact",
    payTo: EXAMPLE.to,
    maxTimeoutSeconds: 60,
    asset: BASE_SEPOLIA_USDC.address,
    extra: { name: "anything", kept: true },
  };

  test("of x402 v1 names scheme and network as the server did", () => {
    const body = JSON.stringify({
      x402Version: 1,
      accepts: [{ ...entry, network: "base-sepolia", maxAmountRequired: "10000" }],
    });
    const [offer] = parseChallenge({ header: null, body });
    const { name, value } = encodePayment(offer!, EXAMPLE, "0x12");
    expect(name).toBe("X-PAYMENT");
    const sent = decodeJson(value) as { payload: unknown };
    expect(sent).toMatchObject({ x402Version: 1, scheme: "exact", network: "base-sepolia" });
    expect(ExactPayload.parse(sent.payload).authorization).toEqual(EXAMPLE);
  });

  test("of x402 v2 gives the chosen offer back word for word", () => {
    const chosen = { ...entry, network: "eip155:84532", amount: "10000" };
    const header = encodeJson({
      x402Version: 2,
      resource: { url: "http://127.0.0.1/x" },
      accepts: [chosen],
    });
    const [offer] = parseChallenge({ header, body: "{}" });
    const { name, value } = encodePayment(offer!, EXAMPLE, "0x12");
    expect(name).toBe("PAYMENT-SIGNATURE");
    expect(decodeJson(value)).toMatchObject({
      x402Version: 2,
      accepted: chosen,
      resource: { url: "http://127.0.0.1/x" },
    });
  });
});

describe("the settlement claim in an answer's headers", () => {
  test("is read from either version", () => {
    const claim = {
      success: true,
      transaction: "0xab",
      network: "base-sepolia",
      payer: EXAMPLE.from,
    };
    expect(readSettleResponse(new Headers({ "X-PAYMENT-RESPONSE": encodeJson(claim) }))).toEqual(
      claim,
    );
    expect(readSettleResponse(new Headers({ "PAYMENT-RESPONSE": encodeJson(claim) }))).toEqual(
      claim,
    );
  });

  test("is nothing when it is garbage", () => {
    expect(readSettleResponse(new Headers({ "PAYMENT-RESPONSE": "%%%" }))).toBeUndefined();
    expect(readSettleResponse(new Headers())).toBeUndefined();
  });
});
