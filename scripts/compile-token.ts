/**
 * Compiles the contracts of the local chain, the one that a facilitator asks a chain with, and the tests' smart wallet and Base's token, into
 * `artifacts/` beside their sources, where they are committed, so that nobody needs a Solidity
 * compiler to run Purser. The output depends on the sources and the pinned compiler alone; a test compares.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import solc from "solc";

const root = new URL("../", import.meta.url);

interface Source {
  /** Where it stands, and its artifact. */
  readonly folder: string;
  /** Its code that is wanted: what stands at an address (for `setCode`), or what would make it. */
  readonly kind: "deployedBytecode" | "bytecode";
  /** The local chain's token under another name. */
  readonly tokenName?: string;
}

export const CONTRACTS = {
  LocalUsdc: { folder: "chain", kind: "deployedBytecode" },
  Multicall3: { folder: "chain", kind: "deployedBytecode" },
  PayerReader: { folder: "facilitator", kind: "bytecode" },
  OwnedWallet: { folder: "test/facilitator", kind: "bytecode" },
  BaseUsdc: { folder: "test/support", kind: "deployedBytecode", tokenName: "USD Coin" },
} as const satisfies Record<string, Source>;
export type ContractName = keyof typeof CONTRACTS;

export interface Artifact {
  readonly contract: string;
  readonly compiler: string;
  readonly abi: readonly unknown[];
  readonly code: string;
}

interface Compiled {
  abi: unknown[];
  evm: Partial<Record<Source["kind"], { object: string }>>;
}

interface Output {
  errors?: { severity: string; formattedMessage: string }[];
  contracts: Record<string, Record<string, Compiled>>;
}

/** Compiles one contract of `chain/contracts/`; throws the compiler's own words when it has any. */
export function compile(contract: ContractName): Artifact {
  const { kind } = CONTRACTS[contract];
  const file = `${contract}.sol`;
  const input = {
    language: "Solidity",
    sources: {
      [file]: { content: sourceOf(contract) },
    },
    settings: {
      evmVersion: "cancun",
      optimizer: { enabled: true, runs: 1000 },
      metadata: { appendCBOR: false, bytecodeHash: "none" },
      outputSelection: { "*": { [contract]: ["abi", `evm.${kind}.object`] } },
    },
  };
  const { errors, contracts: output } = JSON.parse(solc.compile(JSON.stringify(input))) as Output;
  if (errors?.length) throw new Error(errors.map((error) => error.formattedMessage).join("\n"));
  const compiled = output[file]?.[contract];
  const object = compiled?.evm[kind]?.object;
  if (!compiled || object === undefined) throw new Error(`${file} has no contract ${contract}`);
  const code = `0x${object}`;
  return { contract, compiler: solc.version(), abi: compiled.abi, code };
}

function sourceOf(contract: ContractName): string {
  const { folder, tokenName }: Source = CONTRACTS[contract];
  const read = (path: string) => readFileSync(new URL(path, root), "utf8");
  if (tokenName === undefined) return read(`${folder}/contracts/${contract}.sol`);
  return read("chain/contracts/LocalUsdc.sol")
    .replace("contract LocalUsdc", `contract ${contract}`)
    .replace('constant name = "USDC"', `constant name = "${tokenName}"`);
}

/** The artifact's text, as it is committed. */
export function artifactText(contract: ContractName): string {
  return `${JSON.stringify(compile(contract), null, 2)}\n`;
}

/** Where its artifact is committed. */
export function artifactFile(contract: ContractName): URL {
  return new URL(`${CONTRACTS[contract].folder}/artifacts/${contract}.json`, root);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const contract of Object.keys(CONTRACTS) as ContractName[]) {
    const file = artifactFile(contract);
    mkdirSync(new URL("./", file), { recursive: true });
    writeFileSync(file, artifactText(contract));
  }
}
