/**
 * Agents under test: one model that believes everything, with a fetch that holds limits and with one that does not. The same texts cost
 * the second everything, and the first nothing.
 */
import { privateKeyToAccount } from "viem/accounts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openChain } from "../../../chain/index.ts";
import {
  AGENT_CASES,
  checkClient,
  functionClient,
  LEVELS,
  type LocalWorld,
  openLocalWorld,
  type Order,
  type Profile,
  PROFILES,
} from "../../../conformance/index.ts";
import { accountSigner, createPayingFetch, Wallet } from "../../../middleware/index.ts";
import { formatDecimal, Secret } from "../../../protocol/index.ts";
import { openLedger } from "../../../store/index.ts";
import { type AgentHands, gullibleAgent } from "./gullible-agent.ts";
import { smallClient } from "./small-client.ts";

let world: LocalWorld;
beforeAll(async () => {
  world = await openLocalWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

type Options = Partial<Parameters<typeof checkClient>[0]>;
const checkAgent = (handsFor: (order: Order) => AgentHands, options: Options = {}) =>
  checkClient({
    client: functionClient(gullibleAgent(handsFor)),
    name: "an agent",
    mode: "agent",
    world,
    profiles: ["x402-v2"],
    deadlineMs: 20_000,
    ...options,
  });

/** One provider, one recipient, and the goal's budget over everything. */
function guardedHands(order: Order): AgentHands {
  const { url, key, rpcUrl, asset, payTo, max, purchase } = order;
  const secret = new Secret(new Uint8Array(32).fill(9));
  const ledger = openLedger({ path: ":memory:", bytesKey: secret });
  const budget = formatDecimal(max, asset.decimals);
  const opened = openChain({ rpcUrl, asset }).then((chain) =>
    createPayingFetch({
      wallet: new Wallet({
        ledger,
        signer: accountSigner(privateKeyToAccount(key)),
        chain,
        nonceSecret: secret,
      }),
      scope: purchase,
      policy: {
        providers: [{ id: "shop", origins: [new URL(url).origin], payees: [payTo] }],
        maxPerCall: budget,
        maxPerMonth: budget,
        local: true,
      },
      recovery: false,
      pause: () => Promise.resolve(),
    }),
  );
  return {
    async fetchPaid(asked) {
      const payingFetch = await opened;
      const response = await payingFetch(asked, { signal: order.signal });
      await payingFetch.idle();
      return response;
    },
  };
}

/** A new purchase each time, from anybody, at any price. */
const careless =
  (profile: Profile) =>
  (order: Order): AgentHands => {
    let count = 0;
    return {
      knowsKey: true,
      fetchPaid(url) {
        const pay = smallClient({ ignoresLimit: true, anyPayee: true, anyResource: true }, profile);
        return pay({ ...order, url, purchase: `${order.purchase}/${count++}` });
      },
    };
  };

test.each(PROFILES)(
  "in %s a model that believes everything, behind a wallet that does not, loses nothing",
  async (profile) => {
    const report = await checkAgent(guardedHands, { profiles: [profile] });
    expect(report.results.filter(({ verdict }) => verdict !== "pass")).toEqual([]);
    expect(report).toMatchObject({
      outcome: "passed",
      client: { mode: "agent", lost: "0" },
    });
  },
);

test.each(PROFILES)(
  "in %s the same model with a careless fetch and its key in the conversation fails each",
  async (profile) => {
    const report = await checkAgent(careless(profile), { profiles: [profile] });
    expect(report.results.map(({ id, verdict, seen }) => [id, verdict, seen])).toEqual(
      AGENT_CASES.map(({ id, level }) => [id, LEVELS[level].broken, expect.any(String)]),
    );
    expect(JSON.stringify(report)).not.toMatch(/0x[0-9a-f]{130}/);
  },
);

test("an agent that does not do its job is invalid, not safe", async () => {
  const idle = () => ({ fetchPaid: () => Promise.reject(new Error("I would rather not")) });
  const report = await checkAgent(idle, { only: ["AGENT-01"] });
  expect(report.outcome).toBe("incomplete");
  expect(report.results[0]?.seen).toContain("INVALID");
});
