/** A facilitator that listens on this machine: what a local world, or somebody's own x402 server under test, settles through. */
import type { AddressInfo } from "node:net";
import type { Hex, LocalAccount } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { openChain } from "../chain/index.ts";
import { BASE_SEPOLIA_USDC } from "../protocol/asset.ts";
import { createFacilitator, type FacilitatorOptions } from "./facilitator.ts";
import { facilitatorApp } from "./http.ts";

export interface RunningFacilitator extends AsyncDisposable {
  readonly url: string;
  /** Stops listening, once the requests under way are answered. */
  close(): Promise<void>;
}

export type StartFacilitatorOptions = Omit<FacilitatorOptions, "account"> & {
  /** Default: a free one. */
  port?: number | undefined;
} & ({ account: LocalAccount } | { privateKey: Hex });

/** Starts it on 127.0.0.1; throws a `ChainError` when the RPC server is not there or is of another chain. */
export async function startFacilitator(
  options: StartFacilitatorOptions,
): Promise<RunningFacilitator> {
  const { rpcUrl, port = 0, asset = BASE_SEPOLIA_USDC } = options;
  await openChain({ rpcUrl, asset });
  const account = "account" in options ? options.account : privateKeyToAccount(options.privateKey);
  const app = facilitatorApp(createFacilitator({ ...options, account }));
  const { promise: listening, resolve, reject } = Promise.withResolvers<void>();
  const server = app.listen(port, "127.0.0.1", (error) => (error ? reject(error) : resolve()));
  await listening;
  const close = async () => {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    server.close(() => resolve());
    server.closeIdleConnections();
    await closed;
  };
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, close, [Symbol.asyncDispose]: close };
}
