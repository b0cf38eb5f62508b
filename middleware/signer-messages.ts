/** What the wallet and its signer process say to each other: one JSON object a line, integers as decimal text. */
import type { Address, Hex } from "viem";
import type { SignIntent } from "./signer.ts";

export interface SignRequest {
  id: number;
  network: string;
  asset: string;
  from: string;
  to: string;
  value: string;
  validAfter: string;
  validBefore: string;
  nonce: string;
}

export type SignerMessage =
  /** The first line: the key is read. */
  | { ready: true; address: Address }
  | { ready: false; problem: SignerStartProblem }
  | { id: number; signature: Hex }
  | { id: number; refused: true };

/** Why a signer cannot start, in words that hold nothing of the file's content. */
export type SignerStartProblem = "unreadable" | "exposed" | "not-a-key";

export function writeIntent(id: number, { network, asset, authorization }: SignIntent): string {
  const { from, to, value, validAfter, validBefore, nonce } = authorization;
  const request: SignRequest = {
    id,
    network,
    asset,
    from,
    to,
    value: value.toString(),
    validAfter: validAfter.toString(),
    validBefore: validBefore.toString(),
    nonce,
  };
  return `${JSON.stringify(request)}\n`;
}

const SHAPES: Readonly<Record<Exclude<keyof SignRequest, "id">, RegExp>> = {
  network: /^[a-z0-9-]{1,32}:[a-zA-Z0-9-]{1,64}$/,
  asset: /^0x[0-9a-fA-F]{40}$/,
  from: /^0x[0-9a-fA-F]{40}$/,
  to: /^0x[0-9a-fA-F]{40}$/,
  value: /^[1-9]\d{0,77}$/,
  validAfter: /^(0|[1-9]\d{0,18})$/,
  validBefore: /^[1-9]\d{0,18}$/,
  nonce: /^0x[0-9a-fA-F]{64}$/,
};

/** The intent of a line, or undefined when a field is not exactly what it must be. */
export function readIntent(request: SignRequest): SignIntent | undefined {
  for (const [name, shape] of Object.entries(SHAPES)) {
    const value: unknown = request[name as keyof SignRequest];
    if (typeof value !== "string" || !shape.test(value)) return undefined;
  }
  return {
    network: request.network,
    asset: request.asset as Address,
    authorization: {
      from: request.from as Address,
      to: request.to as Address,
      value: BigInt(request.value),
      validAfter: BigInt(request.validAfter),
      validBefore: BigInt(request.validBefore),
      nonce: request.nonce as Hex,
    },
  };
}
