/** A facilitator that listens on this machine: what a local world, or somebody's own x402 server under test, settles through. */
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Address, Hex } from "viem";
import { openChain } from "../chain/index.ts";
import { BASE_SEPOLIA_USDC } from "../protocol/asset.ts";
import { openDatabase } from "../store/index.ts";
import { type Duplicates, refuseDuplicates } from "./duplicates.ts";
import { createFacilitator } from "./facilitator.ts";
import { lockFolder } from "./folder-lock.ts";
import { gasAccount } from "./gas-account.ts";
import { facilitatorApp } from "./http.ts";
import { FacilitatorError, requireAllowed } from "./network.ts";
import type { FacilitatorOptions } from "./options.ts";
import { ClosingStack } from "../protocol/closing-stack.ts";

export interface RunningFacilitator extends AsyncDisposable {
  readonly url: string;
  /** Of the accounts that pay the gas. */
  readonly addresses: readonly Address[];
  /** Stops listening, once the requests under way are answered. */
  close(): Promise<void>;
}

export type StartFacilitatorOptions = Omit<FacilitatorOptions, "account" | "db"> & {
  /** Default: a free one. */
  port?: number | undefined;
  /** The address to listen on; whoever reaches it can use its gas. Default: 127.0.0.1. */
  host?: string | undefined;
  /** Where `facilitator.sqlite` stands, which remembers across a restart what was sent. Default: nowhere. */
  dir?: string | undefined;
  /**
   * What a second asker for one settlement is told: the first one's answer (default), or `duplicate_settlement`, unless it has the
   * first one's `Idempotency-Key`.
   */
  duplicates?: Duplicates | undefined;
} & ({ account: FacilitatorOptions["account"] } | { privateKey: Hex | readonly Hex[] });

/** Starts it; throws a `ChainError` when the RPC server is not there or is of another chain, `FACILITATOR_IN_USE` for a folder that is open. */
export async function startFacilitator(
  options: StartFacilitatorOptions,
): Promise<RunningFacilitator> {
  const { rpcUrl, port = 0, host = "127.0.0.1", dir, asset = BASE_SEPOLIA_USDC } = options;
  const { duplicates = "answer" } = options;
  requireAllowed(asset, options.allowMainnet ?? false);
  await openChain({ rpcUrl, asset });
  const account =
    "account" in options
      ? options.account
      : await Promise.all([options.privateKey].flat().map(gasAccount));
  await using held = new ClosingStack();
  if (dir !== undefined) held.use(lockFolder(dir));
  const db = openDatabase(dir === undefined ? ":memory:" : join(dir, "facilitator.sqlite"));
  held.defer(() => db.close());
  const facilitator = createFacilitator({ ...options, account, db });
  held.defer(() => facilitator.close());
  const settle = duplicates === "refuse" ? refuseDuplicates(facilitator, db) : undefined;
  const app = facilitatorApp(facilitator, { settle });
  const { promise: listening, resolve, reject } = Promise.withResolvers<void>();
  const server = app.listen(port, host, (error) =>
    error ? reject(notListening(error, { host, port })) : resolve(),
  );
  await listening;
  const running = held.move();
  const close = async () => {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    server.close(() => resolve());
    server.closeIdleConnections();
    await closed;
    await running[Symbol.asyncDispose]();
  };
  const name = host.includes(":") ? `[${host}]` : host;
  const url = `http://${name}:${(server.address() as AddressInfo).port}`;
  const addresses = [account].flat().map(({ address }) => address);
  return { url, addresses, close, [Symbol.asyncDispose]: close };
}

function notListening(error: Error, { host, port }: { host: string; port: number }): Error {
  if (!("syscall" in error)) return error;
  return new FacilitatorError("PORT_UNAVAILABLE", {
    problem: `It cannot listen on port ${port} of ${host}: ${error.message}.`,
    nextStep: "Stop what listens there, or give another port (--port) or address (--host).",
    details: { host, port: `${port}` },
    cause: error,
  });
}
