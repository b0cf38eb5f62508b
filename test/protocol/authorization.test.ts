import * as fc from "fast-check";
import { recoverTypedDataAddress } from "viem";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  authorizationTypedData,
  BASE_SEPOLIA_USDC,
  decodeJson,
  encodeJson,
  encodePayment,
  readExactPayload,
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
    expect(readExactPayload(sent.payload)!.authorization).toEqual(EXAMPLE);
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

describe("the payload that a payer sent", () => {
  const signature = `0x${"ab".repeat(65)}`;
  const authorization = {
    ...EXAMPLE,
    value: "10000",
    validAfter: "1740672089",
    validBefore: "1740672154",
  };
  const read = (changes: object, signed: unknown = signature) =>
    readExactPayload({ signature: signed, authorization: { ...authorization, ...changes } });

  test.each<[string, object]>([
    ["an amount with a sign", { value: "+1" }],
    ["an amount with a leading zero", { value: "01" }],
    ["an amount with something before it", { value: "x1" }],
    ["an amount with something after it", { value: "1x" }],
    ["an amount that is a number", { value: 10_000 }],
    ["an amount that no word holds", { value: (2n ** 256n).toString() }],
    ["an amount of 79 digits", { value: "1".repeat(79) }],
    ["a time that is none", { validAfter: "soon" }],
    ["another time that is none", { validBefore: "" }],
    ["a payer of 19 bytes", { from: `0x${"aa".repeat(19)}` }],
    ["a payer of 21 bytes", { from: `0x${"aa".repeat(21)}` }],
    ["a recipient that is none", { to: "0x" }],
    ["a nonce of 31 bytes", { nonce: `0x${"aa".repeat(31)}` }],
    ["a nonce with more before it", { nonce: `0${EXAMPLE.nonce}` }],
    ["no nonce", { nonce: undefined }],
  ])("with %s is refused", (_, changes) => {
    expect(read(changes)).toBeUndefined();
  });

  test.each(["", "0x", "0xabc", `00x${"ab".repeat(65)}`, `0x${"ab".repeat(65)}g`, 1, null])(
    "signed with %j is refused",
    (signed) => expect(read({}, signed)).toBeUndefined(),
  );

  test("may go to its limits", () => {
    const most = 2n ** 256n - 1n;
    expect(read({ value: most.toString(), validAfter: "0" })?.authorization).toMatchObject({
      value: most,
      validAfter: 0n,
    });
    expect(read({}, `0x${"ab".repeat(4095)}`)).toBeDefined();
    expect(read({}, `0x${"ab".repeat(4096)}`)).toBeUndefined();
  });

  const hex = (bytes: number) => z.string().regex(new RegExp(`^0x[0-9a-fA-F]{${bytes * 2}}$`));
  const uint256 = z
    .string()
    .regex(/^(0|[1-9]\d{0,77})$/)
    .transform(BigInt)
    .refine((value) => value < 2n ** 256n);
  /** The same as a schema, to hold the reading against. */
  const Schema = z.object({
    signature: z
      .string()
      .max(8192)
      .regex(/^0x([0-9a-fA-F]{2})+$/),
    authorization: z.object({
      from: hex(20),
      to: hex(20),
      value: uint256,
      validAfter: uint256,
      validBefore: uint256,
      nonce: hex(32),
    }),
  });
  const odd = fc.oneof(
    fc.jsonValue({ maxDepth: 1 }),
    fc.constantFrom("0", "00", "-0", " 1", "1\n", "9".repeat(77), "9".repeat(78), EXAMPLE.nonce),
    fc.constantFrom(EXAMPLE.from, `${EXAMPLE.from}\n`, EXAMPLE.from.toUpperCase(), signature),
  );

  test("is read as a schema would read it, whatever stands in a field", () => {
    const fields = ["from", "to", "value", "validAfter", "validBefore", "nonce", "more"];
    const changes = fc.dictionary(fc.constantFrom(...fields), odd, { maxKeys: 2 });
    const parts = fc.dictionary(fc.constantFrom("signature", "authorization", "more"), odd, {
      maxKeys: 1,
    });
    const property = fc.property(changes, parts, (change, part) => {
      const sent = { signature, authorization: { ...authorization, ...change }, ...part };
      expect(readExactPayload(sent)).toEqual(Schema.safeParse(sent).data);
    });
    fc.assert(property, { numRuns: 1_000 });
  });

  test.each([undefined, null, 1, "x", [], [[]]])("is none where it is %j", (payload) => {
    expect(readExactPayload(payload)).toBeUndefined();
  });
});

describe("a settlement claim's words have limits:", () => {
  const read = (claim: object) =>
    readSettleResponse(new Headers({ "PAYMENT-RESPONSE": encodeJson(claim) }));

  test.each([
    ["transaction", 256],
    ["network", 64],
    ["payer", 256],
    ["errorReason", 256],
  ])("%s has %i characters", (name, most) => {
    const claim = { success: false, [name]: "x".repeat(most) };
    expect(read(claim)).toEqual(claim);
    expect(read({ success: false, [name]: "x".repeat(most + 1) })).toBeUndefined();
  });

  test("and it says whether it succeeded", () => {
    expect(read({ success: "yes" })).toBeUndefined();
    expect(read({ transaction: "0xab" })).toBeUndefined();
  });

  test("the newer version's header goes before the older's", () => {
    const headers = new Headers({
      "PAYMENT-RESPONSE": encodeJson({ success: true }),
      "X-PAYMENT-RESPONSE": encodeJson({ success: false }),
    });
    expect(readSettleResponse(headers)).toEqual({ success: true });
  });
});
