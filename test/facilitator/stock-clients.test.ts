/** The stock packages, unmodified, against our facilitator and chain: where these pass, anybody's own x402 server can join. */
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { pathToFileURL } from "node:url";
import { type FacilitatorClient, HTTPFacilitatorClient } from "@x402/core/server";
import type { PaymentPayload, PaymentRequirements } from "@x402/core/types";
import { registerExactEvmScheme as registerBuyer } from "@x402/evm/exact/client";
import { ExactEvmScheme } from "@x402/evm/exact/server";
import { paymentMiddleware, x402ResourceServer } from "@x402/express";
import { wrapFetchWithPayment, x402Client } from "@x402/fetch";
import express, { type RequestHandler } from "express";
import { createWalletClient, getAddress, http, publicActions } from "viem";
import { baseSepolia } from "viem/chains";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { paymentMiddleware as paymentMiddlewareV1 } from "x402-express";
import { wrapFetchWithPayment as wrapFetchWithPaymentV1 } from "x402-fetch";
import { createFacilitator } from "../../facilitator/index.ts";
import { readSettleResponse } from "../../protocol/index.ts";
import { type FacilitatorWorld, newRequest, openFacilitatorWorld } from "./facilitator-world.ts";

const PRICE = 1_001_000n;

let world: FacilitatorWorld;
beforeAll(async () => {
  world = await openFacilitatorWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const balanceOf = (address: `0x${string}`) => world.chain.chain.balanceOf(address);

/** A page behind a paywall; `handled` counts how often it was served. */
async function openShop(paywall: RequestHandler) {
  const shop = { url: "", handled: 0 };
  const app = express().use(paywall);
  app.get("/page", (_, response) => {
    shop.handled++;
    response.send("the page");
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  const server = app.listen(0, "127.0.0.1", () => resolve());
  await promise;
  shop.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/page`;
  const close = async () => {
    server.closeAllConnections();
    server.close();
  };
  return Object.assign(shop, { [Symbol.asyncDispose]: close });
}

describe("x402 v1", () => {
  /** `x402` itself is a dependency of x402-express, not ours, so it is found from there. */
  async function loadUseFacilitator() {
    const sibling = createRequire(createRequire(import.meta.url).resolve("x402-express"));
    const verify = pathToFileURL(sibling.resolve("x402/verify"));
    const { useFacilitator } = (await import(verify.href)) as {
      useFacilitator: (options: { url: string }) => {
        verify: (payload: unknown, requirements: unknown) => Promise<unknown>;
        settle: (payload: unknown, requirements: unknown) => Promise<unknown>;
        supported: () => Promise<unknown>;
      };
    };
    return useFacilitator({ url: world.facilitator.url });
  }

  test("x402/verify's useFacilitator verifies, settles, and settles again with the same answer", async () => {
    const { verify, settle, supported } = await loadUseFacilitator();
    const { body } = await newRequest(world, 1);
    const args = [body.paymentPayload, body.paymentRequirements] as const;
    expect(await verify(...args)).toMatchObject({ isValid: true });
    const settled = await settle(...args);
    expect(settled).toMatchObject({ success: true, network: "base-sepolia" });
    expect(await settle(...args)).toEqual(settled);
    expect(await verify(...args)).toMatchObject({ isValid: false });
    expect(await supported()).toMatchObject({ kinds: [{ x402Version: 1 }, { x402Version: 2 }] });
  });

  test("x402-fetch buys from x402-express", async () => {
    const seller = getAddress("0x00000000000000000000000000000000000000e1");
    const { asset, rpcUrl } = world.chain;
    const price = {
      amount: PRICE.toString(),
      asset: { address: asset.address, decimals: asset.decimals, eip712: asset.eip712 },
    };
    const routes = { "GET /page": { price, network: "base-sepolia" } } as const;
    const facilitator = { url: world.facilitator.url } as const;
    await using shop = await openShop(paymentMiddlewareV1(seller, routes, facilitator as never));
    const wallet = createWalletClient({
      account: world.payer,
      chain: baseSepolia,
      transport: http(rpcUrl),
    }).extend(publicActions);
    const response = await wrapFetchWithPaymentV1(fetch, wallet as never, PRICE)(shop.url);
    expect([response.status, await response.text()]).toEqual([200, "the page"]);
    expect(readSettleResponse(response.headers)).toMatchObject({ success: true });
    expect(await balanceOf(seller)).toBe(PRICE);
    expect(shop.handled).toBe(1);
  });
});

describe("x402 v2", () => {
  test("@x402/core's HTTPFacilitatorClient verifies, settles, and settles again with the same answer", async () => {
    const client = new HTTPFacilitatorClient({ url: world.facilitator.url });
    const { body } = await newRequest(world, 2);
    const payload = body.paymentPayload as unknown as PaymentPayload;
    const requirements = body.paymentRequirements as unknown as PaymentRequirements;
    expect(await client.verify(payload, requirements)).toMatchObject({ isValid: true });
    const settled = await client.settle(payload, requirements);
    expect(settled).toMatchObject({ success: true, network: "eip155:84532", amount: "10000" });
    expect(await client.settle(payload, requirements)).toEqual(settled);
    expect(await client.getSupported()).toMatchObject({
      signers: { "eip155:*": [world.gas.address] },
    });
  });

  const overHttp = () => new HTTPFacilitatorClient({ url: world.facilitator.url });
  /** v1's network names are no CAIP-2 ids, so its types do not know that it takes the object as it is. */
  const inProcess = () => {
    const { rpcUrl } = world.chain;
    return createFacilitator({ rpcUrl, account: world.gas }) as unknown as FacilitatorClient;
  };
  test.each([
    ["@x402/fetch buys from @x402/express", overHttp, {}],
    ["also where the money is taken before the work", overHttp, { paymentFlow: "upfront" }],
    ["also from a server that has the facilitator in its own process", inProcess, {}],
  ] as const)("%s", async (_, connect, extra) => {
    const { asset } = world.chain;
    const network = "eip155:84532";
    const client = connect();
    const { address: payTo } = await world.chain.newPayer();
    const server = new x402ResourceServer(client).register(network, new ExactEvmScheme());
    const accepts = {
      scheme: "exact",
      network,
      payTo,
      price: { amount: PRICE.toString(), asset: asset.address, extra: asset.eip712 },
      extra,
    } as const;
    await using shop = await openShop(paymentMiddleware({ "GET /page": { accepts } }, server));
    const buyer = new x402Client();
    registerBuyer(buyer, { signer: world.payer });
    const allowed = {
      network,
      asset: asset.address,
      maxAmountPerPayment: PRICE.toString(),
    } as const;
    buyer.setSpendControls({ allowedAssets: [allowed], maxAmountPerPayment: false });
    const response = await wrapFetchWithPayment(fetch, buyer)(shop.url);
    expect([response.status, await response.text()]).toEqual([200, "the page"]);
    expect(readSettleResponse(response.headers)).toMatchObject({ success: true });
    expect(await balanceOf(payTo)).toBe(PRICE);
    expect(shop.handled).toBe(1);
  });
});
