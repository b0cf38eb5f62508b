/** A provider with paid resources in a process of its own, which is killed at a named point of a sale. */
import { ServerResponse } from "node:http";
import { BASE_SEPOLIA_USDC } from "../../protocol/index.ts";
import { startProvider, type StartOptions } from "../../provider/index.ts";
import { GREENHOUSE } from "./greenhouse.ts";
import { PAY_TO } from "./shop.ts";

export interface KilledOptions extends Pick<StartOptions, "dir" | "facilitatorUrl" | "trust"> {
  killAt: KillPoint;
}

/** The others are for whoever stands between it and its facilitator. */
export type KillPoint =
  | "after verify"
  | "during work"
  | "before settle"
  | "after settle"
  | "before answer";

const { killAt, ...options } = JSON.parse(process.argv[2] ?? "") as KilledOptions;

function die(): Promise<never> {
  process.kill(process.pid, "SIGKILL");
  return new Promise(() => {});
}

// The sale is done and written down, and nobody has heard of it.
const { end } = ServerResponse.prototype;
ServerResponse.prototype.end = function (this: ServerResponse, ...args: never[]) {
  const paid = this.req.headers["payment-signature"] !== undefined;
  if (killAt === "before answer" && paid && this.statusCode === 200) {
    process.kill(process.pid, "SIGKILL");
    return this;
  }
  return (end as (...args: never[]) => ServerResponse).apply(this, args);
} as typeof end;

const server = await startProvider(
  {
    ...GREENHOUSE,
    open: async (kit) => {
      const opened = await GREENHOUSE.open(kit);
      const { seed } = opened.provide;
      const killing = { ...opened.provide, seed: killAt === "during work" ? die : seed! };
      return { ...opened, provide: killing };
    },
  },
  { payTo: PAY_TO, asset: BASE_SEPOLIA_USDC, ...options },
);
process.stdout.write(`${server.url}\n`);
