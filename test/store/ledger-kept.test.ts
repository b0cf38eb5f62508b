/** What a ledger keeps beside the money, on every database: how often payments began, and what it takes to fetch what was paid for. */
import { describe, expect, test } from "vitest";
import { Secret } from "../../protocol/index.ts";
import { BOOKS } from "./ledger-books.ts";
import { reservation, scope, send, TX } from "./ledger-world.ts";

const coded = (code: string) => expect.objectContaining({ code });
const rate = { name: "wallet", max: 3 };
const request = new Secret('{"url":"https://shop.example/a"}');
const answer = new Secret('{"status":200}');

describe.each(BOOKS)("on $name", ({ skip, openBook, newLedgerPath, tamper }) => {
  const it = test.skipIf(skip);

  it("of fifty payments at once from two handles exactly as many begin as a minute allows, and the others change nothing", async () => {
    const path = newLedgerPath();
    using first = await openBook({ path, now: () => 1_000_000 });
    using second = await openBook({ path, now: () => 1_000_000 });
    const results = await Promise.allSettled(
      Array.from({ length: 50 }, (_, index) =>
        [first, second][index % 2]!.reserve(
          reservation({ purchase: `pur_${index}`, amount: 1n, rate: { name: "wallet", max: 10 } }),
        ),
      ),
    );
    const refused = results.filter(({ status }) => status === "rejected");
    expect(refused).toHaveLength(40);
    for (const result of refused) {
      expect(result).toMatchObject({ reason: coded("RATE_EXCEEDED") });
    }
    expect(await first.list()).toHaveLength(10);
    expect(await second.begun("wallet")).toBe(10);
  });

  it("a restart does not begin the minute anew, nor does a clock that is set back; sixty seconds do", async () => {
    const path = newLedgerPath();
    let now = 1_000_000;
    for (const purchase of ["a", "b", "c"]) {
      using ledger = await openBook({ path, now: () => now });
      await ledger.reserve(reservation({ purchase, rate }));
      now += 10_000;
    }
    const last = { purchase: "d", rate };
    now = 1_059_999;
    using ledger = await openBook({ path, now: () => now });
    await expect(ledger.reserve(reservation(last))).rejects.toThrow(coded("RATE_EXCEEDED"));
    now = 5;
    await expect(ledger.reserve(reservation(last))).rejects.toThrow(coded("RATE_EXCEEDED"));
    now = 1_060_000;
    expect(await ledger.reserve(reservation(last))).toMatchObject({ created: true });
  });

  it("a hundred begun in a minute are counted to the last, also after the hundred of the minute before", async () => {
    let now = 1_000_000;
    using ledger = await openBook({ now: () => now });
    const hundred = { name: "wallet", max: 100 };
    const begin = async (minute: number, index: number) => {
      const purchase = `pur_${minute}_${index}`;
      await ledger.reserve(
        reservation({ purchase, amount: 1n, rate: hundred, scopes: [scope("wallet", 1_000n)] }),
      );
    };
    for (const minute of [1, 2]) {
      now += 60_000;
      for (let index = 0; index < 100; index += 1) await begin(minute, index);
      expect(await ledger.begun("wallet")).toBe(100);
      await expect(begin(minute, 100)).rejects.toMatchObject({ code: "RATE_EXCEEDED" });
    }
  });

  it("asking again for a payment that has left begins nothing, and another rate counts for itself", async () => {
    using ledger = await openBook({ now: () => 1_000_000 });
    const one = { name: "wallet", max: 1 };
    await send(ledger, { purchase: "a", rate: one });
    expect(await ledger.reserve(reservation({ purchase: "a", rate: one }))).toMatchObject({
      created: false,
    });
    const other = { name: "other", max: 1 };
    await ledger.reserve(reservation({ purchase: "b", rate: other }));
    expect([await ledger.begun("wallet"), await ledger.begun("other")]).toEqual([1, 1]);
  });

  it("a request is kept with its reservation, over a restart, until its caller has the answer", async () => {
    const path = newLedgerPath();
    {
      using ledger = await openBook({ path });
      await send(ledger, { purchase: "a", request });
      await send(ledger, { purchase: "b" });
    }
    using ledger = await openBook({ path });
    const [kept, ...others] = await ledger.listKept();
    expect(kept).toMatchObject({ entry: { purchase: "a", state: "sent" }, answer: undefined });
    expect([kept?.request.reveal(), others]).toEqual([request.reveal(), []]);
    await ledger.forgetRequest("a");
    expect(await ledger.listKept()).toEqual([]);
  });

  it("an answer that was fetched stays for the next call, whoever says that it was delivered", async () => {
    using ledger = await openBook();
    const { nonce } = await send(ledger, { purchase: "a", request });
    await ledger.keepAnswer("a", answer);
    await ledger.markSettled(nonce, TX);
    await ledger.forgetRequest("a");
    const [kept] = await ledger.listKept("a");
    expect(kept?.answer?.reveal()).toBe(answer.reveal());
  });

  it("what is released needs no request, and the purchase that is made anew keeps its own", async () => {
    using ledger = await openBook();
    const { nonce } = await send(ledger, { purchase: "a", request });
    await ledger.keepAnswer("a", answer);
    await ledger.release(nonce, "EXPIRED");
    expect(await ledger.listKept()).toEqual([]);
    const later = new Secret("another");
    await send(ledger, { purchase: "a", request: later });
    const [kept] = await ledger.listKept();
    expect([kept?.request.reveal(), kept?.answer]).toEqual(["another", undefined]);
  });

  it("a kept request that somebody changed or moved to another purchase denies everything", async () => {
    const path = newLedgerPath();
    using ledger = await openBook({ path });
    await send(ledger, { purchase: "a", request });
    await send(ledger, { purchase: "b", request: new Secret("b") });
    await tamper(
      path,
      "UPDATE kept SET request = (SELECT request FROM kept WHERE purchase = 'b') WHERE purchase = 'a'",
    );
    await expect(ledger.listKept("a")).rejects.toThrow(coded("LEDGER_UNREADABLE"));
    await expect(ledger.find("a")).rejects.toThrow(coded("LEDGER_UNREADABLE"));
  });
});
