/** Any EVM network by configuration: its token is read from the token itself, and taken only when it signs as EIP-3009's do. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createFacilitator, readAsset } from "../../facilitator/index.ts";
import { BASE_SEPOLIA_USDC, BASE_USDC } from "../../protocol/index.ts";
import { newAuthorization, openTestChain, sign, type TestChain } from "../support/chain.ts";
import { requestBody, settle } from "./facilitator-world.ts";

const OTHER_TOKEN = "0x00000000000000000000000000000000000000AA";

let chain: TestChain;
beforeAll(async () => {
  chain = await openTestChain();
  const code = await chain.rpc("eth_getCode", chain.asset.address, "latest");
  await chain.rpc("anvil_setCode", OTHER_TOKEN, code);
});
afterAll(() => chain[Symbol.asyncDispose]());

test("a token of our own table needs no reading, by either name of its network", async () => {
  const rpcUrl = "http://127.0.0.1:9";
  expect(await readAsset({ rpcUrl, network: "base" })).toEqual(BASE_USDC);
  expect(await readAsset({ rpcUrl, network: "eip155:8453" })).toEqual(BASE_USDC);
  const { address } = BASE_SEPOLIA_USDC;
  expect(await readAsset({ rpcUrl, network: "base-sepolia", address })).toEqual(BASE_SEPOLIA_USDC);
});

test("a token that we do not know is read, and its payments settle", async () => {
  const { rpcUrl } = chain;
  const asset = await readAsset({ rpcUrl, network: "eip155:84532", address: OTHER_TOKEN });
  expect(asset).toEqual({ ...BASE_SEPOLIA_USDC, address: OTHER_TOKEN });
  const account = await chain.newPayer(0n, 10n ** 18n);
  const facilitator = createFacilitator({ rpcUrl, account, asset });
  const payer = await chain.newPayer();
  const authorization = newAuthorization(payer.address, { value: 0n });
  const signature = await sign(payer, asset, authorization);
  const answer = await settle(facilitator, requestBody(2, { asset, authorization, signature }));
  expect(answer).toMatchObject({ success: true });
});

test.each([
  [
    "a network that is no EVM network",
    "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp",
    "NETWORK_UNKNOWN",
  ],
  ["a network of which we know no token", "polygon", "NETWORK_UNKNOWN"],
])("%s is refused: %s, %s", async (_, network, code) => {
  await expect(readAsset({ rpcUrl: chain.rpcUrl, network })).rejects.toMatchObject({ code });
});

test.each([
  ["without code", "eip155:84532", "0x00000000000000000000000000000000000000ab"],
  ["whose domain is of another chain", "eip155:137", OTHER_TOKEN],
] as const)("a token %s is refused", async (_, network, address) => {
  const read = readAsset({ rpcUrl: chain.rpcUrl, network, address });
  await expect(read).rejects.toMatchObject({ code: "ASSET_UNSUPPORTED" });
});

test("a server that does not answer says nothing about a token", async () => {
  const read = readAsset({
    rpcUrl: "http://127.0.0.1:9",
    network: "polygon",
    address: OTHER_TOKEN,
  });
  await expect(read).rejects.toMatchObject({ code: "CHAIN_UNREACHABLE" });
});

test("on a network without a name in x402 v1, only v2 is offered", async () => {
  const asset = { ...BASE_SEPOLIA_USDC, network: "eip155:999", networkName: "eip155:999" };
  const account = await chain.newPayer();
  const facilitator = createFacilitator({ rpcUrl: chain.rpcUrl, account, asset });
  const kinds = [{ x402Version: 2, scheme: "exact", network: "eip155:999" }];
  expect(facilitator.supported().kinds).toEqual(kinds);
});
