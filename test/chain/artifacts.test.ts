import { readFileSync } from "node:fs";
import { type AbiEvent, type AbiFunction, toEventSignature, toFunctionSignature } from "viem";
import { describe, expect, test } from "vitest";
import { TOKEN_ABI } from "../../chain/index.ts";
import {
  artifactFile,
  artifactText,
  type ContractName,
  CONTRACTS,
} from "../../scripts/compile-token.ts";

const committed = (contract: ContractName) => readFileSync(artifactFile(contract), "utf8");

describe.each(Object.keys(CONTRACTS) as ContractName[])("%s", (contract) => {
  test("the committed artifact is what the pinned compiler makes of the source", () => {
    expect(committed(contract)).toBe(artifactText(contract));
  });
});

const signatureOf = (item: AbiEvent | AbiFunction) =>
  item.type === "event" ? toEventSignature(item) : toFunctionSignature(item);

test("every call and event of the typed interface is the token's own", () => {
  const { abi } = JSON.parse(committed("LocalUsdc")) as { abi: (AbiEvent | AbiFunction)[] };
  expect(abi.map(signatureOf)).toEqual(expect.arrayContaining(TOKEN_ABI.map(signatureOf)));
});
