/**
 * What a wallet's folder is for, written once when the key is imported: its one token and the signer's limits. It holds no secret,
 * and no command changes it; the human may edit it, and the signer takes the limits at its next start.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { getAddress } from "viem";
import { z } from "zod";
import { addAsset, type Asset, ASSETS, findAsset, parseDecimal } from "../protocol/index.ts";
import { UsageError } from "./exit.ts";

const DECIMALS = 6;
const dollars = z.string().regex(/^\d{1,9}(\.\d{1,6})?$/, 'not an amount such as "25.00"');

const AssetEntry = z
  .strictObject({
    /** CAIP-2, of an EVM chain. */
    network: z.string().regex(/^eip155:[1-9]\d{0,15}$/),
    /** The network's name in x402 v1. */
    networkName: z.string().regex(/^[a-z0-9-]{1,32}$/),
    address: z
      .string()
      .regex(/^0x[0-9a-fA-F]{40}$/)
      .transform((text) => getAddress(text.toLowerCase())),
    symbol: z.string().min(1).max(16),
    decimals: z.literal(DECIMALS),
    eip712: z.strictObject({ name: z.string().min(1).max(64), version: z.string().min(1).max(16) }),
    currency: z.literal("usd"),
    mainnet: z.boolean(),
  })
  .transform((entry): Asset => ({ ...entry, chainId: Number(entry.network.slice(7)) }));

const Settings = z.strictObject({
  asset: AssetEntry,
  limits: z.strictObject({
    maxPerCall: dollars,
    maxPerProviderMonth: dollars,
    maxPerMonth: dollars,
  }),
});

export interface ReadSettings {
  readonly asset: Asset;
  /** Atomic units. */
  readonly limits: {
    readonly maxPerCall: bigint;
    readonly maxPerProviderMonth: bigint;
    readonly maxPerMonth: bigint;
  };
}

export function settingsFile(folder: string): string {
  return join(folder, "wallet.json");
}

export function writeSettings(
  folder: string,
  { asset, limits }: { asset: Asset; limits: z.input<typeof Settings>["limits"] },
): void {
  // The chain's id is in the network's.
  const { chainId, ...entry } = asset;
  assert.equal(entry.network, `eip155:${chainId}`);
  const text = JSON.stringify({ asset: entry, limits }, undefined, 2);
  writeFileSync(settingsFile(folder), `${text}\n`, { mode: 0o600, flag: "wx" });
}

/** Reads a folder's settings and makes its token known, or throws `USAGE`. */
export function readSettings(folder: string): ReadSettings {
  const file = settingsFile(folder);
  if (!existsSync(file)) {
    throw new UsageError("USAGE", {
      problem: `There is no wallet in ${folder}.`,
      nextStep: "Make one with `purser wallet import --wallet <dir> --network <name>`.",
    });
  }
  const { asset, limits } = parse(Settings, file);
  addAsset(asset);
  // What our own table knows stays as it is there.
  const known = findAsset(asset.network, asset.address) ?? asset;
  const amount = (text: string) => parseDecimal(text, DECIMALS);
  return {
    asset: known,
    limits: {
      maxPerCall: amount(limits.maxPerCall),
      maxPerProviderMonth: amount(limits.maxPerProviderMonth),
      maxPerMonth: amount(limits.maxPerMonth),
    },
  };
}

/** The token of a network, from our own table or from the human's file of tokens. */
export function findNetwork(name: string, assetsFile: string | undefined): Asset {
  const own = assetsFile === undefined ? [] : parse(z.array(AssetEntry).max(100), assetsFile);
  const known = [...ASSETS, ...own];
  const asset = known.find(({ network, networkName }) => network === name || networkName === name);
  if (asset) return asset;
  throw new UsageError("USAGE", {
    problem: "The network is unknown.",
    nextStep: `Name one of ${known.map(({ networkName }) => networkName).join(", ")}, or describe its token in a file for --assets.`,
  });
}

function parse<Schema extends z.ZodType>(schema: Schema, file: string): z.output<Schema> {
  let problem: string;
  try {
    const { data, error } = schema.safeParse(JSON.parse(readFileSync(file, "utf8")));
    if (error === undefined) return data;
    problem = z.prettifyError(error);
  } catch (error) {
    problem = (error as Error).message;
  }
  throw new UsageError("USAGE", {
    problem: `The file ${file} cannot be used: ${problem}.`,
    nextStep: "Correct it; docs/real-networks.md shows one.",
  });
}
