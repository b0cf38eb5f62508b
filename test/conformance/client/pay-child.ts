/** The small client as a program, told its order by `purser check` in its environment. A first argument `--careless` takes its limit away. */
import { BASE_SEPOLIA_USDC } from "../../../protocol/index.ts";
import { smallClient } from "./small-client.ts";

const { env, argv } = process;
const pay = smallClient(argv.includes("--careless") ? { ignoresLimit: true } : {});
const response = await pay({
  url: env["PURSER_CHECK_URL"] ?? "",
  method: "GET",
  headers: {},
  body: undefined,
  key: env["PRIVATE_KEY"] as `0x${string}`,
  rpcUrl: env["RPC_URL"] ?? "",
  asset: BASE_SEPOLIA_USDC,
  payTo: env["PURSER_CHECK_PAY_TO"] as `0x${string}`,
  max: BigInt(env["PURSER_CHECK_MAX_ATOMIC"] ?? "0"),
  purchase: env["PURSER_CHECK_PURCHASE"] ?? "",
  goal: undefined,
  signal: AbortSignal.timeout(10_000),
});
process.stdout.write(await response.text());
