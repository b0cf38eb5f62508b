/**
 * The payments that x402's own specification shows (specs/transports-v1/http.md, specs/transports-v2/http.md). They carry a real
 * signature of a long expired authorization, so whoever reads the bytes otherwise than their author recovers another payer.
 */
import { recoverAddress, recoverTypedDataAddress } from "viem";
import { describe, expect, test } from "vitest";
import { authorizationDigest } from "../../middleware/signer/authorization-digest.ts";
import {
  authorizationTypedData,
  BASE_SEPOLIA_USDC,
  decodeJson,
  encodeJson,
  encodePayment,
  readExactPayload,
  type Offer,
  readOffer,
} from "../../protocol/index.ts";

const payload = {
  signature:
    "0x2d6a7588d6acca505cbf0d9a4a227e0c52c6c34008c8e8986a1283259764173608a2ce6496642e377d6da8dbbf5836e9bd15092f9ecab05ded3d6293af148b571c",
  authorization: {
    from: "0x857b06519E91e3A54538791bDbb0E22373e36b66",
    to: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C",
    value: "10000",
    validAfter: "1740672089",
    validBefore: "1740672154",
    nonce: "0xf3746613c2d920b5fdabc0856f2aeb2d4f88ee6037b8cc5d04a71a4462f13480",
  },
};
const terms = {
  scheme: "exact",
  payTo: payload.authorization.to,
  asset: "0x036CbD53842c5426634e7929541eC2318f3dCF7e",
  maxTimeoutSeconds: 60,
  extra: { name: "USDC", version: "2" },
};
const resource = {
  url: "https://api.example.com/premium-data",
  description: "Access to premium market data",
  mimeType: "application/json",
};
const v1 = { x402Version: 1, scheme: "exact", network: "base-sepolia", payload };
const accepted = { ...terms, network: "eip155:84532", amount: "10000" };
const v2 = { x402Version: 2, resource, accepted, payload };

const EXAMPLES: [string, object, Offer][] = [
  [
    "X-PAYMENT",
    v1,
    readOffer({
      x402Version: 1,
      raw: {
        ...terms,
        network: "base-sepolia",
        maxAmountRequired: "10000",
        resource: resource.url,
        description: resource.description,
        mimeType: resource.mimeType,
        outputSchema: null,
      },
    }),
  ],
  ["PAYMENT-SIGNATURE", v2, readOffer({ x402Version: 2, raw: accepted, resource: resource.url })],
];

describe.each(EXAMPLES)("the specification's %s", (name, message, offer) => {
  const header = encodeJson(message);
  const sent = decodeJson(header) as { payload: unknown };
  const { signature, authorization } = readExactPayload(sent.payload)!;
  const signed = authorization;

  test("is signed by the payer that it names, in the domain of our own table", async () => {
    const typed = authorizationTypedData(BASE_SEPOLIA_USDC, signed);
    const payer = await recoverTypedDataAddress({
      ...typed,
      signature: signature,
    });
    expect(payer).toBe(signed.from);
  });

  test("has the digest that the signer would sign", async () => {
    const hash = authorizationDigest(BASE_SEPOLIA_USDC, signed);
    expect(await recoverAddress({ hash, signature: signature })).toBe(signed.from);
  });

  test("is what we would have sent", () => {
    const ours = encodePayment(offer, signed, signature);
    expect(ours.name).toBe(name);
    // A resource is named by its URL; what else the server said of it need not be repeated.
    const expected =
      "resource" in message ? { ...message, resource: { url: resource.url } } : message;
    expect(decodeJson(ours.value)).toEqual(expected);
  });

  test("in another token's domain is another payer's", async () => {
    const other = { ...BASE_SEPOLIA_USDC, eip712: { name: "USD Coin", version: "2" } };
    const typed = authorizationTypedData(other, signed);
    const payer = await recoverTypedDataAddress({
      ...typed,
      signature: signature,
    });
    expect(payer).not.toBe(signed.from);
  });
});
