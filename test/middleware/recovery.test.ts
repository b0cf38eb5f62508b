/** What a payer does by itself about what was paid for and not delivered: C4 to C8 of the wallet's crash points, from outside. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createPayer, remoteWallet, type RecoverySettings } from "../../middleware/index.ts";
import { signerRefused } from "../../middleware/signer/signer-refusal.ts";
import { Secret } from "../../protocol/index.ts";
import { type Buyer, openBuyer } from "./buyer.ts";
import { openFetchBuyer, policyFor } from "./fetch-buyer.ts";
import { openHostileShop } from "./hostile-shop.ts";
import { type Market, openMarket, openShop } from "./shop.ts";

let market: Market;
let facilitatorUrl: string;
beforeAll(async () => {
  market = await openMarket();
  facilitatorUrl = market.facilitator.url;
});
afterAll(() => market[Symbol.asyncDispose]());

const balanceOf = (address: `0x${string}`) => market.chain.chain.balanceOf(address);
const dead: typeof fetch = () => Promise.reject(new TypeError("the process is dying"));
const isPaid = (init?: RequestInit) => {
  const headers = new Headers(init?.headers);
  return headers.has("PAYMENT-SIGNATURE") || headers.has("X-PAYMENT");
};
/** The paid request does not leave. */
const neverSent: typeof fetch = (input, init) => (isPaid(init) ? dead : fetch)(input, init);
/** The paid request does its work, and its answer is lost. */
const answerLost: typeof fetch = async (input, init) => {
  const response = await fetch(input, init);
  return isPaid(init) ? dead(input, init) : response;
};
const now = { everyMs: 60_000, graceMs: 0 } satisfies RecoverySettings;

interface Left {
  shop: { url: string; payTo: string };
  fetch: typeof fetch;
  headers?: Record<string, string>;
  /** It died before it had kept the bytes. */
  keepsBytes?: boolean;
}

/** A process that paid, heard nothing, and died. */
async function leavePayment({
  shop,
  fetch,
  headers = {},
  keepsBytes = true,
}: Left): Promise<Buyer> {
  const buyer = await openFetchBuyer(market.chain, { shop, fetch, resends: 0, recovery: false });
  if (!keepsBytes) Reflect.set(buyer.ledger, "keepSent", () => Promise.resolve());
  const outcome = await buyer.pay(`${shop.url}/shop/items/a`, { headers });
  expect(outcome.kind).not.toBe("delivered");
  Reflect.deleteProperty(buyer.ledger, "keepSent");
  const [kept] = await buyer.ledger.listKept();
  expect(kept?.entry.payment !== undefined).toBe(keepsBytes);
  return buyer;
}

test.each([
  ["its answer was lost", answerLost, true],
  ["it never left", neverSent, true],
  ["its answer was lost, and its bytes were never kept", answerLost, false],
  ["it never left, and its bytes were never kept", neverSent, false],
])(
  "where %s, recovery fetches what was paid for with the same bytes, and the next identical call gets it",
  async (_, fetch, keepsBytes) => {
    await using shop = await openShop({ facilitatorUrl });
    using left = await leavePayment({ shop, fetch, keepsBytes });
    const next = await openFetchBuyer(market.chain, { shop, buyer: left, recovery: now });
    await next.pay.recover();
    expect(shop.events.filter((event) => event.startsWith("work"))).toHaveLength(1);
    await shop[Symbol.asyncDispose]();
    const outcome = await next.pay(`${shop.url}/shop/items/a`);
    expect(outcome).toMatchObject({ kind: "delivered", record: { state: "settled" } });
    if (outcome.kind !== "delivered") throw new Error();
    expect([outcome.response.status, await outcome.response.json()]).toMatchObject([
      201,
      { item: "a" },
    ]);
    expect(await balanceOf(shop.payTo)).toBe(10_000n);
    expect(await left.ledger.list()).toHaveLength(1);
    await next.pay.close();
  },
);

test("it runs by itself when a payer is made", async () => {
  const paid = Promise.withResolvers<void>();
  await using shop = await openHostileShop({
    onPaid: (_, response) => {
      response.once("finish", () => paid.resolve()).json({ late: true });
    },
  });
  using left = await leavePayment({ shop, fetch: neverSent });
  const next = await openFetchBuyer(market.chain, { shop, buyer: left, recovery: now });
  await paid.promise;
  await next.pay.recover();
  await next.pay.close();
  const [kept] = await left.ledger.listKept();
  expect(kept?.answer?.reveal()).toContain('"status":200');
});

test("what was delivered is not kept, and nothing is sent for it again", async () => {
  await using shop = await openShop({ facilitatorUrl });
  using buyer = await openFetchBuyer(market.chain, { shop, recovery: false });
  await buyer.pay(`${shop.url}/shop/items/a`);
  await buyer.fetch(`${shop.url}/shop/items/b`);
  await buyer.fetch.idle();
  expect(await buyer.ledger.listKept()).toEqual([]);
});

