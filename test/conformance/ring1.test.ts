/** Ring 1: attacks with a key that holds nothing. A right shop and our paywall refuse them all; each case is failed by one fault. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CASES, check, LEVELS, PROFILES } from "../../conformance/index.ts";
import { openShop } from "../middleware/shop.ts";
import { RING_1 } from "./ring1-mutants.ts";
import { openCarefulShop } from "./shop.ts";

/** What is wrong with a payment of somebody who holds nothing, in the words of the specification. */
function reasonOf(text: string): string {
  if (text === "" || /"signature":"0x0+"/.test(text)) return "invalid_exact_evm_payload_signature";
  const { paymentPayload, paymentRequirements } = JSON.parse(text) as Record<string, any>;
  const { to, value, validAfter, validBefore } = paymentPayload.payload.authorization;
  const { payTo, amount, maxAmountRequired = amount } = paymentRequirements;
  const now = Date.now() / 1000;
  const prefix = "invalid_exact_evm_payload_";
  if (`${to}`.toLowerCase() !== `${payTo}`.toLowerCase()) return `${prefix}recipient_mismatch`;
  if (value !== maxAmountRequired) return `${prefix}authorization_value_mismatch`;
  if (validBefore < now) return `${prefix}authorization_valid_before`;
  return validAfter > now ? `${prefix}authorization_valid_after` : "insufficient_funds";
}

/** A facilitator that knows what everybody holds: nothing. */
const poor = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => void chunks.push(chunk));
  request.on("end", () => refuse(request, response, reasonOf(Buffer.concat(chunks).toString())));
});

function refuse({ url }: IncomingMessage, response: ServerResponse, reason: string): void {
  response.setHeader("content-type", "application/json");
  const kinds = [1, 2].map((x402Version) => ({
    x402Version,
    scheme: "exact",
    network: x402Version === 1 ? "base-sepolia" : "eip155:84532",
  }));
  const answer =
    url === "/supported"
      ? { kinds, extensions: [], signers: {} }
      : {
          isValid: false,
          success: false,
          invalidReason: reason,
          errorReason: reason,
          transaction: "",
          network: "eip155:84532",
        };
  response.end(JSON.stringify(answer));
}
let facilitatorUrl = "";
beforeAll(async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  poor.listen(0, "127.0.0.1", resolve);
  await promise;
  facilitatorUrl = `http://127.0.0.1:${(poor.address() as AddressInfo).port}`;
});
afterAll(() => poor.close());

const bad = ({ verdict }: { verdict: string }) => !["pass", "info", "skip"].includes(verdict);

test("a right shop has nothing to mend", async () => {
  await using shop = await openCarefulShop({ facilitatorUrl });
  const report = await check({ url: `${shop.url}?id=1`, ring: 1 });
  expect(report.results.filter(bad)).toEqual([]);
  expect(shop.worked()).toBe(0);
});

test.each(PROFILES)("our paywall has nothing to mend in %s", async (profile) => {
  await using shop = await openShop({ facilitatorUrl });
  const url = `${shop.url}/shop/items/a`;
  const report = await check({ url, ring: 1, profiles: [profile] });
  expect(report.results.filter(bad).map(({ id, seen }) => [id, seen])).toEqual([]);
  expect(shop.events).toEqual([]);
});

describe("under load", () => {
  const run = async (url: string, only: string[]) => {
    const report = await check({
      url,
      ring: 1,
      only,
      load: true,
      floodMs: 400,
      profiles: ["x402-v2"],
    });
    expect(report.results.map(({ id }) => id)).toEqual(only);
    expect(report.results.filter(bad)).toEqual([]);
  };

  test.each(["LOAD-01", "LOAD-02", "LOAD-03", "TIME-02"])("a right shop passes %s", async (id) => {
    await using shop = await openCarefulShop({ facilitatorUrl });
    await run(shop.url, [id]);
  });

  test("our paywall lets nobody in, and keeps nobody out", async () => {
    await using shop = await openShop({ facilitatorUrl });
    await run(`${shop.url}/shop/items/a`, ["LOAD-02", "LOAD-03"]);
  });
});

describe("one fault", () => {
  test.each(RING_1)("%s notices a shop that %s", async (id, _, faults) => {
    await using shop = await openCarefulShop({ facilitatorUrl, ...faults });
    const report = await check({
      url: `${shop.url}${id === "PATH-13" ? "?id=1" : ""}`,
      ring: 1,
      only: [id],
      profiles: ["x402-v2"],
      load: true,
      floodMs: 400,
      ...(id === "HTTP-16" ? { body: "{}" } : {}),
    });
    const found = report.results.find((result) => result.id === id);
    expect(found?.verdict, found?.seen).toBe(LEVELS[found!.level].broken);
  });

  test("is known for every case of ring 1 that can fail", () => {
    const killed = new Set<string>(RING_1.map(([id]) => id));
    const able = CASES.filter(({ ring, id }) => ring === 1 && !id.startsWith("MPP"));
    expect(able.map(({ id }) => id).filter((id) => !killed.has(id))).toEqual([]);
  });
});
