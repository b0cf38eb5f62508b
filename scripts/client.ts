/**
 * One of the clients of the interoperability page as a program, for `purser check --client`: it pays for the URL that it is told in its
 * environment, prints the answer, and ends with 0 when it got it.
 *
 *   node cli/main.ts check --client "node scripts/client.ts x402-fetch"
 */
import { BASE_SEPOLIA_USDC } from "../protocol/index.ts";
import type { Order } from "../conformance/index.ts";
import { purserClient } from "./clients/purser.ts";
import { STOCK_CLIENTS } from "./clients/stock.ts";

const [wanted = "", url] = process.argv.slice(2);
const env = (name: string) => process.env[`PURSER_CHECK_${name}`] ?? "";
using ours = purserClient();
const clients = { ...STOCK_CLIENTS, purser: ours.pay };
const names = Object.keys(clients);
const found = Object.entries(clients).find(([name]) => name.split(" ")[0] === wanted);
if (!found || url === undefined) {
  process.stderr.write(
    `Usage, from purser check: --client "node scripts/client.ts <name>". Names: ${names.map((name) => name.split(" ")[0]).join(", ")}.\n`,
  );
  process.exit(2);
}
const order: Order = {
  url,
  method: env("METHOD") === "POST" ? "POST" : "GET",
  headers: JSON.parse(env("HEADERS") || "{}") as Record<string, string>,
  body: env("BODY") || undefined,
  key: (process.env["PRIVATE_KEY"] ?? "0x") as `0x${string}`,
  rpcUrl: env("RPC"),
  asset: BASE_SEPOLIA_USDC,
  payTo: env("PAY_TO") as `0x${string}`,
  max: BigInt(env("MAX_ATOMIC") || "0"),
  purchase: env("PURCHASE"),
  goal: undefined,
  signal: AbortSignal.timeout(60_000),
};
const response = await found[1](order);
process.stdout.write(`${await response.text()}\n`);
process.exitCode = response.ok ? 0 : 1;
