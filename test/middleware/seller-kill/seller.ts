/** A seller's process as a test sees it: started, killed, started again on the same database. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Address, Hex } from "viem";
import type { DeathPlan } from "./steps.ts";
import { bundled } from "../../support/bundled.ts";

export const ROUTES = ["work-first", "settle-first", "failing"] as const;
export type SellerRoute = (typeof ROUTES)[number];

export interface SellerPlan {
  readonly path: string;
  readonly facilitatorUrl: string;
  readonly payTo: Address;
  /** A test key, made for the run. */
  readonly refundKey: Hex;
}

export interface SellerLife extends AsyncDisposable {
  readonly url: string;
  /** Has it die at a step after the next payment's arrival; at no step for `nth` 0. */
  dieAt(plan: DeathPlan): Promise<void>;
  kill(): void;
  /** Resolves when the process is gone; to the step that it died at, where it was one. */
  readonly ended: Promise<string | undefined>;
}

const CHILD = await bundled(new URL("seller-child.ts", import.meta.url));

/** Starts it; resolves when its recovery is over and it listens. */
export async function startSeller(plan: SellerPlan): Promise<SellerLife> {
  const child: ChildProcess = spawn(process.execPath, [CHILD, JSON.stringify(plan)], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  let errors = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (errors += text));
  const ended = new Promise<string | undefined>((resolve) => {
    child.once("close", () => resolve(/died at (.*)/.exec(errors)?.[1]));
  });
  const line = Promise.withResolvers<string>();
  createInterface({ input: child.stdout! }).once("line", line.resolve);
  const port = await Promise.race([line.promise, ended]);
  if (port === undefined || !/^\d+$/.test(port))
    throw new Error(`the seller did not start: ${errors}`);
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    ended,
    kill: () => void child.kill("SIGKILL"),
    async dieAt({ name, nth }) {
      const named = name === undefined ? "" : `&name=${encodeURIComponent(name)}`;
      const response = await fetch(`${url}/die?nth=${nth}${named}`, { method: "POST" });
      await response.arrayBuffer();
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
