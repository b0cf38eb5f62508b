/** What a ledger does, on every database that it can be kept in. */
import { describe, expect, test } from "vitest";
import { PurchaseState, Secret } from "../../protocol/index.ts";
import { type Ledger, type LedgerError, STATES, UNATTRIBUTED } from "../../store/index.ts";
import { BOOKS } from "./ledger-books.ts";
import { IDENTITY, PAYMENT, reservation, scope, send, TX } from "./ledger-world.ts";

const coded = (code: string) => expect.objectContaining({ code });

const STEPS = {
  sent: (ledger, nonce) => ledger.markSent(nonce, PAYMENT),
  unknown: (ledger, nonce) => ledger.markUnknown(nonce),
  claimed: (ledger, nonce) => ledger.markClaimed(nonce, TX),
  settled: (ledger, nonce) => ledger.markSettled(nonce, TX),
  NEVER_SENT: (ledger, nonce) => ledger.release(nonce, "NEVER_SENT"),
  EXPIRED: (ledger, nonce) => ledger.release(nonce, "EXPIRED"),
  CANCELLED: (ledger, nonce) => ledger.release(nonce, "CANCELLED"),
} satisfies Record<string, (ledger: Ledger, nonce: `0x${string}`) => Promise<unknown>>;
/** Every state that a book of this version gets into: the first one is an older version's (`ledger-chain.test.ts`). */
type State = Exclude<PurchaseState, "reserved">;
/** How to get into each state, from its reservation. */
const WAYS: Record<State, (keyof typeof STEPS)[]> = {
  signing: [],
  sent: ["sent"],
  unknown: ["sent", "unknown"],
  claimed: ["sent", "claimed"],
  settled: ["sent", "settled"],
  released: ["NEVER_SENT"],
};
/** wallet.md 1.3, written down a second time: what each state may become. */
const ALLOWED: Record<State, (keyof typeof STEPS)[]> = {
  signing: ["sent", "NEVER_SENT"],
  sent: ["unknown", "claimed", "settled", "EXPIRED", "CANCELLED"],
  unknown: ["unknown", "claimed", "settled", "EXPIRED", "CANCELLED"],
  claimed: ["claimed", "settled", "EXPIRED", "CANCELLED"],
  settled: ["settled"],
  released: ["NEVER_SENT", "EXPIRED", "CANCELLED"],
};
const EVERY_STEP = (Object.keys(WAYS) as State[]).flatMap((state) =>
  (Object.keys(STEPS) as (keyof typeof STEPS)[]).map((step) => [state, step] as const),
);

test("every state says where its money is booked, and only the last two are not open", () => {
  expect(Object.keys(STATES)).toEqual(PurchaseState.options);
  const open = PurchaseState.options.filter((state) => STATES[state].account === "reserved");
  expect(open).toEqual(["reserved", "signing", "sent", "unknown", "claimed"]);
});

