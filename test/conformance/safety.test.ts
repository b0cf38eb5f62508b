/** The tester does no harm: it asks slowly, goes nowhere else, floods nobody, and spends what it was told it may, and no more. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  CASES,
  check,
  type ConformanceError,
  fundedPayer,
  planCases,
  PROFILES,
} from "../../conformance/index.ts";
import { BASE_SEPOLIA_USDC, BASE_USDC } from "../../protocol/index.ts";
import { openEndpoint } from "./endpoint.ts";

const publicHost = () =>
  Promise.resolve({ address: "127.0.0.1", family: 4 as const, kind: "public" as const });

test("a server that is not on this machine is asked at the rate that was said", async () => {
  await using endpoint = await openEndpoint("x402-v2");
  const url = `http://shop.example:${endpoint.port}/paid`;
  const rate = 100;
  const report = await check({ url, rate, only: ["CHAL-17"], resolveHost: publicHost });
  const times = report.exchanges.map(({ startedAt }) => Date.parse(startedAt));
  expect(times).toHaveLength(20);
  const took = times.at(-1)! - times[0]!;
  expect(took).toBeGreaterThanOrEqual((19 * 1000) / rate - 20);
});

test.each([
  ["http://10.1.2.3/", /^10\.1\.2\.3 is an address of a private network\./],
  ["http://[fd12::1]/", /^fd12::1 is an address of a private network\./],
  [
    "http://169.254.169.254/",
    /^169\.254\.169\.254 is .+ cloud machines hand out their .*credentials/,
  ],
  ["http://[::ffff:169.254.169.254]/", /cloud machines hand out their .*credentials/],
  ["http://[fd00:ec2::254]/", /^fd00:ec2::254 is .+ cloud machines hand out their .*credentials/],
  ["http://0.0.0.0/", /stands for every address of this machine/],
  ["http://240.0.0.1/", /^240\.0\.0\.1 is a reserved address/],
])("%s is refused, and the refusal says what it is", async (url, problem) => {
  const refusal = await check({ url }).catch((error: unknown) => error);
  expect(refusal).toMatchObject({ code: "CHECK_TARGET_PRIVATE" });
  expect((refusal as ConformanceError).problem).toMatch(problem);
});

test("no redirect is followed, whatever is asked", async () => {
  let visits = 0;
  await using elsewhere = await openEndpoint("x402-v2", () => {
    visits += 1;
    return undefined;
  });
  await using moved = await openEndpoint("x402-v2", (_, { count }) =>
    count === 0 ? undefined : { status: 302, headers: { Location: elsewhere.url }, body: "" },
  );
  await check({ url: moved.url, ring: 1 });
  expect(visits).toBe(0);
});

test("what floods, or takes long, runs only where load is allowed", () => {
  const plan = { cases: CASES, profiles: PROFILES, ring: 3 } as const;
  const heavy = CASES.filter(({ load = false }) => load).map(({ id }) => id);
  expect(heavy).toEqual(expect.arrayContaining(["LOAD-01", "LOAD-02", "LOAD-03", "TIME-02"]));
  const ids = (load: boolean) => planCases({ ...plan, load }).map((one) => one.case.id);
  expect(ids(false).filter((id) => heavy.includes(id))).toEqual([]);
  expect(ids(true)).toEqual(expect.arrayContaining(heavy));
});

describe("real money", () => {
  const account = privateKeyToAccount(generatePrivateKey());
  const maxSpend = 1_000_000n;
  let base: Server;
  let rpcUrl = "";
  beforeAll(async () => {
    // An RPC server of Base: that is all that is asked of it here.
    base = createServer((request, response) => {
      request.resume();
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ jsonrpc: "2.0", id: 1, result: "0x2105" }));
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    base.listen(0, "127.0.0.1", resolve);
    await promise;
    rpcUrl = `http://127.0.0.1:${(base.address() as AddressInfo).port}`;
  });
  afterAll(() => void base.close());

  test.each([
    ["a token of a main network", BASE_USDC],
    ["an RPC server of a main network", BASE_SEPOLIA_USDC],
  ])("%s is refused, and the refusal says which two flags allow it", async (_, asset) => {
    await expect(fundedPayer({ account, rpcUrl, asset, maxSpend })).rejects.toMatchObject({
      code: "CHECK_MAINNET",
      message: expect.stringMatching(/--allow-mainnet and --max-spend/),
    });
  });

  test("is spent with leave, and never more than was said", async () => {
    const options = { account, rpcUrl, asset: BASE_USDC, maxSpend: 15_000n, allowMainnet: true };
    const payer = await fundedPayer(options);
    await using endpoint = await openEndpoint("x402-v2", (answer) => {
      const header = answer.headers["PAYMENT-REQUIRED"];
      if (typeof header !== "string") return undefined;
      const text = Buffer.from(header, "base64")
        .toString()
        .replaceAll(BASE_SEPOLIA_USDC.network, BASE_USDC.network)
        .replaceAll(BASE_SEPOLIA_USDC.address, BASE_USDC.address);
      const headers = { "PAYMENT-REQUIRED": Buffer.from(text).toString("base64") };
      return { ...answer, headers: { ...answer.headers, ...headers } };
    });
    const only = ["SETL-01", "RPLY-01"];
    const report = await check({ url: endpoint.url, ring: 2, payer, only });
    expect(report.results.map(({ verdict }) => verdict)).toEqual([
      "cannot-assess",
      "cannot-assess",
    ]);
    expect(report.results[1]?.seen).toContain("--max-spend");
    const sent = report.exchanges.filter(({ requestHeaders }) =>
      requestHeaders.some(([name]) => name === "PAYMENT-SIGNATURE"),
    );
    expect(sent).toHaveLength(1);
  });
});
