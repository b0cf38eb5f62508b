/**
 * Calls for the same and for other purchases at once, from two wallets on one book, with everything that they wait for (signer, shop,
 * chain) answering in every order that fast-check thinks of: each purchase is signed for once and charged once, and the cap holds.
 */
import * as fc from "fast-check";
import { privateKeyToAccount } from "viem/accounts";
import { expect, test } from "vitest";
import type { Chain } from "../../chain/index.ts";
import { accountSigner, createPayer, type Signer, Wallet } from "../../middleware/index.ts";
import {
  BASE_SEPOLIA_USDC,
  decodeJson,
  encodeJson,
  readExactPayload,
  Secret,
} from "../../protocol/index.ts";
import { openLedger } from "../../store/index.ts";

const NOW = Date.UTC(2026, 10, 20);
const PAY_TO = `0x${"dd".repeat(20)}` as const;
const PRICE = 10n;
const TX = `0x${"7".repeat(64)}` as const;
const account = privateKeyToAccount(`0x${"11".repeat(32)}`);

/** A world in which whatever is waited for comes when the scheduler says so. */
function openWorld(scheduler: fc.Scheduler) {
  const signed: string[] = [];
  const settled: string[] = [];
  const turn = (label: string) => scheduler.schedule(Promise.resolve(), label);
  const inner = accountSigner(account);
  const signer: Signer = {
    ...inner,
    async sign(intent) {
      await turn("sign");
      signed.push(intent.authorization.nonce);
      return inner.sign(intent);
    },
  };
  const chain = {
    asset: BASE_SEPOLIA_USDC,
    now: () => turn("time").then(() => BigInt(NOW / 1000)),
    genesisHash: () => turn("genesis").then(() => TX),
    async readAuthorization({ nonce }: { nonce: string }) {
      await turn("proof");
      const transaction = TX;
      return settled.includes(nonce)
        ? { state: "settled", transaction, blockNumber: 1n }
        : { state: "unused" };
    },
  } as unknown as Chain;
  const fetch: typeof globalThis.fetch = async (input, init) => {
    await turn("request");
    const header = new Headers(init?.headers).get("X-PAYMENT");
    const answer = header === null ? challenge(new Request(input).url) : settle(header, settled);
    await turn("answer");
    return answer;
  };
  return { signed, settled, signer, chain, fetch };
}

function challenge(resource: string): Response {
  const { networkName: network, address: asset } = BASE_SEPOLIA_USDC;
  const terms = { scheme: "exact", network, asset, payTo: PAY_TO, maxTimeoutSeconds: 60, resource };
  const accepts = [{ ...terms, maxAmountRequired: String(PRICE) }];
  return new Response(JSON.stringify({ x402Version: 1, accepts }), { status: 402 });
}

/** The chain takes a nonce once; the shop sells to whoever has paid. */
function settle(header: string, settled: string[]): Response {
  const { payload } = decodeJson(header) as { payload: unknown };
  const { nonce } = readExactPayload(payload)!.authorization;
  if (!settled.includes(nonce)) settled.push(nonce);
  const receipt = encodeJson({ success: true, transaction: TX });
  return new Response("sold", { headers: { "X-PAYMENT-RESPONSE": receipt } });
}

test("in every order of answers, each purchase is signed for once and charged once, within the cap", async () => {
  const call = fc.record({
    item: fc.integer({ min: 0, max: 4 }),
    wallet: fc.integer({ min: 0, max: 1 }),
  });
  const calls = fc.array(call, { minLength: 2, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), calls, async (scheduler, wanted) => {
      const { signed, settled, signer, chain, fetch } = openWorld(scheduler);
      const now = () => NOW;
      const ledger = openLedger({
        path: ":memory:",
        bytesKey: new Secret(new Uint8Array(32).fill(1)),
        now,
      });
      const payers = [0, 1].map(() => {
        const nonceSecret = new Secret(new Uint8Array(32).fill(2));
        const wallet = new Wallet({ ledger, signer, chain, nonceSecret, now });
        const shop = { id: "shop", origins: ["http://shop.example"], payees: [PAY_TO] };
        const policy = {
          providers: [{ ...shop, maxPerMonth: "0.00003" }],
          maxPerCall: "0.00001",
          local: true,
        };
        const pause = () => Promise.resolve();
        return createPayer({ wallet, policy, scope: "p", fetch, now, pause });
      });
      const all = wanted.map(({ item, wallet }) => payers[wallet]!(`http://shop.example/${item}`));
      const outcomes = await scheduler.waitFor(Promise.all(all));
      expect(new Set(signed).size).toBe(signed.length);
      expect(settled.toSorted()).toEqual(signed.toSorted());
      const items = new Set(wanted.map(({ item }) => item)).size;
      expect(settled.length).toBe(Math.min(items, 3));
      const codes = outcomes.map((outcome) =>
        outcome.kind === "refused" ? outcome.error.code : outcome.kind,
      );
      const expected = ["delivered", "CAP_EXCEEDED", "PURCHASE_IN_PROGRESS"];
      expect(codes.filter((code) => !expected.includes(code))).toEqual([]);
      const cap = { name: "provider:p/shop", perMonth: true };
      expect(await ledger.spent(cap)).toEqual({
        settled: PRICE * BigInt(settled.length),
        reserved: 0n,
      });
      ledger.close();
    }),
    { numRuns: 100 },
  );
});