test("a call that is on its way is left alone for the grace, and so is every payment of a moment ago", async () => {
  await using shop = await openHostileShop();
  using left = await leavePayment({ shop, fetch: neverSent });
  const recovery = { ...now, graceMs: 600_000 };
  const next = await openFetchBuyer(market.chain, { shop, buyer: left, recovery });
  await next.pay.recover();
  await next.pay.close();
  expect(shop.payments).toEqual([]);
});

test.each<[string, Parameters<typeof openFetchBuyer>[1] extends infer T ? Partial<T> : never]>([
  ["another scope", { scope: "q" }],
  ["a policy that no longer names the shop", { policy: { providers: [] } }],
])("a payer with %s sends nothing for it", async (_, options) => {
  await using shop = await openHostileShop();
  using left = await leavePayment({ shop, fetch: neverSent });
  const next = await openFetchBuyer(market.chain, {
    shop,
    buyer: left,
    recovery: now,
    ...options,
  });
  await next.pay.recover();
  await next.pay.close();
  expect([shop.payments, (await left.ledger.listKept()).length]).toEqual([[], 1]);
});

test("secret headers are not kept: the request waits for its caller, or for whoever has them", async () => {
  const seen: (string | undefined)[] = [];
  await using shop = await openHostileShop({
    onPaid: (request, response) => {
      seen.push(request.header("x-api-key"));
      response.json({});
    },
  });
  const headers = { "X-API-Key": "hush-hush", "X-Colour": "red" };
  using left = await leavePayment({ shop, fetch: neverSent, headers });
  const [kept] = await left.ledger.listKept();
  expect(kept?.request.reveal()).toContain('"x-colour":"red"');
  expect(kept?.request.reveal()).not.toContain("hush-hush");
  const without = await openFetchBuyer(market.chain, { shop, buyer: left, recovery: now });
  await without.pay.recover();
  expect(seen).toEqual([]);
  const credentials = (_: string, names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [name, "given"]));
  const recovery = { ...now, credentials };
  const next = await openFetchBuyer(market.chain, { shop, buyer: left, recovery });
  await next.pay.recover();
  expect(seen).toEqual(["given"]);
  await without.pay.close();
  await next.pay.close();
});

test("what a server does not deliver stays in the book as undelivered, and is not asked for again at once", async () => {
  await using shop = await openHostileShop({
    onPaid: (_, response) => void response.sendStatus(503),
  });
  using left = await leavePayment({ shop, fetch: neverSent });
  const next = await openFetchBuyer(market.chain, { shop, buyer: left, recovery: now });
  await next.pay.recover();
  await next.pay.recover();
  await next.pay.close();
  expect(shop.payments).toHaveLength(1);
  expect(await left.ledger.listKept()).toMatchObject([{ answer: undefined }]);
});

test("bytes that the signer does not make again are not sent, and not asked for at once again", async () => {
  await using shop = await openHostileShop();
  using left = await leavePayment({ shop, fetch: neverSent, keepsBytes: false });
  let asked = 0;
  const sign = () => {
    asked += 1;
    return Promise.reject(signerRefused("NONCE"));
  };
  using other = await openBuyer(market.chain, {
    account: left.account,
    ledger: left.ledger,
    signer: { address: left.account.address, sign },
  });
  const next = await openFetchBuyer(market.chain, { shop, buyer: other, recovery: now });
  await next.pay.recover();
  await next.pay.recover();
  await next.pay.close();
  expect([asked, shop.payments]).toEqual([1, []]);
});

test("what the chain proves dead is released, without another request", async () => {
  await using shop = await openHostileShop();
  using left = await leavePayment({ shop, fetch: neverSent });
  await market.chain.advance(300);
  const next = await openFetchBuyer(market.chain, { shop, buyer: left, recovery: now });
  await next.pay.recover();
  await next.pay.close();
  expect(shop.payments).toEqual([]);
  expect(await left.ledger.list()).toMatchObject([{ state: "released", proof: "EXPIRED" }]);
  expect(await left.ledger.listKept()).toEqual([]);
});

test("after it is closed, a payer recovers nothing more", async () => {
  await using shop = await openHostileShop();
  using left = await leavePayment({ shop, fetch: neverSent });
  const next = await openFetchBuyer(market.chain, { shop, buyer: left, recovery: false });
  await next.pay.close();
  await next.pay.recover();
  expect(shop.payments).toEqual([]);
});

test("a wallet behind an orchestrator is refused by name, with the call that it serves", async () => {
  using buyer = await openBuyer(market.chain);
  const shop = { url: "http://shop.example", payTo: buyer.account.address };
  const wallet = remoteWallet({ orchestratorUrl: "http://127.0.0.1:1", token: new Secret("t") });
  const create = () =>
    createPayer({ wallet: wallet as never, policy: policyFor(shop), scope: "p" });
  expect(create).toThrow(expect.objectContaining({ code: "WALLET_NOT_LOCAL" }));
});
