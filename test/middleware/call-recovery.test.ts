/** What `payCall` paid for from a wallet in this process and never got: fetched by itself, for the next identical call. */
import { expect, test } from "vitest";
import {
  localWallet,
  type PaidCall,
  payCall,
  quoteFor,
  recoverCalls,
} from "../../middleware/index.ts";
import { purchaseId } from "../../protocol/index.ts";
import { catalogOf } from "./buyer.ts";
import { OFFER, openChainless, PAYEE, SETTLED } from "./chainless-wallet.ts";

const order = { service: "shop/items", operation: "create", inputs: { item: "a" } };
const URL_PAID = "https://shop.example/shop/items";
const SHOP = catalogOf({ url: "https://shop.example", payTo: PAYEE });

/** A shop that settles what it is paid, and what was sent to it. */
function openShop({ saying }: ReturnType<typeof openChainless>) {
  const paid: [string, string | null, string | null][] = [];
  const fetch: typeof globalThis.fetch = async (url, init) => {
    const headers = new Headers(init?.headers);
    const payment = headers.get("PAYMENT-SIGNATURE");
    if (payment === null) {
      const accepts = [OFFER.raw];
      const challenge = { x402Version: 2, resource: { url: URL_PAID }, accepts };
      const header = Buffer.from(JSON.stringify(challenge)).toString("base64");
      return new Response("{}", { status: 402, headers: { "PAYMENT-REQUIRED": header } });
    }
    const { method, url: asked } = new Request(url, { method: init?.method ?? "GET" });
    paid.push([`${method} ${asked}`, payment, headers.get("authorization")]);
    saying.proof = SETTLED;
    return Response.json({ item: "a" }, { status: 201, headers: { "x-shop": "yes" } });
  };
  return { paid, fetch };
}

function callOf({ wallet }: ReturnType<typeof openChainless>, fetch: typeof globalThis.fetch) {
  const scopes = [{ name: "wallet", kind: "cap", max: 20_000n, perMonth: true }] as const;
  const local = { wallet, catalog: SHOP, project: "p", scopesFor: () => scopes };
  const quote = quoteFor({ catalog: SHOP, ...order });
  return payCall({
    request: { ...quote.request, headers: { authorization: "Bearer of the caller" } },
    quote,
    purchase: { id: purchaseId({ project: "p", ...order }), ...order },
    wallet: localWallet(local),
    fetch,
    resends: 0,
  });
}

/** A call that paid, heard nothing, and is over. */
async function openLeft() {
  const chainless = openChainless();
  const shop = openShop(chainless);
  const lost: typeof fetch = async (url, init) => {
    const response = await shop.fetch(url, init);
    if (response.status === 402) return response;
    throw new TypeError("reset");
  };
  expect((await callOf(chainless, lost)).kind).toBe("undelivered");
  chainless.saying.now += 30_000;
  const { wallet, saying } = chainless;
  const recover = async (options: Partial<Parameters<typeof recoverCalls>[0]> = {}) => {
    const now = () => saying.now;
    const sellerOf = () => ({ baseUrl: "https://shop.example" });
    const rest = { sellerOf, everyMs: 60_000, now, fetch: shop.fetch };
    await using recovery = recoverCalls({ wallet, ...rest, ...options });
    await recovery.recover();
  };
  return { ...chainless, shop, recover };
}

test("the same bytes fetch it, with the credentials of now, and the next identical call gets it as it came", async () => {
  using left = await openLeft();
  const asked: PaidCall[] = [];
  const headers = { authorization: "Bearer of now" };
  const sellerOf = (call: PaidCall) => {
    asked.push(call);
    return { baseUrl: "https://shop.example/api", headers };
  };
  await left.recover({ sellerOf });
  await left.recover({ sellerOf });
  const purchase = purchaseId({ project: "p", ...order });
  expect(asked).toEqual([{ purchase, project: "p", provider: "shop" }]);
  const [first, second, ...more] = left.shop.paid;
  expect([first?.[2], second?.[2], more]).toEqual(["Bearer of the caller", "Bearer of now", []]);
  expect(second?.slice(0, 2)).toEqual(first?.slice(0, 2));
  const outcome = await callOf(left, () => Promise.reject(new TypeError("nobody is asked")));
  expect(outcome).toMatchObject({ kind: "delivered", record: { state: "settled" } });
  if (outcome.kind !== "delivered") return;
  expect(outcome.response.headers.get("x-shop")).toBe("yes");
  expect([outcome.response.status, await outcome.response.json()]).toEqual([201, { item: "a" }]);
});

test.each([
  ["whose seller is elsewhere now", { baseUrl: "https://b.example" }],
  ["that has no seller now", undefined],
])("a payment is not sent again %s", async (_, seller) => {
  using left = await openLeft();
  await left.recover({ sellerOf: () => seller });
  expect(left.shop.paid).toHaveLength(1);
});

test("what was delivered is not kept", async () => {
  using chainless = openChainless();
  const { fetch } = openShop(chainless);
  expect((await callOf(chainless, fetch)).kind).toBe("delivered");
  expect(await chainless.wallet.listKept()).toEqual([]);
});
