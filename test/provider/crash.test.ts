import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { fetchV2 } from "../middleware/stock-clients.ts";
import { openMarket } from "../middleware/shop.ts";
import { connect } from "./attestor.ts";
import { openShop } from "./shop.ts";

/** A way to the real facilitator that loses the answers of `/settle` while it is told to. */
async function startLossyRoute(facilitatorUrl: string) {
  const state = { losing: true, settles: 0 };
  const relay = async (request: IncomingMessage, response: ServerResponse) => {
    const settling = request.url?.endsWith("/settle") === true;
    const body = await textOf(request);
    const answer = await fetch(facilitatorUrl + (request.url ?? ""), {
      method: request.method ?? "GET",
      headers: { "content-type": "application/json" },
      ...(body === "" ? {} : { body }),
    });
    if (settling) state.settles += 1;
    if (settling && state.losing) {
      response.destroy();
      return;
    }
    response.writeHead(answer.status, { "content-type": "application/json" });
    response.end(await answer.text());
  };
  const server = createServer((request, response) => {
    relay(request, response).catch(() => response.destroy());
  }).listen(0, "127.0.0.1");
  const { promise, resolve } = Promise.withResolvers<void>();
  server.once("listening", resolve);
  await promise;
  const { port } = server.address() as AddressInfo;
  return {
    state,
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) text += String(chunk);
  return text;
}

test("a provider that never heard that the money moved completes the sale when it opens again, once", async () => {
  await using market = await openMarket();
  await using route = await startLossyRoute(market.facilitator.url);
  await using shop = await openShop({ facilitatorUrl: route.url });
  const session = await connect(shop.attestor, shop.url);
  const payer = await market.chain.newPayer(50_000_000n);
  const sent: { payment: string | null }[] = [];
  const spying: typeof fetch = (input, init) => {
    const request = new Request(input, init);
    const payment = request.headers.get("PAYMENT-SIGNATURE");
    if (payment !== null) sent.push({ payment });
    return fetch(request);
  };
  const url = `${shop.url}/client/v4/accounts/${session.accountId}/registrar/registrations`;
  const order = {
    method: "POST",
    headers: { ...session.headers, "content-type": "application/json" },
    body: JSON.stringify({ domain_name: "nimbus.dev" }),
  };
  const first = await fetchV2(payer, spying)(url, order);
  expect(first.status).toBeGreaterThanOrEqual(400);
  expect(await market.chain.chain.balanceOf(payer.address)).toBe(37_820_000n);
  expect(shop.server.opened.findRegistration("nimbus.dev")?.state).toBe("held");

  route.state.losing = false;
  await shop.reopen();
  expect(await shop.server.recover()).toBe(0);
  expect(shop.server.opened.findRegistration("nimbus.dev")).toMatchObject({
    state: "active",
    accountId: session.accountId,
  });
  const headers = { ...order.headers, "PAYMENT-SIGNATURE": sent[0]?.payment ?? "" };
  const again = await fetch(url, { ...order, headers });
  expect(again.status).toBe(201);
  expect(await market.chain.chain.balanceOf(payer.address)).toBe(37_820_000n);
});
