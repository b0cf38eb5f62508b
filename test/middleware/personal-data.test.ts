/**
 * Who a buyer is and what they ask for is between them and the seller. The facilitator is another party: it hears of a payment, of the
 * path it is for, and of nothing else. (arXiv 2604.11430: personal data in the metadata of payments.)
 */
import express from "express";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import {
  createFacilitator,
  type FacilitatorEvent,
  facilitatorApp,
} from "../../facilitator/index.ts";
import { openRefunds, type RefundEvent, refundAmends } from "../../middleware/index.ts";
import { REFUND_SIGNER_LIMITS } from "../../middleware/refund/refund.ts";
import { accountSigner } from "../../middleware/signer/index.ts";
import { openDatabase } from "../../store/index.ts";
import { openTestChain, type TestChain } from "../support/chain.ts";
import { openPaidShop, present, PROTOCOLS } from "./paid-shop.ts";
import { type Listening, listen } from "./shop.ts";

const PATH = "/item/a?email=lovelace%40example.org&token=hunter2";
const init = {
  method: "POST",
  headers: { "content-type": "application/json", "X-Customer": "Lovelace", Cookie: "id=hunter2" },
  body: JSON.stringify({ name: "Lovelace" }),
};
const PERSONAL = /example\.org|hunter2|lovelace|\?/i;

let chain: TestChain;
let facilitator: Listening;
/** All that reached the facilitator, with its headers, and all that it and the seller logged. */
const heard: string[] = [];
const logged: (FacilitatorEvent | RefundEvent | string)[] = [];
beforeAll(async () => {
  chain = await openTestChain();
  const account = await chain.newPayer(0n, 10n ** 18n);
  const ours = createFacilitator({
    rpcUrl: chain.rpcUrl,
    account,
    log: (event) => logged.push(event),
  });
  const app = express().use(express.text({ type: () => true }), (request, _, next) => {
    heard.push(`${request.url} ${JSON.stringify(request.headers)} ${request.body}`);
    request.body = JSON.parse(request.body as string);
    next();
  });
  facilitator = await listen(app.use(facilitatorApp(ours)));
  for (const name of ["log", "info", "warn", "error", "debug"] as const) {
    vi.spyOn(console, name).mockImplementation((...parts) => void logged.push(parts.join(" ")));
  }
});
afterAll(async () => {
  vi.restoreAllMocks();
  await facilitator[Symbol.asyncDispose]();
  await chain[Symbol.asyncDispose]();
});

test.each(PROTOCOLS)(
  "%s: neither facilitator, receipt nor log hears of the buyer or of the query",
  async (protocol) => {
    await using shop = await openPaidShop({ facilitator: facilitator.url });
    const payer = await chain.newPayer(100_000n);
    const before = heard.length;
    const answer = await fetch(
      shop.url + PATH,
      await present(shop, protocol, { payer, path: PATH, init }),
    );
    expect([answer.status, heard.length - before]).toEqual([200, 2]);
    expect(heard.slice(before).join("\n")).toContain(payer.address);
    expect(heard.slice(before).join("\n")).not.toMatch(PERSONAL);
    for (const name of ["X-PAYMENT-RESPONSE", "PAYMENT-RESPONSE", "Payment-Receipt"]) {
      const receipt = Buffer.from(answer.headers.get(name) ?? "", "base64").toString();
      expect(receipt).not.toMatch(PERSONAL);
    }
    expect(JSON.stringify(logged)).not.toMatch(PERSONAL);
  },
);

test("a refund says nothing of what was bought", async () => {
  const db = openDatabase(":memory:");
  const signer = accountSigner(await chain.newPayer(100_000n), { limits: REFUND_SIGNER_LIMITS });
  const log = (event: RefundEvent) => logged.push(event);
  const afterFailure = refundAmends(openRefunds({ db, facilitator: facilitator.url, signer, log }));
  await using shop = await openPaidShop({
    db,
    facilitator: facilitator.url,
    flow: "settle-first",
    afterFailure,
    handler: (_, response) => void response.status(500).json({ error: "sold out" }),
  });
  const payer = await chain.newPayer(100_000n);
  const before = heard.length;
  await fetch(shop.url + PATH, await present(shop, "x402 v2", { payer, path: PATH, init }));
  expect(await chain.chain.balanceOf(payer.address)).toBe(100_000n);
  expect(heard.slice(before).join("\n")).not.toMatch(PERSONAL);
  expect(JSON.stringify(logged)).not.toMatch(PERSONAL);
});
