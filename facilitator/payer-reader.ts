/**
 * Asks the newest block about several payers in one call, without any contract on the chain: the call carries the code that
 * answers (`contracts/PayerReader.sol`). Balance, authorization and signature are of one block, and one round trip.
 */
import { domainSeparator, type Hex } from "viem";
import type { Asset } from "../protocol/asset.ts";
import type { Authorization } from "../protocol/authorization.ts";
import reader from "./artifacts/PayerReader.json" with { type: "json" };
import { ChainError, type JsonRpc } from "../chain/index.ts";
import { addressWord, bytesTail, uintWord } from "./words.ts";

export interface PayerQuestion {
  readonly authorization: Authorization;
  /** Undefined where it need not be looked at. */
  readonly signature: Hex | undefined;
}

export interface PayerAnswer {
  /** Atomic units. */
  readonly balance: bigint;
  /** True once the authorization is used or cancelled. */
  readonly used: boolean;
  /** True where the payer has code: a smart wallet, or a key that lent its address to one (EIP-7702). */
  readonly isContract: boolean;
  /** True where the signature is the payer's as the token judges it: its key's, or the wallet's own yes (ERC-1271). */
  readonly isSigned: boolean;
  /** The newest block's, in Unix seconds. */
  readonly blockTime: bigint;
}

/** How many bytes of code a call may carry (EIP-3860), less our own. */
const MAX_BYTES = 49_152 - 4_096;

/** How many bytes a question adds to the call. */
export function questionBytes({ signature }: PayerQuestion): number {
  return 32 * 9 + (signature === undefined ? 0 : Math.ceil((signature.length - 2) / 64) * 32);
}

/** Whether this many bytes of questions go into one call. */
export function fitsOneCall(bytes: number): boolean {
  return bytes <= MAX_BYTES;
}

/** Makes the function that asks for one asset; it throws `RpcRefusal` or `CHAIN_UNREACHABLE`. */
export function payerReader(rpc: JsonRpc, asset: Asset) {
  const { eip712, chainId, address: verifyingContract } = asset;
  const domain = domainSeparator({ domain: { ...eip712, chainId, verifyingContract } });
  const head = `${reader.code}${addressWord(asset.address)}${domain.slice(2)}${uintWord(96)}`;
  return async (questions: readonly PayerQuestion[]): Promise<PayerAnswer[]> => {
    const call = `[{"data":"${head}${encodeQuestions(questions)}"},"latest"]`;
    const answer = await rpc.request("eth_call", call);
    return decodeAnswers(answer, questions.length);
  };
}

/** Solidity's encoding of the array of structs: its length, where each begins, and each. */
function encodeQuestions(questions: readonly PayerQuestion[]): string {
  let offsets = "";
  let structs = "";
  for (const { authorization, signature = "0x" } of questions) {
    offsets += uintWord(32 * questions.length + structs.length / 2);
    structs += authorizationWords(authorization) + uintWord(32 * 7) + bytesTail(signature);
  }
  return uintWord(questions.length) + offsets + structs;
}

/** An authorization's six words, which begin the token's call too. */
export function authorizationWords(authorization: Authorization): string {
  const { from, to, value, validAfter, validBefore, nonce } = authorization;
  const window = uintWord(validAfter) + uintWord(validBefore);
  return addressWord(from) + addressWord(to) + uintWord(value) + window + nonce.slice(2);
}

const USED = 1;
const HAS_CODE = 2;
const SIGNED = 4;

function decodeAnswers(answer: unknown, count: number): PayerAnswer[] {
  if (typeof answer !== "string" || answer.length !== 2 + 64 * (1 + 2 * count)) {
    throw new ChainError("CHAIN_UNREACHABLE", {
      problem: "The RPC server answered a question about payers with something else.",
      nextStep:
        "Check that the asset's token is on this chain, and that the server runs calls that create code.",
    });
  }
  const word = (at: number) => answer.slice(2 + 64 * at, 66 + 64 * at);
  const blockTime = BigInt(`0x${word(0)}`);
  return Array.from({ length: count }, (_, at) => {
    const flags = Number.parseInt(word(2 + 2 * at).slice(-2), 16);
    return {
      balance: BigInt(`0x${word(1 + 2 * at)}`),
      used: (flags & USED) !== 0,
      isContract: (flags & HAS_CODE) !== 0,
      isSigned: (flags & SIGNED) !== 0,
      blockTime,
    };
  });
}
