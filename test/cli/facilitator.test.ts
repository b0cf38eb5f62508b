/** `purser facilitator`: a process of its own that anybody's x402 server can settle through. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openTestChain, type TestChain } from "../support/chain.ts";
import { startCommand } from "../support/command.ts";
import { commandLine } from "../support/command-line.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { newRequest, post } from "../facilitator/facilitator-world.ts";

let chain: TestChain;
beforeAll(async () => {
  chain = await openTestChain();
});
afterAll(() => chain[Symbol.asyncDispose]());

test("it settles over HTTP, says how it is, logs no signature, and ends at Ctrl-C", async () => {
  using folder = temporaryFolder();
  const cwd = folder.path;
  const key = generatePrivateKey();
  const { address } = privateKeyToAccount(key);
  await chain.local.fund(address, { ether: 10n ** 18n });
  writeFileSync(join(cwd, "gas.key"), `${key.slice(2)}\n`, { mode: 0o600 });
  const args = ["facilitator", "--port", "0", "--key-file", "gas.key", "--json"];
  args.push("--duplicates", "refuse");
  const running = startCommand(args, { cwd, env: { RPC_URL: chain.rpcUrl } });
  const told = await running.json<{ url: string }>();
  expect(told).toEqual({
    url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
    network: "eip155:84532",
    asset: chain.asset.address,
    signers: [address],
  });
  const health = await fetch(`${told.url}/health`);
  expect(await health.json()).toMatchObject({ status: "ok", signers: [{ address }] });
  const payer = await chain.newPayer(10_000n);
  const { body } = await newRequest({ chain, payer });
  const answer = await post(`${told.url}/settle`, body);
  expect(answer).toMatchObject({ success: true, payer: payer.address });
  expect(await post(`${told.url}/settle`, body)).toMatchObject({
    errorReason: "duplicate_settlement",
  });
  const metrics = await (await fetch(`${told.url}/metrics`)).text();
  expect(metrics).toContain("purser_facilitator_settled_total 1\n");
  running.child.kill("SIGINT");
  const { code, stderr } = await running.ended;
  expect(code).toBe(0);
  const events = stderr.split("\n").filter((line) => line.startsWith("{"));
  const names = events.map((line) => (JSON.parse(line) as { event: string }).event);
  expect(names).toEqual(["sent", "concluded", "settled"]);
  expect(stderr).not.toContain(body.paymentPayload.payload.signature.slice(2, 40));
});

test.each([
  ["no RPC server", [], {}, "URL_INVALID"],
  ["no key", ["--rpc", "http://127.0.0.1:9"], {}, "KEY_INVALID"],
  [
    "a key that is none",
    ["--rpc", "http://127.0.0.1:9"],
    { FACILITATOR_KEY: "0x12" },
    "KEY_INVALID",
  ],
  [
    "a file that is not there",
    ["--rpc", "http://127.0.0.1:9", "--key-file", "no"],
    {},
    "KEY_INVALID",
  ],
  [
    "a key that is none of the curve's",
    ["--rpc", "http://127.0.0.1:9"],
    { FACILITATOR_KEY: "0".repeat(64) },
    "KEY_INVALID",
  ],
  [
    "a network that is none",
    ["--rpc", "http://127.0.0.1:9", "--network", "solana"],
    { FACILITATOR_KEY: "1".repeat(64) },
    "NETWORK_UNKNOWN",
  ],
  [
    "real money, which nobody allowed",
    ["--rpc", "http://127.0.0.1:9", "--network", "base"],
    { FACILITATOR_KEY: "1".repeat(64) },
    "MAINNET_NOT_ALLOWED",
  ],
] as const)(
  "%s is told with exit code 2, before anything is asked or sent",
  async (_, args, env, code) => {
    using folder = temporaryFolder();
    const cwd = folder.path;
    const ended = await commandLine(["facilitator", "--json", ...args], { cwd, env });
    expect(ended.code).toBe(2);
    expect(JSON.parse(ended.stdout)).toMatchObject({ passed: false, error: { code } });
    expect(ended.stdout + ended.stderr).not.toContain("1".repeat(64));
  },
);

test("a port that is taken is told as that", async () => {
  using folder = temporaryFolder();
  const port = new URL(chain.rpcUrl).port;
  const env = { RPC_URL: chain.rpcUrl, FACILITATOR_KEY: generatePrivateKey() };
  const args = ["facilitator", "--json", "--port", port];
  const { code, stdout } = await commandLine(args, { cwd: folder.path, env });
  expect([code, JSON.parse(stdout)]).toMatchObject([2, { error: { code: "PORT_UNAVAILABLE" } }]);
});
