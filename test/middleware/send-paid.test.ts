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
  payment: { name: "X-PAYMENT", value },
});

test("where the first payment is dead and another caller has made a second one, that one is sent", async () => {
  const sent: (string | null)[] = [];
  const outcome = await sendPaid(
    {
      request: { method: "GET", url: "http://shop.example/items" },
      fetch: (_, init) => {
        const bytes = new Headers(init?.headers).get("X-PAYMENT");
        sent.push(bytes);
        return Promise.resolve(new Response("", { status: bytes === "second" ? 200 : 500 }));
      },
      wallet: { report: () => Promise.resolve(record("second", "settled")) },
      pause: () => Promise.resolve(),
    },
    record("first", "sent"),
  );
  expect(outcome).toMatchObject({ kind: "delivered", record: { state: "settled" } });
  expect(sent).toEqual(["first", "second"]);
});
