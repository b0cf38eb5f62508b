/**
 * Compiles the contracts of the local chain into `chain/artifacts/`, where they are committed, so that nobody needs a Solidity
 * compiler to run Purser. The output depends on the sources and the pinned compiler alone; a test compares.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import solc from "solc";

const contracts = new URL("../chain/contracts/", import.meta.url);
const artifacts = new URL("../chain/artifacts/", import.meta.url);

export const CONTRACTS = ["LocalUsdc", "Multicall3"] as const;

export interface Artifact {
  readonly contract: string;
  readonly compiler: string;
  readonly abi: readonly unknown[];
  /** Runtime code, for `setCode`. */
  readonly code: string;
}

interface Output {
  errors?: { severity: string; formattedMessage: string }[];
  contracts: Record<
    string,
    Record<string, { abi: unknown[]; evm: { deployedBytecode: { object: string } } }>
  >;
}

/** Compiles one contract of `chain/contracts/`; throws the compiler's own words when it has any. */
export function compile(contract: string): Artifact {
  const file = `${contract}.sol`;
  const input = {
    language: "Solidity",
    sources: { [file]: { content: readFileSync(new URL(file, contracts), "utf8") } },
    settings: {
      evmVersion: "cancun",
      optimizer: { enabled: true, runs: 1000 },
      metadata: { appendCBOR: false, bytecodeHash: "none" },
      outputSelection: { "*": { [contract]: ["abi", "evm.deployedBytecode.object"] } },
    },
  };
  const { errors, contracts: output } = JSON.parse(solc.compile(JSON.stringify(input))) as Output;
  if (errors?.length) throw new Error(errors.map((error) => error.formattedMessage).join("\n"));
  const compiled = output[file]?.[contract];
  if (!compiled) throw new Error(`${file} has no contract ${contract}`);
  const code = `0x${compiled.evm.deployedBytecode.object}`;
  return { contract, compiler: solc.version(), abi: compiled.abi, code };
}

/** The artifact's text, as it is committed. */
export function artifactText(contract: string): string {
  return `${JSON.stringify(compile(contract), null, 2)}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(artifacts, { recursive: true });
  for (const contract of CONTRACTS) {
    writeFileSync(new URL(`${contract}.json`, artifacts), artifactText(contract));
  }
}
