/** What a wallet makes of an answer, and of a payment whose time is over, with a chain that says what a test wants. */
import { describe, expect, test } from "vitest";
import type { AuthorizationProof } from "../../chain/index.ts";
import { EXPIRED, openChainless, SETTLED, TX, UNUSED } from "./chainless-wallet.ts";

/** A wallet that has sent one payment, of which the chain knows nothing yet. */
async function openSpender() {
  const chainless = openChainless();
  const first = await chainless.pay();
  return { ...chainless, first };
}

describe("an answer to a payment that the chain has not seen yet", () => {
  test.each<[number | null, string | undefined, string]>([
    [200, TX, "claimed"],
    [299, TX, "claimed"],
    [200, undefined, "unknown"],
    [200, "0x12", "unknown"],
    [199, TX, "unknown"],
    [300, TX, "unknown"],
    [402, TX, "unknown"],
    [500, TX, "unknown"],
    [null, TX, "unknown"],
    [null, undefined, "unknown"],
  ])("of status %j that names the transaction %s makes it %s", async (status, transaction, to) => {
    using spender = await openSpender();
    const outcome = { status, ...(transaction === undefined ? {} : { transaction }) };
    const record = await spender.wallet.report("p1", outcome);
    expect(record.state).toBe(to);
    expect((await spender.wallet.find("p1"))?.state).toBe(to);
    expect(await spender.spent()).toEqual({
      settled: 0n,
      reserved: 10_000n,
    });
  });

  test("changes nothing once the chain has settled it", async () => {
    using spender = await openSpender();
    spender.saying.proof = SETTLED;
    expect((await spender.wallet.report("p1", { status: null })).state).toBe("settled");
    const asked = spender.saying.asked.length;
    for (const status of [200, 500, null]) {
      expect((await spender.wallet.report("p1", { status })).state).toBe("settled");
    }
    expect(spender.saying.asked).toHaveLength(asked);
  });

  test("of a purchase that is not there is refused", async () => {
    using spender = await openSpender();
    await expect(spender.wallet.report("p2", { status: 200 })).rejects.toMatchObject({
      code: "PURCHASE_UNKNOWN",
      problem: expect.stringContaining('"p2"'),
      nextStep: expect.stringMatching(/\w/),
    });
  });
});

describe("the same purchase again", () => {
  const end = async ({ ledger }: Awaited<ReturnType<typeof openSpender>>) =>
    Number((await ledger.find("p1"))!.validBefore) * 1000;

  test("inside its time is the same bytes, and the chain is not asked", async () => {
    using spender = await openSpender();
    spender.saying.proof = EXPIRED;
    spender.saying.now = await end(spender);
    expect((await spender.pay()).payment).toEqual(spender.first.payment);
    expect(spender.saying.asked).toEqual([]);
  });

  test("after its time, proven dead, is a payment of its own, and one amount counts", async () => {
    using spender = await openSpender();
    spender.saying.proof = EXPIRED;
    spender.saying.now = (await end(spender)) + 1;
    const second = await spender.pay();
    expect(second.payment).toBeDefined();
    expect(second.payment).not.toEqual(spender.first.payment);
    const states = (await spender.ledger.list()).map(({ epoch, state }) => [epoch, state]);
    expect(states).toEqual([
      [1, "released"],
      [2, "sent"],
    ]);
    expect(await spender.spent()).toEqual({
      settled: 0n,
      reserved: 10_000n,
    });
    // An earlier authorization that is dead is left out.
    expect((await spender.wallet.list()).map(({ id, state }) => [id, state])).toEqual([
      ["p1", "sent"],
    ]);
  });

  test.each<[string, AuthorizationProof]>([
    ["that nothing proves dead", UNUSED],
    ["that has settled", SETTLED],
  ])("after its time, %s, is the same payment", async (_, proof) => {
    using spender = await openSpender();
    spender.saying.proof = proof;
    spender.saying.now = (await end(spender)) + 1;
    expect((await spender.pay()).payment).toEqual(spender.first.payment);
    expect(await spender.ledger.list()).toHaveLength(1);
    // What is settled is never asked about again.
    const asked = spender.saying.asked.length;
    await spender.pay();
    expect(spender.saying.asked.length - asked).toBe(proof === SETTLED ? 0 : 1);
  });
});
