/** What an agent paid for and never got: the orchestrator fetches it, by the same bytes, and the agent's next identical call gets it. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { keepCall } from "../../middleware/fetch/kept-request.ts";
import { PurchaseRecovery } from "../../orchestrator/purchase-recovery.ts";
import { openChainless, OFFER, QUOTE } from "../middleware/chainless-wallet.ts";
import { reservation } from "../store/ledger-world.ts";
import { openTestChain, type TestChain } from "../support/chain.ts";
import { buyFlag } from "./paying-agent.ts";
import { openPurchaseWorld, PRICE, type PurchaseWorld, settle } from "./purchase-world.ts";
import { bundled } from "../support/bundled.ts";

const PROGRAM = await bundled(new URL("paying-agent.ts", import.meta.url));
const run = promisify(execFile);

let chain: TestChain;
beforeAll(async () => {
  chain = await openTestChain();
});
afterAll(() => chain[Symbol.asyncDispose]());

/** What the harbour was paid with, and by whom. */
interface Sale {
  payment: string;
  authorization: string | undefined;
  type: string | undefined;
  body: string;
}

/** Sells at the catalog's price, settles on the chain, and answers a payment that it has taken as it did before, or as told. */
function openHarbour(shop: PurchaseWorld, again = { status: 201 }): Sale[] {
  const sales: Sale[] = [];
  shop.world.provider.manners.intercept.set("/accounts/acc_1/flags", (request, response) => {
    const payment = request.header("x-payment");
    if (payment === undefined) {
      const { raw } = shop.order().offer;
      response.status(402).json({ x402Version: 1, accepts: [raw], error: "payment required" });
      return;
    }
    const { authorization, "content-type": type } = request.headers;
    const first = sales.length === 0;
    sales.push({ payment, authorization, type, body: String(request.body) });
    const answer = () => response.status(first ? 201 : again.status).json({ flag: "hoisted" });
    if (first) void settle(chain, { name: "X-PAYMENT", value: payment }).then(answer);
    else answer();
  });
  return sales;
}

/** A world whose agent is dead, longer ago than anybody is left to wait for an answer. */
async function openKilled(killAt: string, again?: { status: number }) {
  const shop = await openPurchaseWorld(chain);
  const { world, agent } = shop;
  const sales = openHarbour(shop, again);
  const buyer = () => ({
    orchestratorUrl: world.server.url,
    token: agent.token.reveal(),
    domain: "nimbus.com",
  });
  const killed = run(process.execPath, [PROGRAM, JSON.stringify(buyer()), killAt]);
  await expect(killed).rejects.toMatchObject({ signal: "SIGKILL" });
  world.clock.now += 31_000;
  const [id] = world.trace.flatMap((event) => (event.type === "payment" ? event.purchase : []));
  const answer = async () => (await agent.get(`/v1/purchases/${id}/answer`)).status;
  const dispose = () => shop[Symbol.asyncDispose]();
  return { ...shop, sales, buyer, answer, [Symbol.asyncDispose]: dispose };
}

const nobody = () => Promise.reject(new TypeError("nobody is to be asked"));

test.each([
  ["before it is sent", 0],
  ["when its answer has come", 1],
])(
  "an agent that is killed with its payment signed, %s: the answer is fetched by itself, and waits for the next call",
  async (killAt, sent) => {
    await using shop = await openKilled(killAt);
    const { world, sales, buyer } = shop;
    expect(sales).toHaveLength(sent);
    expect(await shop.answer()).toBe(404);

    await world.reopen();
    await expect.poll(() => shop.answer()).toBe(200);
    expect(sales).toHaveLength(sent + 1);
    expect(new Set(sales.map(({ payment }) => payment)).size).toBe(1);
    expect(sales.at(-1)).toMatchObject({
      authorization: expect.stringMatching(/^Bearer \w/),
      type: "application/json",
      body: JSON.stringify({ name: "nimbus.com" }),
    });

    // The answer is kept first, and then the book told of it.
    const ask = () => buyFlag(buyer(), nobody);
    const settled = { kind: "delivered", record: { state: "settled" } };
    await expect.poll(ask).toMatchObject(settled);
    const outcome = await ask();
    if (outcome.kind !== "delivered") throw new Error(outcome.kind);
    const { response } = outcome;
    expect([response.status, await response.json()]).toEqual([201, { flag: "hoisted" }]);
    expect(shop.signed.count).toBe(1);
    const transfers = await chain.chain.transfersFrom(shop.payer);
    expect(transfers.map(({ value }) => value)).toEqual([PRICE]);
  },
);

