/** A payment as the token's call that settles it. */
import { encodeFunctionData, type Hex } from "viem";
import { TOKEN_ABI } from "../chain/index.ts";
import type { Payment } from "./payment.ts";
import { splitSignature } from "./signature.ts";

/** A key's signature goes in parts, which every version of the token takes; a smart wallet's goes as it is. */
export function encodeTransfer({ authorization, signature }: Payment, isContract: boolean): Hex {
  const { from, to, value, validAfter, validBefore, nonce } = authorization;
  const common = [from, to, value, validAfter, validBefore, nonce] as const;
  const call = { abi: TOKEN_ABI, functionName: "transferWithAuthorization" } as const;
  const parts = isContract ? undefined : splitSignature(signature);
  return parts
    ? encodeFunctionData({ ...call, args: [...common, parts.v, parts.r, parts.s] })
    : encodeFunctionData({ ...call, args: [...common, signature] });
}
