/**
 * Finds the anvil binary of this platform. `@foundry-rs/anvil` is an optional peer, and its `.bin/anvil` is a Node wrapper that
 * leaves the real process behind when it is killed; so the platform's own package is resolved, through that one.
 */
import { accessSync, constants } from "node:fs";
import { createRequire } from "node:module";
import { ChainError } from "../error.ts";

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

export interface AnvilBinaryOptions {
  platform?: string;
  arch?: string;
  /** The module from which packages are looked up. */
  from?: string;
}

/** The binary's path, or `CHAIN_BINARY_MISSING`. */
export function findAnvil({
  platform = process.platform,
  arch = process.arch,
  from = import.meta.url,
}: AnvilBinaryOptions = {}): string {
  const suffix = `${platform}-${ARCHITECTURES[arch] ?? arch}`;
  try {
    const wrapper = createRequire(from).resolve("@foundry-rs/anvil/package.json");
    const path = createRequire(wrapper).resolve(`@foundry-rs/anvil-${suffix}/bin/anvil`);
    accessSync(path, constants.X_OK);
    return path;
  } catch {
    throw new ChainError("CHAIN_BINARY_MISSING", {
      problem: `The local chain needs anvil for ${suffix}, which is not installed.`,
      nextStep:
        "Run npm install @foundry-rs/anvil@1.7.1 (without --omit=optional), then start again.",
    });
  }
}
