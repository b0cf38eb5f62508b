/** The answers of `/verify`, `/settle` and `/supported`: the good ones, and each refusal by its name. */
import { type Hex, parseSignature, serializeSignature, toHex } from "viem";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { REFUSALS, type RefusalReason, startFacilitator } from "../../facilitator/index.ts";
import { newAuthorization, newSmartWallet, openTestChain } from "../support/chain.ts";
import {
  type FacilitatorWorld,
  newRequest,
  openFacilitatorWorld,
  requestBody,
} from "./facilitator-world.ts";

let world: FacilitatorWorld;
beforeAll(async () => {
  world = await openFacilitatorWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const STRANGER = "0x00000000000000000000000000000000000000dD";
const balanceOf = (address: Hex) => world.chain.chain.balanceOf(address);

describe.each([1, 2] as const)("x402 v%i", (version) => {
  test("a good payment verifies, settles, and moves exactly its amount", async () => {
    const { authorization, body } = await newRequest(world, version);
    const { from: payer, to } = authorization;
    expect(await world.verify(body)).toEqual({ isValid: true, payer });
    expect(await balanceOf(to)).toBe(0n);
    const answer = await world.settle(body);
    const network = version === 1 ? "base-sepolia" : "eip155:84532";
    expect(answer).toMatchObject({ success: true, payer, network, amount: "10000" });
    expect(await balanceOf(to)).toBe(10_000n);
    const proof = await world.chain.chain.readAuthorization(authorization);
    expect(proof).toMatchObject({ state: "settled", transaction: answer.transaction });
  });

  test("a smart wallet's payment verifies by asking the wallet, and settles", async () => {
    const wallet = await newSmartWallet(world.chain, 50_000n);
    const { asset } = world.chain;
    const authorization = newAuthorization(wallet);
    const bad = requestBody(version, { asset, authorization, signature: "0x41" });
    expect(await world.verify(bad)).toMatchObject({
      isValid: false,
      invalidReason: "invalid_exact_evm_payload_signature",
    });
    const good = requestBody(version, { asset, authorization, signature: "0x42" });
    expect(await world.verify(good)).toMatchObject({ isValid: true });
    expect(await world.settle(good)).toMatchObject({ success: true });
    expect(await balanceOf(wallet)).toBe(40_000n);
  });
});

test("supported names one kind for each version, and who pays the gas", async () => {
  const response = await fetch(`${world.facilitator.url}/supported`);
  expect(await response.json()).toEqual({
    kinds: [
      { x402Version: 1, scheme: "exact", network: "base-sepolia" },
      { x402Version: 2, scheme: "exact", network: "eip155:84532" },
    ],
    extensions: [],
    signers: { "eip155:*": [world.gas.address] },
  });
});

/** Each changes a good v2 request in one thing: the value at a path, undefined to remove it, or a function of the old one. */
const SIGNATURE = "paymentPayload.payload.signature";
const AUTHORIZATION = "paymentPayload.payload.authorization";
const REFUSED: [string, RefusalReason, Record<string, unknown>][] = [
  ["another version", "invalid_x402_version", { x402Version: 3, "paymentPayload.x402Version": 3 }],
  ["versions that disagree", "invalid_x402_version", { x402Version: 1 }],
  ["another scheme asked", "unsupported_scheme", { "paymentRequirements.scheme": "upto" }],
  ["another scheme accepted", "invalid_scheme", { "paymentPayload.accepted.scheme": "upto" }],
  ["another network asked", "invalid_network", { "paymentRequirements.network": "eip155:8453" }],
  ["a v1 name asked in v2", "invalid_network", { "paymentRequirements.network": "base-sepolia" }],
  [
    "another network accepted",
    "invalid_network",
    { "paymentPayload.accepted.network": "eip155:1" },
  ],
  ["another asset", "invalid_payment_requirements", { "paymentRequirements.asset": STRANGER }],
  [
    "another asset accepted",
    "invalid_payment_requirements",
    { "paymentPayload.accepted.asset": STRANGER },
  ],
  ["an amount in floats", "invalid_payment_requirements", { "paymentRequirements.amount": "1e4" }],
  ["no amount", "invalid_payment_requirements", { "paymentRequirements.amount": undefined }],
  [
    "another name of the token",
    "invalid_exact_evm_token_name_mismatch",
    { "paymentRequirements.extra.name": "USD Coin" },
  ],
  [
    "another version of the token",
    "invalid_exact_evm_token_version_mismatch",
    { "paymentRequirements.extra.version": "1" },
  ],
  [
    "Permit2 asked",
    "unsupported_payload_type",
    { "paymentRequirements.extra.assetTransferMethod": "permit2" },
  ],
  [
    "Permit2 paid",
    "unsupported_payload_type",
    { "paymentPayload.payload.permit2Authorization": {} },
  ],
  [
    "another recipient accepted",
    "invalid_exact_evm_payload_recipient_mismatch",
    { "paymentPayload.accepted.payTo": STRANGER },
  ],
  [
    "another amount accepted",
    "invalid_exact_evm_payload_authorization_value_mismatch",
    { "paymentPayload.accepted.amount": "1" },
  ],
  ["a payload without a nonce", "invalid_payload", { [`${AUTHORIZATION}.nonce`]: undefined }],
  ["a value in hexadecimal", "invalid_payload", { [`${AUTHORIZATION}.value`]: "0x2710" }],
  ["a value beyond 256 bits", "invalid_payload", { [`${AUTHORIZATION}.value`]: "9".repeat(78) }],
  ["no payload", "invalid_payload", { "paymentPayload.payload": undefined }],
  ["a payload that is a list", "invalid_payload", { paymentPayload: [] }],
  ["a payment without a version", "invalid_payload", { "paymentPayload.x402Version": undefined }],
  ["no requirements", "invalid_payload", { paymentRequirements: undefined }],
  ["no scheme asked", "invalid_payload", { "paymentRequirements.scheme": undefined }],
  ["no network asked", "invalid_payload", { "paymentRequirements.network": undefined }],
  ["an extra that is a list", "invalid_payload", { "paymentRequirements.extra": [] }],
  [
    "a signature by somebody else",
    "invalid_exact_evm_payload_signature",
    { [`${AUTHORIZATION}.from`]: STRANGER },
  ],
  [
    "a signature over another nonce",
    "invalid_exact_evm_payload_signature",
    { [`${AUTHORIZATION}.nonce`]: toHex(7n, { size: 32 }) },
  ],
  [
    "a signature over another deadline",
    "invalid_exact_evm_payload_signature",
    { [`${AUTHORIZATION}.validBefore`]: "9999999999" },
  ],
  [
    "the second form of the signature",
    "invalid_exact_evm_payload_signature",
    { [SIGNATURE]: malleate },
  ],
  [
    "a signature of 64 bytes",
    "invalid_exact_evm_payload_signature",
    { [SIGNATURE]: (signature: Hex) => signature.slice(0, -2) },
  ],
  [
    "a signature of zeros",
    "invalid_exact_evm_payload_signature",
    { [SIGNATURE]: `0x${"00".repeat(65)}` },
  ],
  [
    "an undeployed smart wallet",
    "eip6492_factory_not_allowed",
    { [SIGNATURE]: `0x${"00".repeat(64)}${"6492".repeat(16)}` },
  ],
];

function change(body: unknown, changes: Readonly<Record<string, unknown>>): unknown {
  const changed = JSON.parse(JSON.stringify(body)) as Record<string, unknown>;
  for (const [path, value] of Object.entries(changes)) {
    const keys = path.split(".");
    const last = keys.pop()!;
    const parent = keys.reduce((at, key) => at[key] as Record<string, unknown>, changed);
    parent[last] =
      typeof value === "function" ? (value as (old: unknown) => unknown)(parent[last]) : value;
  }
  return changed;
}

describe("refused by name, by verify and by settle", () => {
  test.each(REFUSED)("%s: %s", async (_, reason, changes) => {
    const { authorization, body: good } = await newRequest(world);
    const body = change(good, changes);
    const verified = await world.verify(body);
    expect(verified).toMatchObject({ isValid: false, invalidReason: reason });
    expect(verified.invalidMessage).toBe(REFUSALS[reason]);
    const settled = await world.settle(body);
    expect(settled).toMatchObject({ success: false, errorReason: reason, transaction: "" });
    expect(await balanceOf(authorization.to)).toBe(0n);
  });

  test("a payment to another address than asked", async () => {
    const { body } = await newRequest(world);
    const both = {
      "paymentRequirements.payTo": STRANGER,
      "paymentPayload.accepted.payTo": STRANGER,
    };
    expect(await world.verify(change(body, both))).toMatchObject({
      invalidReason: "invalid_exact_evm_payload_recipient_mismatch",
    });
  });

  test.each(["9999", "10001"])(
    "%s units where 10000 were signed, in both versions",
    async (amount) => {
      const refused = { invalidReason: "invalid_exact_evm_payload_authorization_value_mismatch" };
      const { body: v1 } = await newRequest(world, 1);
      const asked = { "paymentRequirements.maxAmountRequired": amount };
      expect(await world.verify(change(v1, asked))).toMatchObject(refused);
      const { body: v2 } = await newRequest(world, 2);
      const both = {
        "paymentRequirements.amount": amount,
        "paymentPayload.accepted.amount": amount,
      };
      expect(await world.verify(change(v2, both))).toMatchObject(refused);
    },
  );

  const now = () => BigInt(Math.floor(Date.now() / 1000));
  const WINDOWS: [string, string, () => { validAfter?: bigint; validBefore?: bigint }][] = [
    ["not valid yet", "valid_after", () => ({ validAfter: now() + 60n })],
    ["expired", "valid_before", () => ({ validBefore: now() })],
    ["without the seconds to settle in", "valid_before", () => ({ validBefore: now() + 5n })],
  ];
  test.each(WINDOWS)("an authorization %s: %s", async (_, bound, fields) => {
    const { body } = await newRequest(world, 2, fields());
    expect(await world.verify(body)).toMatchObject({
      invalidReason: `invalid_exact_evm_payload_authorization_${bound}`,
    });
  });

  test("a payer with one unit too little", async () => {
    const payer = await world.chain.newPayer(9_999n);
    const { body } = await newRequest({ ...world, payer });
    expect(await world.verify(body)).toMatchObject({ invalidReason: "insufficient_funds" });
    expect(await world.settle(body)).toMatchObject({ errorReason: "insufficient_funds" });
  });

  test("an authorization that was used: verify says no, so that no work is done for it again", async () => {
    const { body } = await newRequest(world);
    await world.settle(body);
    expect(await world.verify(body)).toMatchObject({
      invalidReason: "invalid_exact_evm_nonce_already_used",
    });
  });
});

describe("over HTTP", () => {
  const send = (path: string, body: string) =>
    fetch(`${world.facilitator.url}${path}`, { method: "POST", body });

  test("a body that is no JSON is 400, in the shape of the call", async () => {
    const verified = await send("/verify", "{");
    expect(verified.status).toBe(400);
    expect(await verified.json()).toMatchObject({
      isValid: false,
      invalidReason: "invalid_payload",
    });
    const settled = await send("/settle", "{");
    expect(settled.status).toBe(400);
    expect(await settled.json()).toMatchObject({ success: false, errorReason: "invalid_payload" });
  });

  test("a body larger than any payment is 413", async () => {
    expect((await send("/verify", JSON.stringify("x".repeat(70_000)))).status).toBe(413);
  });

  test("no refusal repeats the signature", async () => {
    const { body } = await newRequest(world, 2, { validBefore: 1n });
    const answer = JSON.stringify(await world.settle(body));
    expect(answer).not.toContain(body.paymentPayload.payload.signature.slice(2, 40));
  });

  test("a chain that cannot be asked is 503, which says nothing about the payment", async () => {
    const chain = await openTestChain();
    const gas = await chain.newPayer();
    await using facilitator = await startFacilitator({ rpcUrl: chain.rpcUrl, account: gas });
    const { body } = await newRequest({ chain, payer: gas });
    await chain.local.close();
    for (const [path, no] of [
      ["verify", { isValid: false, invalidReason: "unexpected_verify_error" }],
      ["settle", { success: false, errorReason: "unexpected_settle_error", transaction: "" }],
    ] as const) {
      const init = { method: "POST", body: JSON.stringify(body) };
      const response = await fetch(`${facilitator.url}/${path}`, init);
      expect(response.status).toBe(503);
      expect(await response.json()).toMatchObject(no);
    }
  });
});

/** The other form of the same signature, which a stranger could make. */
function malleate(signature: Hex): Hex {
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
  const { r, s, yParity } = parseSignature(signature);
  return serializeSignature({ r, s: toHex(order - BigInt(s), { size: 32 }), yParity: 1 - yParity });
}
