/** Sending what is paid for, by itself: which bytes are sent again, where the wallet has others by now. */
import { expect, test } from "vitest";
import { sendPaid } from "../../middleware/send-paid.ts";
import type { PurchaseRecord } from "../../protocol/index.ts";

const record = (value: string, state: PurchaseRecord["state"]): PurchaseRecord => ({
  id: "pur_1",
  provider: "shop",
  service: "shop/items",
  state,
  amount: "0.01",
  asset: `0x${"aa".repeat(20)}`,
  network: "eip155:84532",
  payTo: `0x${"dd".repeat(20)}`,
  request: "digest of the request",
  payment: { name: "X-PAYMENT", value },
});

/** A shop that takes one payment only, and what it was sent. */
function openShop(wanted: string) {
  const sent: (string | null)[] = [];
  const fetch: typeof globalThis.fetch = (_, init) => {
    const bytes = new Headers(init?.headers).get("X-PAYMENT");
    sent.push(bytes);
    return Promise.resolve(new Response("", { status: bytes === wanted ? 200 : 500 }));
  };
  return { sent, fetch };
}

const request = { method: "GET", url: "http://shop.example/items" };
const pause = () => Promise.resolve();

test("where the first payment is dead and another caller has made a second one, that one is sent", async () => {
  const { sent, fetch } = openShop("second");
  const wallet = { report: () => Promise.resolve(record("second", "settled")) };
  const outcome = await sendPaid({ request, fetch, wallet, pause }, record("first", "sent"));
  expect(outcome).toMatchObject({ kind: "delivered", record: { state: "settled" } });
  expect(sent).toEqual(["first", "second"]);
});

test("where another caller is about to sign a second one, the first is sent as before", async () => {
  const { sent, fetch } = openShop("second");
  const { payment: _, ...signing } = record("", "signing");
  const wallet = { report: () => Promise.resolve(signing) };
  const outcome = await sendPaid({ request, fetch, wallet, pause }, record("first", "sent"));
  expect(outcome).toMatchObject({ kind: "unknown", status: 500 });
  expect(sent).toEqual(["first", "first", "first"]);
});

test("a payment for another request, which the purchase has by now, is never sent with this one", async () => {
  const { sent, fetch } = openShop("second");
  const other = { ...record("second", "settled"), request: "digest of another request" };
  const wallet = { report: () => Promise.resolve(other) };
  const outcome = await sendPaid({ request, fetch, wallet, pause }, record("first", "sent"));
  expect(outcome).toMatchObject({ kind: "refused", error: { code: "PAYMENT_EXPIRED" } });
  expect(sent).toEqual(["first"]);
});
