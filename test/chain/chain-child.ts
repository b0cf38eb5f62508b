/** A program that opens a chain in a folder, says so, funds an address for ever, and is killed by the test. */
import { startLocalChain } from "../../chain/index.ts";

const [dir = "", address = ""] = process.argv.slice(2);
const chain = await startLocalChain(dir === "" ? {} : { dir });
for (let funded = 1; ; funded++) {
  await chain.fund(address as `0x${string}`, { usdc: 1n });
  process.stdout.write(`${JSON.stringify({ rpcUrl: chain.rpcUrl, funded })}\n`);
}
