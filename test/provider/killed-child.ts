/** A provider with paid resources in a process of its own, which is killed at a named point of a sale. */
import { subscribe } from "node:diagnostics_channel";
import type { IncomingMessage, ServerResponse } from "node:http";
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
subscribe("http.server.response.created", (message) => {
  const { request, response } = message as { request: IncomingMessage; response: ServerResponse };
  if (killAt !== "before answer" || request.headers["payment-signature"] === undefined) return;
  const writeHead = response.writeHead.bind(response);
  response.writeHead = (status: number, ...rest: never[]) => {
    if (status === 200) process.kill(process.pid, "SIGKILL");
    return writeHead(status, ...rest);
  };
});

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
