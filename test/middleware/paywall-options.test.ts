/** What a seller may say to `paywall`, and what it refuses before anybody can pay by it. */
import { createPublicClient, createTestClient, http } from "viem";
import { expect, test } from "vitest";
import { fundAddress } from "../../chain/index.ts";
import { createFacilitator } from "../../facilitator/index.ts";
import { paywall } from "../../middleware/index.ts";
import { type Asset, BASE_SEPOLIA_USDC } from "../../protocol/index.ts";
import { openDatabase } from "../../store/index.ts";
import { openTestChain } from "../support/chain.ts";
import { openPaidShop } from "./paid-shop.ts";
import { fetchV1 } from "./stock-clients.ts";

const make = (options: object) =>
  paywall({
    price: "0.01",
    payTo: BASE_SEPOLIA_USDC.address,
    db: openDatabase(":memory:"),
    facilitator: "http://127.0.0.1:9",
    ...options,
  });

test.each([
  ["nothing", undefined],
  ["a short one", "0x12"],
  ["the zero address", `0x${"0".repeat(40)}`],
  ["one letter in the wrong case", BASE_SEPOLIA_USDC.address.replace("CbD", "cbD")],
])("no payee is %s", (_, payTo) => {
  expect(() => make({ payTo })).toThrow(expect.objectContaining({ code: "PAYWALL_INVALID" }));
});

test("an address without capitals is a payee", () => {
  expect(make({ payTo: BASE_SEPOLIA_USDC.address.toLowerCase() })).toBeTypeOf("function");
});

test("a flow that there is not is refused", () => {
  const invalid = expect.objectContaining({ code: "PAYWALL_INVALID" });
  expect(() => make({ flow: "settle_first" })).toThrow(invalid);
});

test.each([0.01, null, undefined, ""])("a price of %j is refused", async (price) => {
  const invalid = expect.objectContaining({ code: "AMOUNT_INVALID" });
  expect(() => make({ price })).toThrow(invalid);
  await using shop = await openPaidShop({
    facilitator: "http://127.0.0.1:9",
    price: () => price as string,
  });
  expect((await fetch(`${shop.url}/item/a`)).status).toBe(500);
});

test("a token that we know nothing of is sold for", async () => {
  await using chain = await openTestChain();
  const { rpcUrl } = chain;
  const asset: Asset = { ...BASE_SEPOLIA_USDC, address: `0x${"d".repeat(40)}` };
  const bytecode = await createPublicClient({ transport: http(rpcUrl) }).getCode({
    address: BASE_SEPOLIA_USDC.address,
  });
  const anvil = createTestClient({ mode: "anvil", transport: http(rpcUrl) });
  await anvil.setCode({ address: asset.address, bytecode: bytecode! });
  const payer = await chain.newPayer();
  await fundAddress({ rpcUrl, asset, address: payer.address, usdc: 100_000n });
  const account = await chain.newPayer(0n, 10n ** 18n);
  const facilitator = createFacilitator({ rpcUrl, account, asset });
  await using shop = await openPaidShop({ facilitator, asset });
  const response = await (await fetchV1(payer, rpcUrl))(`${shop.url}/item/a`, {});
  expect([response.status, shop.runs]).toEqual([200, ["GET /item/a"]]);
  facilitator.close();
});
