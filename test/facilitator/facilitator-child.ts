/**
 * A facilitator in a process of its own, to be killed: by itself where its log says the event that it was given (each is a step of a
 * settlement), or by its parent. It prints its address once it listens.
 */
import { startFacilitator } from "../../facilitator/index.ts";

const [rpcUrl = "", dir = "", killAt, syncTimeoutMs] = process.argv.slice(2);
const privateKey = process.env["GAS_KEY"] as `0x${string}`;

const facilitator = await startFacilitator({
  rpcUrl,
  dir,
  privateKey,
  syncTimeoutMs: syncTimeoutMs === undefined ? undefined : Number(syncTimeoutMs),
  log: ({ event }) => {
    if (event === killAt) process.kill(process.pid, "SIGKILL");
  },
});
process.stdout.write(`${facilitator.url}\n`);
