/** `purser pay`, with a wallet of its own, as a client under test: a theft, and what a second start pays (the whole list takes minutes: each start has a signer of its own). */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { generatePrivateKey } from "viem/accounts";
import { expect, test } from "vitest";
import { checkClient, type Client, openLocalWorld } from "../../../conformance/index.ts";
import { formatDecimal } from "../../../protocol/index.ts";
import { commandLine } from "../../support/command-line.ts";
import { temporaryFolder } from "../../support/temporary.ts";

const CASES = ["CLIENT-10", "CLIENT-35"];

test("purser pay loses nothing, and pays once for a purchase that it is started for twice", async () => {
  using folder = temporaryFolder();
  await using world = await openLocalWorld();
  const key = generatePrivateKey();
  const keyFile = join(folder.path, "key");
  writeFileSync(keyFile, key);
  const wallet = join(folder.path, "wallet");
  const imported = ["--wallet", wallet, "--network", "base-sepolia", "--key-file", keyFile];
  await commandLine(["wallet", "import", ...imported, "--plain"]);
  const client: Client = async ({ url, rpcUrl, max, payTo, asset, purchase }) => {
    const limits = ["--max", formatDecimal(max, asset.decimals), "--payee", payTo];
    const from = ["--wallet", wallet, "--rpc", rpcUrl, "--local", "--key", purchase];
    const { code, stdout, stderr } = await commandLine(["pay", url, ...limits, ...from]);
    return { ok: code === 0, said: stdout + stderr, ended: true };
  };
  const report = await checkClient({
    client,
    name: "purser pay",
    world,
    key,
    only: CASES,
    profiles: ["x402-v2"],
  });
  expect(report.results.filter(({ verdict }) => verdict !== "pass")).toEqual([]);
  expect(report).toMatchObject({ outcome: "passed", client: { lost: "0" } });
});