test("a provider that does not deliver again leaves it paid and undelivered, for the next call to ask for", async () => {
  await using shop = await openKilled("when its answer has come", { status: 402 });
  await shop.world.reopen();
  await expect.poll(() => shop.sales.length).toBe(2);
  const outcome = await buyFlag(shop.buyer());
  expect(outcome).toMatchObject({ kind: "undelivered", record: { state: "settled" } });
  expect(new Set(shop.sales.map(({ payment }) => payment)).size).toBe(1);
  expect([await shop.answer(), shop.signed.count]).toEqual([404, 1]);
});

describe("by itself", () => {
  const keep = keepCall("p", QUOTE.request, { offer: OFFER, quote: QUOTE });
  const shopAt = (baseUrl: string) => () => Promise.resolve({ provider: { baseUrl } });

  /** A recovery, with a wallet that has sent one payment, and what it sends again. */
  async function openRecovery(parts: {
    isOf?: boolean;
    provider?: () => Promise<object>;
    fetch?: typeof globalThis.fetch;
  }) {
    const chainless = openChainless();
    const wallets = new Set([chainless.wallet]);
    await chainless.pay({ keep });
    const sent: [string, string | null][] = [];
    const fetch: typeof globalThis.fetch = (url, init) => {
      sent.push([new Request(url).url, new Headers(init?.headers).get("authorization")]);
      return Promise.resolve(new Response("{}"));
    };
    const asked: unknown[] = [];
    const recovery = new PurchaseRecovery({
      purchases: { isOf: () => parts.isOf ?? true },
      catalog: { provider: parts.provider ?? shopAt("https://shop.example") } as never,
      connections: {
        bearer: (asker: unknown) => {
          asked.push(asker);
          return Promise.resolve({ access_token: "abc" });
        },
      } as never,
      payment: { wallets: () => wallets } as never,
      call: { fetch: parts.fetch ?? fetch, timeoutMs: 1000 },
      now: () => chainless.saying.now,
    });
    return { ...chainless, wallets, recovery, sent, asked };
  }

  test("where a newer wallet of the same payer took its place, the older one's recovery has ended", async () => {
    const fetching = Promise.withResolvers<AbortSignal>();
    const hangs: typeof fetch = (_url, init) => {
      fetching.resolve(init!.signal!);
      return new Promise((_, reject) => {
        init!.signal!.addEventListener("abort", () => reject(init!.signal!.reason as Error));
      });
    };
    using opened = await openRecovery({ fetch: hangs });
    opened.saying.now += 30_000;
    await opened.recovery.begin();
    const signal = await fetching.promise;
    opened.wallets.clear();
    await opened.recovery.run();
    expect(signal.aborted).toBe(true);
  });

  test("it is sent in the name of the owner, who is asked nothing", async () => {
    using opened = await openRecovery({});
    opened.saying.now += 30_000;
    await opened.recovery.run();
    expect(opened.sent).toEqual([[QUOTE.request.url, "Bearer abc"]]);
    expect(opened.asked).toMatchObject([{ project: "p", agent: "(owner)", session: {} }]);
    expect((await opened.wallet.listKept())[0]?.answer).toBeDefined();
    await opened.recovery.run();
    expect(opened.sent).toHaveLength(1);
  });

  test.each<[string, number, Parameters<typeof openRecovery>[0]]>([
    ["that an agent may still wait for", 29_999, {}],
    ["that the server can no longer settle", 60_000, {}],
    ["that is none of the orchestrator's", 30_000, { isOf: false }],
    ["to a provider that the human has removed", 30_000, { provider: nobody }],
    ["to a provider that is elsewhere now", 30_000, { provider: shopAt("https://b.example") }],
  ])("a payment is not sent %s", async (_, ms, parts) => {
    using opened = await openRecovery(parts);
    opened.saying.now += ms;
    await opened.recovery.run();
    expect(opened.sent).toEqual([]);
  });

  test("at the start what was being signed is given back, and what is out is fetched", async () => {
    using opened = await openRecovery({});
    const { entry } = await opened.ledger.reserve(reservation());
    opened.saying.now += 30_000;
    await opened.recovery.begin();
    expect((await opened.ledger.find(entry.purchase))?.state).toBe("released");
    await opened.recovery.run();
    expect(opened.sent).toHaveLength(1);
  });
});