describe.each(BOOKS)("on $name", ({ skip, openBook, openUnbound, newLedgerPath, ...book }) => {
  const it = test.skipIf(skip);
  it("the cap can be spent to the unit", async () => {
    using ledger = await openBook();
    await ledger.reserve(reservation({ purchase: "a", amount: 60n }));
    const { entry } = await ledger.reserve(reservation({ purchase: "b", amount: 40n }));
    expect(entry).toMatchObject({ state: "signing", amount: 40n, epoch: 1 });
    expect(await ledger.spent(scope("provider:p/cloudflare", 0n))).toEqual({
      settled: 0n,
      reserved: 100n,
    });
  });

  it("nothing is reserved without a limit, nor above what the database can add up, whatever the limit", async () => {
    using ledger = await openBook();
    await expect(ledger.reserve(reservation({ scopes: [] }))).rejects.toThrow("needs a limit");
    const scopes = [scope("provider:p/cloudflare", 2n ** 80n)];
    const most = 2n ** 62n;
    const above = ledger.reserve(reservation({ scopes, amount: most + 1n }));
    await expect(above).rejects.toMatchObject({ code: "CAP_EXCEEDED" });
    expect(await ledger.list()).toEqual([]);
    const { entry } = await ledger.reserve(reservation({ scopes, amount: most }));
    expect(entry.amount).toBe(most);
  });

  it("one unit more than is left is refused, naming what is left, and changes nothing", async () => {
    using ledger = await openBook();
    await send(ledger, { purchase: "a", amount: 60n });
    const details = {
      scope: "provider:p/cloudflare",
      max: "0.0001",
      settled: "0.00",
      reserved: "0.00006",
      available: "0.00004",
      requested: "0.000041",
    };
    const above = await ledger
      .reserve(reservation({ purchase: "b", amount: 41n }))
      .catch((error: unknown) => error);
    expect(above).toMatchObject({ code: "CAP_EXCEEDED" });
    expect((above as LedgerError).details).toEqual(details);
    // The human has lowered it since.
    const lowered = reservation({ purchase: "b", scopes: [scope("provider:p/cloudflare", 50n)] });
    await expect(ledger.reserve(lowered)).rejects.toMatchObject({ details: { available: "0.00" } });
    expect(await ledger.find("b")).toBeUndefined();
    expect(await ledger.journal()).toHaveLength(2);
  });

  it("bytes are kept for what may be out and has none, and never replaced", async () => {
    using ledger = await openBook();
    const { entry } = await ledger.reserve(reservation({ purchase: "lost" }));
    const never = ledger.keepPayment(entry.nonce, PAYMENT);
    await expect(never).rejects.toMatchObject({ code: "LEDGER_TRANSITION" });
    await ledger.markUnknown(entry.nonce, entry.validBefore);
    const kept = await ledger.keepPayment(entry.nonce, PAYMENT);
    expect([kept.state, kept.payment?.reveal()]).toEqual(["unknown", PAYMENT]);
    const other = await ledger.keepPayment(entry.nonce, { name: "X-PAYMENT", value: "other" });
    expect(other.payment?.reveal()).toEqual(PAYMENT);
    expect(await ledger.journal()).toHaveLength(2);
    await ledger.verify();
  });

  it("what is reserved as sent, before its bytes are known, is in progress for others until it is stale", async () => {
    let now = 1_000_000;
    using ledger = await openBook({ now: () => now, staleAfterMs: 1000 });
    const sent = reservation({ sent: true });
    const { entry, created } = await ledger.reserve(sent);
    expect([entry, created]).toMatchObject([{ state: "sent", payment: undefined }, true]);
    await ledger.synced();
    expect(await ledger.journal()).toMatchObject([{ from: undefined, to: "sent", amount: 10n }]);
    for (const asked of [sent, reservation()])
      await expect(ledger.reserve(asked)).rejects.toThrow(coded("PURCHASE_IN_PROGRESS"));
    now += 1000;
    const again = await ledger.reserve(sent);
    expect(again).toMatchObject({ created: false, entry: { state: "sent", payment: undefined } });
    await ledger.keepSent(entry.nonce, PAYMENT);
    expect((await ledger.find("pur_1"))?.payment?.reveal()).toEqual(PAYMENT);
    await ledger.verify();
  });

  it("who asks while the bytes of what is handed out are on their way into the book has them; of what is not, only then", async () => {
    const path = newLedgerPath();
    using ledger = await openBook({ path });
    const [sent, made] = await Promise.all(
      ["sent", "made"].map(async (purchase) => {
        const { entry } = await ledger.reserve(reservation({ purchase, sent: true }));
        return { purchase, nonce: entry.nonce };
      }),
    );
    const keeping: Promise<unknown>[] = [];
    await book.withoutCommits(path, async () => {
      keeping.push(ledger.keepSent(sent!.nonce, PAYMENT), ledger.keepPayment(made!.nonce, PAYMENT));
      const asked = [sent!, made!].map(({ purchase }) => ledger.find(purchase));
      const [one, other] = await Promise.all(asked);
      expect([one?.payment?.reveal(), other?.payment]).toEqual([PAYMENT, undefined]);
    });
    await Promise.all(keeping);
    expect((await ledger.find("made"))?.payment?.reveal()).toEqual(PAYMENT);
  });

  it.each([
    ["is being signed", false],
    ["is sent, without bytes", true],
  ] as const)("what %s can be taken back, and then has no bytes any more", async (_, sent) => {
    using ledger = await openBook();
    const { entry } = await ledger.reserve(reservation({ sent }));
    const back = await ledger.withdraw(entry.nonce);
    expect(back).toMatchObject({ state: "released", proof: "NEVER_SENT" });
    expect(await ledger.spent(scope("provider:p/cloudflare", 0n))).toMatchObject({ reserved: 0n });
    const kept = ledger.keepPayment(entry.nonce, PAYMENT);
    await expect(kept).rejects.toThrow(coded("LEDGER_TRANSITION"));
    expect((await ledger.reserve(reservation())).entry.epoch).toBe(2);
  });

  it.each([
    ["sent, with bytes", ["keepPayment"]],
    ["unknown", ["markUnknown"]],
    ["claimed", ["markClaimed"]],
    ["settled", ["markSettled"]],
    ["released", ["withdraw"]],
  ] as const)("what is %s cannot be taken back", async (_, [step]) => {
    using ledger = await openBook();
    const { entry } = await ledger.reserve(reservation({ sent: true }));
    if (step === "keepPayment") await ledger.keepPayment(entry.nonce, PAYMENT);
    else if (step === "markUnknown" || step === "withdraw") await ledger[step](entry.nonce);
    else await ledger[step](entry.nonce, TX);
    const before = await ledger.journal();
    await expect(ledger.withdraw(entry.nonce)).rejects.toThrow(coded("LEDGER_TRANSITION"));
    expect(await ledger.journal()).toEqual(before);
  });

  it("what nobody knows the provider of counts against every provider's cap, and against nothing else", async () => {
    using ledger = await openBook();
    const found = { purchase: "found", payTo: `0x${"ee".repeat(20)}` as const };
    const unattributed = { ...found, scopes: [scope(UNATTRIBUTED, 100n)] };
    const { nonce } = await send(ledger, { ...unattributed, amount: 40n });
    await ledger.markSettled(nonce, TX);
    await send(ledger, { ...unattributed, purchase: "found too", amount: 20n });
    const scopes = [scope("provider:p/new", 100n)];
    await expect(ledger.reserve(reservation({ scopes, amount: 41n }))).rejects.toMatchObject({
      code: "CAP_EXCEEDED",
      details: { scope: "provider:p/new", available: "0.00004", unattributed: "0.00006" },
    });
    await ledger.reserve(reservation({ scopes, amount: 40n }));
    await ledger.reserve(
      reservation({
        purchase: "b",
        scopes: [scope("wallet", 100n), scope("run:r1", 100n)],
        amount: 100n,
      }),
    );
  });

  it("it says under which providers' caps a payee was paid before", async () => {
    using ledger = await openBook();
    const payTo = `0x${"Ab".repeat(20)}` as const;
    const [shop, other] = [scope("provider:p/shop", 100n), scope("provider:q/shop", 100n)];
    await send(ledger, { purchase: "a", payTo, scopes: [shop, scope("wallet", 100n)] });
    await send(ledger, { purchase: "b", payTo, scopes: [other, scope("run:r1", 100n)] });
    await send(ledger, { purchase: "c", scopes: [scope("provider:p/third", 100n)] });
    // Names that only look like one.
    const budget = { ...scope("provider:p/2026-11/x", 100n), perMonth: false };
    await send(ledger, { purchase: "d", payTo, scopes: [scope("x provider:p/a", 100n), budget] });
    const lower = payTo.toLowerCase() as typeof payTo;
    expect(await ledger.providerCaps(lower)).toEqual([shop.name, other.name]);
    expect(await ledger.providerCaps(`0x${"ff".repeat(20)}`)).toEqual([]);
  });

  it("it remembers the highest that a count elsewhere has shown, each by its name", async () => {
    using ledger = await openBook();
    expect(await ledger.highest("counter one", 3)).toBe(3);
    expect(await ledger.highest("counter one", 2)).toBe(3);
    expect(await ledger.highest("counter two", 1)).toBe(1);
    expect(await ledger.highest("counter one", 12)).toBe(12);
    expect(await ledger.highest("counter one", 3)).toBe(12);
    await ledger.verify();
  });

  it("every scope must have room: a full budget reserves nothing under the cap", async () => {
    using ledger = await openBook();
    const scopes = [scope("provider:p/cloudflare", 100n), scope("run:r1", 9n)];
    await expect(ledger.reserve(reservation({ scopes }))).rejects.toThrow(coded("BUDGET_EXCEEDED"));
    expect((await ledger.spent(scope("provider:p/cloudflare", 0n))).reserved).toBe(0n);
  });

  it.each(["signing", "sent", "unknown", "claimed", "settled"] as const)(
    "what is %s counts against the cap",
    async (state) => {
      using ledger = await openBook();
      const { entry } = await ledger.reserve(reservation({ amount: 60n }));
      if (state !== "signing") await ledger.markSent(entry.nonce, PAYMENT);
      if (state === "unknown") await ledger.markUnknown(entry.nonce);
      if (state === "claimed") await ledger.markClaimed(entry.nonce, TX);
      if (state === "settled") await ledger.markSettled(entry.nonce, TX);
      expect((await ledger.find("pur_1"))?.state).toBe(state);
      await expect(ledger.reserve(reservation({ purchase: "b", amount: 41n }))).rejects.toThrow(
        coded("CAP_EXCEEDED"),
      );
    },
  );

  it("what is released can be spent again, and the purchase gets another nonce", async () => {
    using ledger = await openBook();
    const first = await send(ledger, { amount: 100n });
    await ledger.release(first.nonce, "EXPIRED");
    const { entry, created } = await ledger.reserve(reservation({ amount: 100n }));
    expect(created).toBe(true);
    expect(entry.epoch).toBe(2);
    expect(entry.nonce).not.toBe(first.nonce);
  });

  it.each(["sent", "unknown", "claimed", "settled"] as const)(
    "a purchase that is %s is handed back with the same bytes, and reserves nothing",
    async (state) => {
      using ledger = await openBook();
      const { nonce } = await send(ledger);
      if (state === "unknown") await ledger.markUnknown(nonce);
      if (state === "claimed") await ledger.markClaimed(nonce, TX);
      if (state === "settled") await ledger.markSettled(nonce, TX);
      const { entry, created } = await ledger.reserve(reservation());
      expect(created).toBe(false);
      expect(entry.payment?.reveal()).toEqual(PAYMENT);
      expect(await ledger.list()).toHaveLength(1);
    },
  );

  it.each([
    ["another request", { fingerprint: "request-2" }],
    ["another recipient", { payTo: `0x${"cc".repeat(20)}` }],
    ["a higher amount", { amount: 11n }],
    ["a lower amount", { amount: 9n }],
    ["another provider", { provider: "vercel" }],
  ] as const)("the same purchase with %s is a conflict", async (_, fields) => {
    using ledger = await openBook();
    await send(ledger);
    await expect(ledger.reserve(reservation(fields))).rejects.toThrow(coded("PURCHASE_CONFLICT"));
  });

  it("a second caller cannot take over a purchase that is being signed", async () => {
    using ledger = await openBook();
    const { entry } = await ledger.reserve(reservation());
    await expect(ledger.reserve(reservation())).rejects.toThrow(coded("PURCHASE_IN_PROGRESS"));
    await ledger.markSent(entry.nonce, PAYMENT);
    await expect(ledger.markSent(entry.nonce, PAYMENT)).rejects.toThrow(coded("LEDGER_TRANSITION"));
  });

  it("a reservation that nobody carried on is replaced, and its signer can no longer send", async () => {
    let now = 1_000_000;
    using ledger = await openBook({ now: () => now, staleAfterMs: 1000 });
    const first = await ledger.reserve(reservation());
    now += 1000;
    const second = await ledger.reserve(reservation());
    expect(second.entry.epoch).toBe(2);
    await expect(ledger.markSent(first.entry.nonce, PAYMENT)).rejects.toThrow(
      coded("LEDGER_TRANSITION"),
    );
    expect((await ledger.spent(scope("provider:p/cloudflare", 0n))).reserved).toBe(10n);
  });

  it.each(EVERY_STEP)(
    "from %s, the step %s goes only where the table says",
    async (state, step) => {
      using ledger = await openBook();
      const { entry } = await ledger.reserve(reservation());
      for (const way of WAYS[state]) await STEPS[way](ledger, entry.nonce);
      const before = await ledger.journal();
      if (ALLOWED[state].includes(step)) {
        await STEPS[step](ledger, entry.nonce);
        const expected = step === "NEVER_SENT" || step === "EXPIRED" || step === "CANCELLED";
        expect((await ledger.find("pur_1"))?.state).toBe(expected ? "released" : step);
      } else {
        await expect(STEPS[step](ledger, entry.nonce)).rejects.toThrow(coded("LEDGER_TRANSITION"));
        expect((await ledger.find("pur_1"))?.state).toBe(state);
        expect(await ledger.journal()).toEqual(before);
      }
    },
  );

  it("a released amount is given back once, however often it is released", async () => {
    using ledger = await openBook();
    const { nonce } = await send(ledger);
    await send(ledger, { purchase: "b" });
    await ledger.release(nonce, "EXPIRED");
    await ledger.release(nonce, "EXPIRED");
    expect((await ledger.spent(scope("provider:p/cloudflare", 0n))).reserved).toBe(10n);
  });

  it("a month's cap is new in the next UTC month, and a payment stays in the month it was reserved in", async () => {
    let now = Date.UTC(2026, 10, 30, 23, 59, 59, 999);
    using ledger = await openBook({ now: () => now });
    const { nonce } = await send(ledger, { amount: 100n });
    now += 1;
    await ledger.markSettled(nonce, TX);
    expect(await ledger.spent(scope("provider:p/cloudflare", 0n))).toEqual({
      settled: 0n,
      reserved: 0n,
    });
    const november = await ledger.spent(scope("provider:p/cloudflare", 0n), "2026-11");
    expect(november).toEqual({ settled: 100n, reserved: 0n });
    await send(ledger, { purchase: "b", amount: 100n });
  });

  it("a clock that is set back opens no month that is over", async () => {
    let now = Date.UTC(2026, 11, 1);
    const path = newLedgerPath();
    {
      using ledger = await openBook({ path, now: () => now });
      await send(ledger, { amount: 100n });
    }
    now = Date.UTC(2026, 10, 1);
    using ledger = await openBook({ path, now: () => now });
    await expect(ledger.reserve(reservation({ purchase: "b", amount: 1n }))).rejects.toThrow(
      coded("CAP_EXCEEDED"),
    );
  });

  it("a run's budget does not begin anew with the month", async () => {
    let now = Date.UTC(2026, 10, 30);
    using ledger = await openBook({ now: () => now });
    const scopes = [scope("run:r1", 10n)];
    await send(ledger, { scopes });
    now = Date.UTC(2026, 11, 30);
    await expect(ledger.reserve(reservation({ purchase: "b", scopes }))).rejects.toThrow(
      coded("BUDGET_EXCEEDED"),
    );
  });

  it("everything is there when the book is opened again", async () => {
    const path = newLedgerPath();
    {
      using ledger = await openBook({ path });
      const { nonce } = await send(ledger);
      await ledger.markUnknown(nonce);
    }
    using ledger = await openBook({ path });
    const [entry] = await ledger.listOpen();
    expect(entry).toMatchObject({ purchase: "pur_1", state: "unknown", amount: 10n });
    expect(entry?.payment?.reveal()).toEqual(PAYMENT);
  });

  it("another key opens no book that holds a payment, so nothing is paid from it", async () => {
    const path = newLedgerPath();
    {
      using ledger = await openBook({ path });
      await send(ledger);
    }
    const bytesKey = new Secret(new Uint8Array(32).fill(8));
    await expect(openBook({ path, bytesKey })).rejects.toThrow(coded("LEDGER_UNREADABLE"));
  });

  it.each([
    ["chain", { genesis: `0x${"22".repeat(32)}` }],
    ["token", { asset: `0x${"33".repeat(20)}` }],
    ["wallet", { payer: `0x${"44".repeat(20)}` }],
  ] as const)("a book of another %s is refused", async (_, fields) => {
    const path = newLedgerPath();
    (await openBook({ path })).close();
    const ledger = await openUnbound({ path });
    await expect(ledger.bind({ ...IDENTITY, ...fields })).rejects.toThrow(coded("LEDGER_MISMATCH"));
    await expect(ledger.reserve(reservation())).rejects.toThrow("bind the ledger");
    ledger.close();
  });

  it("every unit in the journal comes from where the line before put it", async () => {
    using ledger = await openBook();
    const { nonce } = await send(ledger);
    await ledger.markUnknown(nonce);
    await ledger.markSettled(nonce, TX);
    const lines = await ledger.journal();
    expect(lines.map(({ credit, debit }) => `${credit} → ${debit}`)).toEqual([
      "available → reserved",
      "reserved → reserved",
      "reserved → reserved",
      "reserved → spent",
    ]);
  });
});
